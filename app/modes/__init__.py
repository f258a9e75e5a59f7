"""What a person wants of a picture: each mode turns a wish into a job and an answer into something to show."""

from app.modes.ask import AskMode
from app.modes.base import Mode
from app.modes.recognise import RecogniseMode

MODES: tuple[Mode, ...] = (AskMode(), RecogniseMode())
"""Every mode, in the order in which the window offers them."""

"""What a person wants of a picture: each mode turns a wish into a job and an answer into something to show."""

from app.modes.ask import AskMode
from app.modes.base import Mode
from app.modes.recognise import RecogniseMode
from app.modes.translate.mode import TranslateMode

MODES: tuple[Mode, ...] = (AskMode(), TranslateMode(), RecogniseMode())
"""Every mode, in the order in which the window offers them."""

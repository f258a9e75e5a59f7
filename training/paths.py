"""Where the training keeps its files; ``work`` is not under version control."""

from pathlib import Path

WORK = Path(__file__).parent / "work"
TOKENIZER = WORK / "tokenizer.json"
CHECKPOINT = WORK / "pupil.pt"
STARTER = Path(__file__).parent.parent / "assets" / "starter"

"""The person's own terms: a text file of lines `term = word`, read each time it is needed."""

from pathlib import Path

from app import paths
from app.errors import UsageError
from app.wording import Wording


def path() -> Path:
    """The person's own glossary; it need not exist."""
    return paths.config_dir() / "glossary.txt"


def load(file: Path | None = None) -> dict[str, str]:
    """The terms of a file (by default the person's own, empty if there is none). Raises UsageError."""
    own = file is None
    file = file or path()
    try:
        return parse(file.read_text("utf-8-sig"))
    except FileNotFoundError as error:
        if own:
            return {}
        raise UsageError(
            Wording("There is no glossary {name}.", name=file.name), "Check its name and folder.", str(error)
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            Wording("The glossary {name} cannot be read.", name=file.name),
            "Save it as text in UTF-8, a line for each term.",
            str(error),
        ) from error


def save(text: str) -> None:
    """Keep what was written as the person's own terms, notes and all. Raises UsageError, OSError."""
    parse(text)
    path().parent.mkdir(parents=True, exist_ok=True)
    path().write_text(f"{text.rstrip()}\n" if text.strip() else "", "utf-8")


def parse(text: str) -> dict[str, str]:
    """Lines `term = word`; empty ones and those that begin with # are passed over. Raises UsageError."""
    terms: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        term, equals, word = (part.strip() for part in line.partition("="))
        if not (equals and term and word):
            raise UsageError(
                Wording("Line {number} of the glossary is no term.", number=number),
                "Write each one as: term = word.",
                f"line: {line!r}",
            )
        terms[term] = word
    return terms

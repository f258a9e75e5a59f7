"""What is said of pictures that were brought and do not go with the question."""

from collections.abc import Sequence

from app.errors import PictureError
from app.ui.i18n import shown
from app.wording import Wording


def some(bad: Sequence[PictureError], tried: int, wanted: int) -> PictureError:
    """What is wrong with some of the files that were tried, and that there were more than those; in one message."""
    error = bad[0] if len(bad) == 1 else _several(bad, tried)
    if wanted == tried:
        return error
    what = Wording(
        "{what} Of {number} files only the first {most} were tried: no more go with one question.",
        what=error.what,
        number=wanted,
        most=tried,
    )
    return PictureError(what, error.todo, error.detail)


def _several(bad: Sequence[PictureError], number: int) -> PictureError:
    what = Wording("{bad} of {number} files could not be opened.", bad=len(bad), number=number)
    return PictureError(
        what, "The details say why.", "\n".join(f"{shown(one.whole)} {one.detail}".strip() for one in bad)
    )


def only(opened: int, wanted: int) -> Wording:
    """That nothing is wrong, but there are too many."""
    return Wording(
        "Only the first {most} of {number} pictures were opened: no more go with one question.",
        most=opened,
        number=wanted,
    )


def no_more(most: int) -> PictureError:
    """That there is room for none."""
    what = Wording("No more than {most} pictures go with one question.", most=most)
    return PictureError(what, "Remove one of them, or send the question first.")

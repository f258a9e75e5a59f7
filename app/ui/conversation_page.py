"""A conversation as one HTML page with its pictures inside: any browser shows it, and nothing is loaded for it."""

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from string import Template

from PIL import Image
from PySide6.QtCore import QLocale, Qt

from app.chat.conversation import Conversation, State, Turn
from app.ui import theme
from app.ui.i18n import shown
from app.ui.markdown_page import as_html
from app.values import Picture
from app.wording import Wording

_LONGEST_SIDE = 1600
"""Pixels of a picture on the page: enough to look at, and to print."""
_QUALITY = 90

_PAGE = Template("""<!DOCTYPE html>
<html lang="$language" dir="$direction">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>$title</title>
<style>
:root { color-scheme: light dark; $light }
@media (prefers-color-scheme: dark) { :root { $dark } }
body { margin: 0 auto; max-width: 46rem; padding: 2rem 1rem; font: 1rem/1.5 system-ui, sans-serif;
  background: var(--window); color: var(--text); overflow-wrap: break-word; }
.question { margin: 2rem 0 1rem; display: flex; flex-direction: column; align-items: flex-end; gap: .5rem; }
.question img { max-width: 100%; max-height: 26rem; border-radius: 10px; }
.question p { margin: 0; max-width: 85%; padding: .6rem 1rem; border-radius: 14px; white-space: pre-wrap;
  background: var(--bubble); }
.answer { break-inside: avoid-page; }
.answer p { white-space: pre-wrap; }
.answer pre { padding: .75rem 1rem; border-radius: 10px; background: var(--bubble); overflow-x: auto; }
.answer table { border-collapse: collapse; margin: 1rem 0; }
.answer td { border: 1px solid var(--line); padding: .2rem .6rem; }
.answer td p { margin: 0; }
.answer tr:first-child td { font-weight: 600; background: var(--bubble); }
.answer hr { border: 0; border-top: 1px solid var(--line); }
.answer a { color: var(--accent); }
.code, pre { font-family: ui-monospace, monospace; }
.quoted { margin-inline-start: 1rem; padding-inline-start: 1rem; border-inline-start: 3px solid var(--line); }
.checked::marker { content: "\\2611  "; }
.unchecked::marker { content: "\\2610  "; }
.error { padding: .75rem 1rem; border-radius: 10px; background: var(--danger_soft); }
small, footer { color: var(--soft); font-size: .85rem; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: .75rem; }
</style>
</head>
<body>
<main>
$turns
</main>
<footer>$foot</footer>
</body>
</html>
""")
_TURN = Template("""<section>
<div class="question">
$pictures
<p dir="auto">$question</p>
</div>
<div class="answer" dir="auto">
$answer
</div>
$below
</section>""")
_COLOURS = ("window", "text", "soft", "line", "bubble", "accent", "danger_soft")


@dataclass(frozen=True)
class Said:
    """A turn as it is at one moment. answer: Markdown; error: sentences; small: small print."""

    question: str
    pictures: tuple[Picture, ...]
    answer: str
    error: str
    small: str


def said(conversation: Conversation, words: Callable[[Turn], str]) -> list[Said]:
    """What to put on the page; on the window's thread, for conversations change. words: what is seen of an answer."""
    return [
        Said(
            turn.question,
            tuple(p for digest in turn.pictures if (p := conversation.picture(digest)) is not None),
            words(turn),
            shown(turn.error.whole) if turn.error else "",
            " · ".join(filter(None, (turn.model, _outcome(turn)))),
        )
        for turn in conversation.turns
    ]


def page(turns: Sequence[Said], when: str) -> str:
    """The whole page. Takes up to a second for many pictures; may run on any thread. when: today, in words."""
    locale = QLocale()
    return _PAGE.substitute(
        language=locale.bcp47Name(),
        direction="rtl" if locale.textDirection() is Qt.LayoutDirection.RightToLeft else "ltr",
        title=escape(" ".join(turns[0].question.split())) if turns else "Spyglass",
        light=_variables(theme.LIGHT),
        dark=_variables(theme.DARK),
        turns="\n".join(map(_section, turns)),
        foot=escape(shown(Wording("Saved by Spyglass, {date}. Answers can be wrong.", date=when))),
    )


def _outcome(turn: Turn) -> str:
    if turn.cut_off:
        return shown(Wording("Cut off: the longest answer allowed"))
    return shown(Wording("Stopped")) if turn.state is State.STOPPED else ""


def _variables(colours: theme.Theme) -> str:
    return " ".join(f"--{name}: {getattr(colours, name)};" for name in _COLOURS)


def _section(turn: Said) -> str:
    below = [f'<p class="error">{escape(turn.error)}</p>'] if turn.error else []
    below += [f"<small>{escape(turn.small)}</small>"] if turn.small else []
    return _TURN.substitute(
        pictures="\n".join(map(_image, turn.pictures)),
        question=escape(turn.question),
        answer=as_html(turn.answer),
        below="\n".join(below),
    )


def _image(picture: Picture) -> str:
    image = Image.frombuffer("RGB", (picture.width, picture.height), picture.pixels, "raw", "RGB", 0, 1)
    image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY, subsampling=0)
    pixels = base64.b64encode(file.getvalue()).decode()
    return f'<img alt="{escape(picture.name)}" src="data:image/jpeg;base64,{pixels}">'

"""Markdown as plain HTML for a page that a browser shows: what it means is kept, what Qt adds for itself is not."""

import re
from html import escape, unescape

from PySide6.QtCore import QUrl
from PySide6.QtGui import QTextDocument

from app.ui.blocks import LINK_SCHEMES
from app.ui.markdown import split, without_images

_BODY = re.compile(r"<body[^>]*>\n?(.*)</body>", re.DOTALL)
_TAG = re.compile(r"<(\w+)((?:\s[^<>]*)?)>")
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
_KEPT = re.compile(r"font-weight:\s*\d+|font-style:\s*italic|text-decoration:[\w\s-]+")
"""Of the styles only what Markdown has marks for."""
_INDENTED = re.compile(r"margin-left:\s*[1-9]")


def as_html(markdown: str) -> str:
    """The inside of a page. Nothing in it is loaded from anywhere, and no HTML of the text itself is let through. May
    run on any thread."""
    return "\n".join(
        f"<pre>{escape(part.text)}</pre>" if part.kind == "code" else _text(part.text) for part in split(markdown)
    )


def _text(markdown: str) -> str:
    document = QTextDocument()
    features = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | QTextDocument.MarkdownFeature.MarkdownNoHTML
    document.setMarkdown(without_images(markdown), features)
    body = _BODY.search(document.toHtml())
    return _TAG.sub(_plain, body[1]).replace("</pre>\n<pre>", "\n") if body else ""


def _plain(tag: re.Match[str]) -> str:
    """A tag with the attributes that are kept."""
    name, attributes = tag[1], dict(_ATTRIBUTE.findall(tag[2]))
    style = attributes.get("style", "")
    kept = []
    if name == "a" and QUrl(unescape(attributes.get("href", ""))).scheme() in LINK_SCHEMES:
        kept.append(f'href="{attributes["href"]}"')
    if name == "span" and "monospace" in style:
        kept.append('class="code"')
    elif name == "span" and _KEPT.search(style):
        kept.append(f'style="{";".join(found.strip() for found in _KEPT.findall(style))}"')
    if name == "p" and _INDENTED.search(style):
        kept.append('class="quoted"')
    if name == "p" and "align" in attributes:
        kept.append(f'style="text-align:{attributes["align"]}"')
    if name == "li" and "class" in attributes:
        kept.append(f'class="{attributes["class"]}"')
    if name == "ol" and "start" in attributes:
        kept.append(f'start="{attributes["start"]}"')
    return f"<{' '.join((name, *kept))}>"

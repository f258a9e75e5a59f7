"""Markdown is cut into parts that never change again but for the last."""

import pytest

from app.ui.markdown import Part, split, without_images

TEXT = """# Title

First paragraph with `code`.

```python
a = 1

b = 2
```

- one
- two

~~~
plain
"""


def test_parts() -> None:
    assert split(TEXT) == [
        Part("text", "# Title\n\nFirst paragraph with `code`."),
        Part("code", "a = 1\n\nb = 2", "python"),
        Part("text", "- one\n- two"),
        Part("code", "plain\n"),
    ]


def test_fences() -> None:
    assert split("````\n```\n````") == [Part("code", "```")]
    assert split("```one`two\n") == [Part("text", "```one`two")]
    assert split("    ```\nx") == [Part("text", "    ```\nx")]
    assert split("") == []


def test_only_the_last_part_changes_while_the_text_grows() -> None:
    text = TEXT + "\n~~~\n" + "\n\n".join(f"Paragraph {i} " + "word " * 60 for i in range(20))
    before: list[Part] = []
    for end in range(1, len(text), 7):
        parts = split(text[:end])
        assert parts[: len(before) - 1] == before[:-1]
        before = parts
    assert len(before) > 6
    assert max(len(part.text) for part in before) < 2000


@pytest.mark.parametrize(
    "kind",
    ["- item {}", "{}. item", "| a | {} |", "> quote {}", "    indented {}"],
    ids=["list", "numbers", "table", "quote", "code"],
)
def test_what_belongs_together_is_not_cut(kind: str) -> None:
    text = "intro\n\n" + "\n\n".join(kind.format(i) + " word" * 30 for i in range(1, 40))
    assert len(split(text)) == 1


def test_images_become_links() -> None:
    assert (
        without_images("see ![a cat](file:///etc/passwd) and ![b][1]!") == "see [a cat](file:///etc/passwd) and [b][1]!"
    )

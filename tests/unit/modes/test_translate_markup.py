import pytest

from app.modes.translate.markup import put_together, take_apart

ANSWER = """# Opening hours

The office is **open** daily:

- from 8 to 12
- [x] from 14 to 18
1. First ring
2) then wait

> Do not smoke.

| Day | Price |
|-----|------:|
| Sunday | 4,50 € |

```python
print("not translated")
```
---
18 May 2024
  Good bye.
"""


def test_what_is_translated_and_what_is_not() -> None:
    passages, around = take_apart(ANSWER)
    assert passages == (
        "Opening hours",
        "The office is **open** daily:",
        "from 8 to 12",
        "from 14 to 18",
        "First ring",
        "then wait",
        "Do not smoke.",
        *("Day", "Price", "Sunday", "4,50 €"),
        "18 May 2024",
        "Good bye.",
    )
    assert len(around) == len(passages) + 1


@pytest.mark.parametrize(
    "text",
    [
        ANSWER.rstrip("\n"),
        *("", "  ", "one", "a | b", "|", "||", "| a |", "\n\nx"),
        *("``` \nx", "- ", "#hash", "2024. was", "~~~\n```\n~~~\nx"),
    ],
)
def test_put_together_it_is_the_same_again(text: str) -> None:
    passages, around = take_apart(text)
    assert put_together(passages, around) == text


def test_code_is_left_alone_even_when_its_fence_is_never_closed() -> None:
    assert take_apart("Hello\n```\ncode\nmore")[0] == ("Hello",)


def test_it_ends_where_a_passage_is_missing() -> None:
    passages, around = take_apart("- one\n- two\n\nthree")
    assert put_together(("eins", None, "drei"), around) == "- eins"
    assert put_together(("eins", "zwei", "drei"), around) == "- eins\n- zwei\n\ndrei"
    assert passages == ("one", "two", "three")

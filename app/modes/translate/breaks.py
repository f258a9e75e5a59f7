"""Where a line of text may be broken: at spaces, and between the signs of Chinese, Japanese and Korean."""

import unicodedata

_OPENING = frozenset("（「『【《〈［〔｛〖“‘([{¥￥$€£")
SMALL_KANA = frozenset("ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ")
_CLOSING = SMALL_KANA | frozenset("、。，．！？：；…・）」』】》〉］〕｝〗”’)]},.!?:;%％‰℃°々ー")
"""Signs after which no line is broken, and those before which none is."""


def pieces(line: str) -> list[tuple[str, bool]]:
    """What of a line stays whole, each piece with whether a space precedes it.

    These are words; where it is written without spaces, single signs with the punctuation that goes with them, numbers,
    and words in other letters.
    """
    return [(piece, at == 0) for token in line.split() for at, piece in enumerate(_parted(token))]


def _parted(token: str) -> list[str]:
    parts: list[str] = []
    for sign in token:
        if parts and _stays(parts[-1][-1], sign):
            parts[-1] += sign
        else:
            parts.append(sign)
    return parts


def _stays(before: str, sign: str) -> bool:
    return before in _OPENING or sign in _CLOSING or not (_wide(before) or _wide(sign))


def _wide(sign: str) -> bool:
    return unicodedata.east_asian_width(sign) in "WF"

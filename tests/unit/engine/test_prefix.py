import random

import pytest

from app.engine.prefix import Item, PictureSpan, cells, common, positions

CAT = PictureSpan("cat", cells=16, positions=16)
DOG = PictureSpan("dog", cells=16, positions=4)


@pytest.mark.parametrize(
    ("cached", "wanted", "kept"),
    [
        ([], [1, 2], 0),
        ([1, 2], [1, 2, 3], 2),
        ([1, 2, 3], [1, 2, 4, 5], 2),
        ([1, 2, 3], [1, 2, 3], 2),
        ([1, 2, 3, 4], [1, 2], 1),
        ([1], [1], 0),
        ([1], [], 0),
        ([], [], 0),
        ([1, CAT, 2], [1, CAT, 2, 3], 3),
        ([1, CAT, 2], [1, DOG, 2, 3], 1),
        ([1, CAT], [1, CAT], 1),
        ([1, CAT], [1, PictureSpan("cat", cells=8, positions=8), 2], 1),
    ],
)
def test_common_prefix(cached: list[Item], wanted: list[Item], kept: int) -> None:
    assert common(cached, wanted) == kept


def test_whatever_is_kept_is_equal_and_leaves_something_to_compute() -> None:
    generator = random.Random(5)
    alphabet: list[Item] = [1, 2, CAT, DOG]
    for _ in range(500):
        cached, wanted = ([generator.choice(alphabet) for _ in range(generator.randrange(1, 6))] for _ in range(2))
        kept = common(cached, wanted)
        assert cached[:kept] == wanted[:kept]
        assert kept < len(wanted)
        assert kept == len(wanted) - 1 or kept == len(cached) or cached[kept] != wanted[kept]


def test_a_picture_may_move_positions_by_less_than_it_takes() -> None:
    items: list[Item] = [1, DOG, 2]
    assert cells(items) == 18
    assert positions(items) == 6

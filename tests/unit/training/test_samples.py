"""The training must cut pictures as the engine does, or it would teach the starter another world."""

import itertools

import numpy as np
import pytest

from app.engine.families.mllama import picture
from app.gguf import mllama
from training import prompts, samples
from training.scenes import Scene, Thing, Word, resized
from training.sizes import VisionSize, arrangements

SIDES = (1, 40, 127, 128, 129, 180, 256, 300, 480, 640, 1000)


@pytest.mark.parametrize("tiles", [2, 4])
def test_arrangements_have_the_engines_order(tiles: int) -> None:
    assert tuple(arrangements(tiles)) == tuple(mllama.arrangements(tiles))


@pytest.mark.parametrize("tiles", [2, 4])
def test_every_size_gets_the_engines_canvas(tiles: int) -> None:
    size = VisionSize(tiles=tiles)
    choices = mllama.arrangements(tiles)
    for height, width in itertools.product(SIDES, SIDES):
        canvas = samples.fit(height, width, size)
        high, wide = choices[picture.best_arrangement(width, height, choices, size.tile) - 1]
        assert canvas.arrangement == (high, wide)
        fitted = picture.fit(width, height, wide * size.tile, high * size.tile, size.tile)
        assert (canvas.width, canvas.height) == fitted


def test_tiles_are_cut_row_by_row_and_patches_know_their_thing() -> None:
    size = VisionSize(tile=96, tiles=4)
    canvas = samples.Canvas((2, 2), 192, 192)
    scene = Scene(np.zeros((192, 192, 3), np.uint8), np.full((192, 192), -1, np.int8))
    scene.picture[:96, 96:] = 50
    scene.picture[96:, :96] = 100
    scene.owner[100:130, 4:40] = 0
    scene.things.append(Thing("dog", (4.0, 100.0, 40.0, 130.0), None, 0))

    made = samples.encode(scene, canvas, size, tiles=4)

    assert [int(tile[0, 0, 0]) for tile in made["tiles"]] == [0, 50, 100, 0]
    kinds = made["kind"].reshape(4, size.patches)
    assert samples.CLASS["dog"] in kinds[2]
    assert samples.CLASS["dog"] not in kinds[[0, 1, 3]]


def test_a_things_marks_are_on_the_patches_that_show_it() -> None:
    scene = Scene(np.zeros((96, 192, 3), np.uint8), np.full((96, 192), -1, np.int8))
    scene.owner[32:64, 100:128] = 0
    scene.things.append(Thing("dog", (100.0, 32.0, 128.0, 64.0), None, 0))
    scene.word = Word("IN", np.array([[8.0, 8.0], [40.0, 8.0]]), None)

    marks = samples.spots(scene, 96, 192, patch=16)

    assert marks[0].nonzero()[0].tolist() == [2, 2, 3, 3]
    assert marks[0].nonzero()[1].tolist() == [6, 7, 6, 7]
    assert [np.argwhere(mark).tolist() for mark in marks[prompts.FIRST_LETTER :][:2]] == [[[0, 0]], [[0, 2]]]
    assert not marks[prompts.FIRST_LETTER + 2 :].any()


def test_missing_tiles_teach_nothing() -> None:
    size = VisionSize(tile=96, tiles=2)
    scene = Scene(np.full((96, 96, 3), 9, np.uint8), np.full((96, 96), -1, np.int8))

    made = samples.encode(scene, samples.Canvas((1, 1), 96, 96), size, tiles=2)

    assert made["count"] == 1
    assert not made["tiles"][1].any()
    assert (made["kind"][size.patches :] == samples.IGNORE).all()


def test_where_no_thing_has_a_name_the_marks_are_on_what_has_none() -> None:
    scene = Scene(np.zeros((96, 96, 3), np.uint8), np.full((96, 96), -1, np.int8), unknown=1)
    scene.owner[16:32, 48:64] = 100

    assert np.argwhere(samples.spots(scene, 96, 96, patch=16)).tolist() == [[0, 1, 3]]


def test_a_patch_knows_how_many_of_its_kind_there_are() -> None:
    scene = Scene(np.zeros((96, 96, 3), np.uint8), np.full((96, 96), -1, np.int8))
    for mark, (name, x) in enumerate((("dog", 0), ("cat", 32), ("dog", 64))):
        scene.owner[:16, x : x + 16] = mark
        scene.things.append(Thing(name, (x, 0.0, x + 16.0, 16.0), None, mark))

    alike = samples.patch_lessons(scene, 96, 96, VisionSize(tile=96))["alike"]

    assert (alike[0, ::2] + 1).tolist() == [2, 1, 2]
    assert (alike[1:] == samples.IGNORE).all()


def test_a_scene_made_smaller_takes_its_truth_along() -> None:
    scene = Scene(np.zeros((128, 256, 3), np.uint8), np.full((128, 256), -1, np.int8))
    scene.owner[64:, 128:] = 0
    scene.picture[64:, 128:] = 200
    scene.things.append(Thing("dog", (128.0, 64.0, 256.0, 128.0), None, 0))
    scene.word = Word("IN", np.array([[8.0, 8.0], [40.0, 8.0]]), None, np.array([[8.0, 10.0], [24.0, 10.0]]))

    small = resized(scene, 32, 128)

    assert small.picture.shape == (32, 128, 3)
    assert (small.owner[16:, 64:] == 0).all()
    assert (small.owner == 0).sum() == 16 * 64
    assert small.picture[24, 100, 0] == 200
    assert small.things[0].box == (64.0, 16.0, 128.0, 32.0)
    assert small.word is not None
    assert small.word.sizes is not None
    assert small.word.centres.tolist() == [[4.0, 2.0], [20.0, 2.0]]
    assert small.word.sizes.tolist() == [[4.0, 2.5], [12.0, 2.5]]
    assert scene.word.centres.tolist() == [[8.0, 8.0], [40.0, 8.0]]

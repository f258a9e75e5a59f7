import numpy as np
import pytest

from app.capture import ink, layout, regions
from app.capture import tilt as lean
from app.capture.region import Region, rectify
from tests import photos, signs


def words(chance: np.random.Generator, count: int) -> str:
    return " ".join(chance.choice(signs.WORDS, count)).capitalize()


def sheets(chance: np.random.Generator) -> list[signs.Sheet]:
    def size(low: int, high: int) -> int:
        return int(np.exp(chance.uniform(np.log(low), np.log(high))))

    return [
        signs.sign([words(chance, 2), words(chance, 3).upper()], size(20, 120)),
        signs.sign([words(chance, 1)], size(20, 120), (255, 210, 0), (20, 20, 20)),
        signs.sign(["禁止停车", "紧急出口在这里"], size(24, 80), font=signs.SCRIPT_FONTS["zh"]),
        signs.sign(["ممنوع الوقوف"], size(24, 80), font=signs.SCRIPT_FONTS["ar"]),
        signs.sign(["कृपया धीरे चलें"], size(24, 80), font=signs.SCRIPT_FONTS["hi"]),
        signs.menu([(words(chance, 3), f"{n + 3},50 €") for n in range(8)], "Menu", size(16, 30)),
        signs.letter([[words(chance, 6) for _ in range(3)] for _ in range(2)], size(16, 30)),
        signs.table([[words(chance, 1), str(n * 37), f"{n}.90"] for n in range(10, 14)], size(16, 30)),
        signs.columns([[words(chance, 4) for _ in range(5)] for _ in range(2)], size(16, 28)),
    ]


def test_lines_are_found_at_many_sizes_tilts_and_in_perspective() -> None:
    chance = np.random.default_rng(5)
    overlaps, strays = [], 0
    for seed in range(3):
        for sheet in sheets(chance):
            photo = signs.photograph(sheet, chance.uniform(-15, 15), float(chance.choice([0, 0.05, 0.1])), seed=seed)
            found = regions.find(photo.pixels)
            overlaps += [max((signs.overlap(line.quad, r.quad) for r in found), default=0) for line in photo.lines]
            strays += sum(all(signs.overlap(line.quad, r.quad) < 0.3 for line in photo.lines) for r in found)
    assert len(overlaps) > 150
    assert np.mean(np.array(overlaps) >= 0.7) >= 0.98
    assert strays < 0.1 * len(overlaps)


def test_lines_that_run_up_or_down_and_columns_are_found_as_they_are_read() -> None:
    chance = np.random.default_rng(11)
    overlaps, rightly = list[float](), list[bool]()
    for seed in range(3):
        for sheet, stacked in (
            (signs.turned(signs.sign([words(chance, 2)], 50), up=False), False),
            (signs.turned(signs.letter([[words(chance, 5) for _ in range(3)]], 28), up=True), False),
            (signs.turned(signs.letter([[words(chance, 2).upper()]], 40), up=bool(seed % 2)), False),
            (signs.stacked(["紧急出口在这里", "禁止停车", "请勿触摸小心"][seed:], 40), True),
            (signs.stacked(["HOTEL"], 50, font=signs.SANS), True),
        ):
            photo = signs.photograph(sheet, chance.uniform(-12, 12), 0.03, seed=seed)
            found = regions.find(photo.pixels)
            for line in photo.lines:
                best = max(found, key=lambda r, quad=line.quad: signs.overlap(quad, r.quad))
                overlaps.append(signs.overlap(line.quad, best.quad))
                near = np.linalg.norm(best.quad - line.quad, axis=1).max() < 0.7 * best.height
                rightly.append(bool(near) and best.stacked == stacked)
    assert np.mean(np.array(overlaps) >= 0.7) >= 0.9
    assert np.mean(rightly) >= 0.85


@pytest.mark.parametrize(("text", "font"), [("HILL", signs.SANS), ("禁止停车", signs.SCRIPT_FONTS["zh"])])
def test_a_column_is_whole_and_stands_upright_with_narrow_signs_and_signs_of_many_pieces(text: str, font: str) -> None:
    photo = signs.photograph(signs.stacked([text], 50, font), 6, 0.03, seed=4)
    (found,) = (r for r in regions.find(photo.pixels) if signs.overlap(r.quad, photo.lines[0].quad) > 0.05)
    assert signs.overlap(found.quad, photo.lines[0].quad) > 0.75
    assert found.stacked


@pytest.mark.parametrize("column", [["Track", "4", "12", "7", "3A", "9", "2"], ["Qty", "2", "5", "12", "3", "8", "24"]])
def test_a_column_of_short_numbers_below_a_word_is_no_line_that_runs_down(column: list[str]) -> None:
    words = ["Destination", "Lyon", "Marseille", "Geneva", "Lille", "Bordeaux", "Strasbourg"]
    pen = signs.Pen(700, 520, (18, 24, 40), (240, 240, 240))
    for row, (number, word) in enumerate(zip(column, words, strict=True)):
        pen.write(330, 60 + 68 * row, number, 34)
        pen.write(30, 60 + 68 * row, word, 34)
    sheet = signs.photograph(pen.sheet(), 4, 0.03, seed=2)
    found = regions.find(sheet.pixels)
    assert not any(region.turned for region in found)
    assert all(max(signs.overlap(line.quad, r.quad) for r in found) > 0.7 for line in sheet.lines)


@pytest.mark.parametrize(("text", "tilt"), [("24", -11), ("Bell", -10), ("No", -14), ("STOP", 5)])
def test_a_single_word_or_number_tells_how_the_picture_leans(text: str, tilt: float) -> None:
    photo = signs.photograph(signs.sign([text], 60), tilt, seed=3)
    assert lean.tilt(ink.contrasts(photo.pixels)[0]) == pytest.approx(tilt, abs=3)


@pytest.mark.parametrize(("text", "size"), [("Our menu", 49), ("Our menu", 94), ("Care room", 54)])
def test_a_capital_larger_than_letters_may_be_goes_with_its_small_ones(text: str, size: int) -> None:
    sheet = signs.sign([text], size)
    assert max(signs.overlap(sheet.lines[0].quad, r.quad) for r in regions.find(sheet.pixels)) > 0.8


@pytest.mark.parametrize(("script", "text", "size"), [("zh", "紧急出口", 112), ("ar", "ممنوع الوقوف", 60)])
def test_pieces_of_signs_that_look_like_letters_do_not_win_over_the_line(script: str, text: str, size: int) -> None:
    photo = signs.photograph(signs.sign([text], size, font=signs.SCRIPT_FONTS[script]), 6, 0.05, seed=9)
    found = [r for r in regions.find(photo.pixels) if signs.overlap(r.quad, photo.lines[0].quad) > 0.05]
    assert [signs.overlap(r.quad, photo.lines[0].quad) > 0.7 for r in found] == [True]


@pytest.mark.parametrize("kind", photos.KINDS)
def test_lines_are_found_in_pictures_as_people_have_them(kind: str) -> None:
    least, drawn = photos.KINDS[kind]
    overlaps, strays = list[float](), 0
    for photo in drawn():
        found = regions.find(photo.pixels)
        overlaps += [max((signs.overlap(line.quad, r.quad) for r in found), default=0) for line in photo.lines]
        strays += sum(all(signs.overlap(line.quad, r.quad) < 0.3 for line in photo.lines) for r in found)
    assert np.mean(np.array(overlaps) >= 0.7) >= least
    assert strays <= max(4, 0.2 * len(overlaps))


def test_justified_columns_are_read_one_after_the_other() -> None:
    photo = photos.newspaper(20, 1.2)
    found = regions.find(photo.pixels)
    order = [i for row in layout.rows(found) for i in row]
    nearest = [
        max(range(len(photo.lines)), key=lambda n: signs.overlap(photo.lines[n].quad, found[i].quad)) for i in order
    ]
    assert np.mean(np.diff(nearest) >= 0) > 0.95


@pytest.mark.parametrize("tilt", [-15, -6, 0, 9, 15])
def test_a_line_knows_its_angle_and_its_crop_is_straight(tilt: float) -> None:
    photo = signs.photograph(signs.sign(["Ticket office"], 50), tilt, seed=2)
    region = max(regions.find(photo.pixels), key=lambda r: signs.overlap(r.quad, photo.lines[0].quad))
    assert region.angle == pytest.approx(tilt, abs=1.5)
    crop = rectify(photo.pixels, region.quad)
    again = max(regions.find(crop), key=lambda r: r.width)
    assert again.angle == pytest.approx(0, abs=1.5)
    assert crop.shape[0] == pytest.approx(1.5 * region.height, abs=2)


def test_coloured_letters_as_bright_as_their_ground_are_found() -> None:
    paper, ink_colour = (200, 40, 40), (0, 120, 60)
    photo = signs.photograph(signs.sign(["Fresh bread"], 48, paper, ink_colour), seed=1)
    assert max(signs.overlap(r.quad, photo.lines[0].quad) for r in regions.find(photo.pixels)) > 0.7


@pytest.mark.parametrize("shape", [(1, 1), (7, 900), (900, 7), (300, 400)])
def test_a_plain_picture_has_no_text(shape: tuple[int, int]) -> None:
    assert regions.find(np.full((*shape, 3), 180, np.uint8)) == []


def test_noise_and_scenery_are_hardly_ever_taken_for_text() -> None:
    found = 0
    for seed in range(5):
        blank = signs.Sheet(np.full((300, 500, 3), 120, np.uint8), ())
        found += len(regions.find(signs.photograph(blank, 7, 0.05, noise=6, seed=seed).pixels))
    assert found <= 5


def test_small_print_on_a_large_scan() -> None:
    chance = np.random.default_rng(3)
    sheet = signs.letter([[words(chance, 14) for _ in range(5)] for _ in range(12)], 28, 1.25, width=3600)
    scan = np.full((3000, 4000, 3), 252, np.uint8)
    height = min(3000, sheet.pixels.shape[0])
    scan[:height, :3600] = sheet.pixels[:height]
    lines = [line for line in sheet.lines if line.quad[:, 1].max() < height - 20]
    found = regions.find(scan)
    overlaps = [max(signs.overlap(line.quad, r.quad) for r in found) for line in lines]
    assert np.mean(np.array(overlaps) >= 0.7) >= 0.95
    reading = layout.rows(found)
    assert [len(row) for row in reading] == [1] * len(lines)
    whole, rest = divmod(len(lines), 5)
    assert [len(group) for group in layout.paragraphs(found, reading)] == [5] * whole + [rest] * bool(rest)


def shuffled(sheet: signs.Sheet, tilt: float, seed: int) -> tuple[list[Region], list[int]]:
    photo = signs.photograph(sheet, tilt, 0.06, seed=seed)
    order = np.random.default_rng(seed).permutation(len(photo.lines))
    return [Region(photo.lines[i].quad, 1.0) for i in order], [int(i) for i in order]


@pytest.mark.parametrize("tilt", [-14, 0, 11])
def test_reading_order_of_menus_tables_letters_and_columns(tilt: float) -> None:
    chance = np.random.default_rng(abs(int(tilt)))
    for seed, sheet in enumerate(sheets(chance)):
        mixed, order = shuffled(sheet, tilt, seed)
        assert [order[i] for row in layout.rows(mixed) for i in row] == list(range(len(mixed))), sheet.text


def test_rows_of_a_table_from_right_to_left() -> None:
    mixed, order = shuffled(signs.table([["1", "2", "3"], ["4", "5", "6"]]), 0, 1)
    assert [[order[i] for i in row] for row in layout.rows(mixed, right_to_left=True)] == [[2, 1, 0], [5, 4, 3]]


def test_columns_can_be_read_across_when_asked() -> None:
    mixed, order = shuffled(signs.columns([["One two three four"] * 3, ["Five six seven eight"] * 3]), 0, 1)
    assert [[order[i] for i in row] for row in layout.rows(mixed, "rows")] == [[0, 3], [1, 4], [2, 5]]


def test_nothing_has_no_order() -> None:
    assert layout.rows([]) == []
    assert layout.paragraphs([], []) == []


def test_noise_is_measured_not_guessed() -> None:
    chance = np.random.default_rng(0)
    gray = np.clip(120 + chance.normal(0, 6, (400, 400)), 0, 255).astype(np.uint8)
    assert ink.noise(gray) == pytest.approx(6, rel=0.15)

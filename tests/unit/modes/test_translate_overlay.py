"""The overlay, checked on pixels."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from app import paths
from app.capture.region import Quad
from app.errors import SpyglassError
from app.modes.translate import column, saving, typeset
from app.modes.translate.breaks import pieces
from app.modes.translate.ground import ground
from app.modes.translate.languages import LANGUAGES
from app.modes.translate.overlay import Overlay, overlay
from app.modes.translate.pipeline import Passage, Translation
from app.values import Picture
from tests import signs


def picture(sheet: signs.Sheet) -> Picture:
    height, width = sheet.pixels.shape[:2]
    return Picture(width, height, sheet.pixels.tobytes())


def pixels(shown: Picture) -> NDArray[np.int16]:
    return np.frombuffer(shown.pixels, np.uint8).reshape(shown.height, shown.width, 3).astype(np.int16)


def translation(sheet: signs.Sheet, texts: list[str], target: str = "fr") -> Translation:
    passages = tuple(
        Passage(line.text, (line.text,), (line.quad,), 1.0, text) for line, text in zip(sheet.lines, texts, strict=True)
    )
    return Translation(target, "done", passages=passages)


def mask(shape: tuple[int, ...], quads: list[Quad], grow: int = 0) -> NDArray[np.bool_]:
    filled = np.zeros(shape[:2], np.uint8)
    for quad in quads:
        cv2.fillConvexPoly(filled, np.round(quad).astype(np.int32), 1)
    return cv2.dilate(filled, np.ones((2 * grow + 1,) * 2, np.uint8)) > 0


def covered_only(sheet: signs.Sheet, state: Translation, monkeypatch: pytest.MonkeyPatch) -> Overlay:
    """The overlay without its letters."""
    with monkeypatch.context() as patch:
        patch.setattr(typeset.SetLine, "draw", lambda *_: None)
        return overlay(picture(sheet), state)


CASES = [
    ("fr", ["STATIONNEMENT INTERDIT", "8 – 18 h tous les jours"], 0.0, 0.0),
    ("de", ["Hier ist das Parken verboten", "8 – 18 Uhr"], 12.0, 0.08),
    ("ar", ["ممنوع الوقوف", "من 8 إلى 18"], -15.0, 0.05),
    ("he", ["אין חניה", "8 – 18"], 7.0, 0.0),
    ("zh", ["禁止停车", "8 点至 18 点"], 15.0, 0.1),
    ("hi", ["पार्किंग निषेध", "8 से 18"], -5.0, 0.05),
    ("th", ["ห้ามจอด", "8 – 18 น."], 3.0, 0.0),
]


@pytest.mark.parametrize("colours", [((20, 70, 140), (245, 245, 240)), ((255, 210, 0), (20, 20, 20))])
@pytest.mark.parametrize(("target", "texts", "tilt", "perspective"), CASES)
def test_the_original_is_gone_and_the_letters_stay_in_their_boxes(
    target: str,
    texts: list[str],
    tilt: float,
    perspective: float,
    colours: tuple[signs.Colour, signs.Colour],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paper, ink = colours
    sheet = signs.photograph(signs.sign(["NO PARKING", "8 to 18 h daily"], 48, paper, ink), tilt, perspective, seed=4)
    state = translation(sheet, texts, target)
    covered, drawn = covered_only(sheet, state, monkeypatch), overlay(picture(sheet), state)
    assert [label.text for label in drawn.labels] == texts
    before, bare, after = pixels(picture(sheet)), pixels(covered.picture), pixels(drawn.picture)

    originals = mask(before.shape, [line.quad for line in sheet.lines], 1)
    contrast = np.abs(np.subtract(paper, ink, dtype=np.int16)).max()
    assert np.abs(bare - paper)[originals].max() < 0.45 * contrast, "no old letter is seen (light falls off)"
    assert not (before != bare)[~mask(before.shape, [line.quad for line in sheet.lines], 8)].any()

    letters = np.abs(after - bare).max(axis=-1) > 0
    assert not letters[~mask(before.shape, [label.box for label in drawn.labels], 1)].any()
    assert not letters[~mask(before.shape, [label.ink for label in drawn.labels], 2)].any()
    for label in drawn.labels:
        inside = mask(before.shape, [label.ink])
        assert letters[inside].mean() > 0.08, "there are letters"
        assert np.abs(after - bare).max(axis=-1)[inside].max() > 0.6 * contrast, "and they stand out"


def test_letters_have_the_size_and_colour_of_the_originals() -> None:
    sheet = signs.sign(["Ticket office"], 60, (255, 255, 255), (160, 0, 20))
    drawn = overlay(picture(sheet), translation(sheet, ["Guichet"]))
    assert drawn.labels[0].size == pytest.approx(60, rel=0.12)
    box = mask(sheet.pixels.shape, [drawn.labels[0].ink])
    darkest = pixels(drawn.picture)[box].reshape(-1, 3)
    assert np.abs(darkest[darkest.sum(axis=1).argmin()] - (160, 0, 20)).max() < 20


def test_a_long_translation_uses_the_free_ground_before_it_shrinks() -> None:
    rows = [("Soup", "4,50 €"), ("Bread", "1,00 €"), ("Cheese cake", "3,90 €")]
    sheet = signs.menu(rows)
    texts = ["Kräftige Zwiebelsuppe", "4,50 €", "Brot", "1,00 €", "Käsekuchen", "3,90 €"]
    drawn = overlay(picture(sheet), translation(sheet, texts, "de"))
    assert [label.text for label in drawn.labels] == ["Kräftige Zwiebelsuppe", "Brot", "Käsekuchen"]
    assert drawn.labels[0].size > 24
    starts = [label.ink[0, 0] for label in drawn.labels]
    assert np.ptp(starts) < 6, "they still begin at one margin"


def led_menu(tilt: float = 0.0, perspective: float = 0.0) -> signs.Sheet:
    """Dishes with dots that lead to their prices; they are no lines of the sheet."""
    pen = signs.Pen(900, 420, (245, 240, 225), (40, 30, 20))
    for row, (dish, price) in enumerate(
        [("Onion tart", "7.50 €"), ("Roast, rice", "12 €"), ("Coffee or tea", "2.60 €")]
    ):
        right = pen.write(60, 90 + 110 * row, dish, 48)
        for x in range(int(right) + 14, 690, 14):
            pen.draw.ellipse((x, 86 + 110 * row, x + 4, 90 + 110 * row), fill=pen.ink)
        pen.write(840, 90 + 110 * row, price, 48, anchor="rs")
    return signs.photograph(pen.sheet(), tilt, perspective, seed=3)


def test_dishes_are_written_in_one_size_over_the_dots_that_lead_to_their_prices() -> None:
    sheet = led_menu()
    texts = ["Tarte à l'oignon doux", "7.50 €", "Rôti, riz", "12 €", "Café ou thé", "2.60 €"]
    drawn = overlay(picture(sheet), translation(sheet, texts))
    assert [label.text for label in drawn.labels] == texts[::2]
    assert drawn.labels[0].size > 38, "the dots make room"
    assert np.ptp([label.size for label in drawn.labels]) < 0.5


@pytest.mark.parametrize(("tilt", "perspective"), [(0.0, 0.0), (7.0, 0.05)])
def test_no_dot_is_left_below_letters_and_no_comma_beside_them(
    tilt: float, perspective: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = led_menu(tilt, perspective)
    dishes = signs.Sheet(sheet.pixels, sheet.lines[::2])
    low = dishes.lines[1].quad.copy()
    low[2:] += (low[1::-1] - low[2:]) * 0.25  # its comma hangs out of the box, as it does where no letter does
    dishes = signs.Sheet(sheet.pixels, (dishes.lines[0], signs.Line("Roast, rice", low), dishes.lines[2]))
    state = translation(dishes, ["تورتة البصل الحلو الطازج", "لحم", "قهوة أو شاي"], "ar")
    bare, drawn = covered_only(dishes, state, monkeypatch), overlay(picture(dishes), state)
    for label in drawn.labels:
        under = pixels(bare.picture)[mask(sheet.pixels.shape, [label.ink], 2)]
        assert np.ptp(under.sum(axis=1)) < 150
    tail = np.concatenate([low[:1:-1], low[2:] + (low[2:] - low[1::-1]) * 0.5])
    assert np.ptp(pixels(bare.picture)[mask(sheet.pixels.shape, [tail])].sum(axis=1)) < 150


def test_a_paragraph_flows_over_its_lines() -> None:
    lines = ["We are glad to tell you that the room you have", "asked for is free, and hope to see you very soon"]
    sheet = signs.letter([lines], 24)
    text = "Wir freuen uns, dass das gewünschte Zimmer frei ist, und hoffen, Sie recht bald bei uns zu sehen"
    passage = Passage(" ".join(lines), tuple(lines), tuple(line.quad for line in sheet.lines), 1.0, text)
    drawn = overlay(picture(sheet), Translation("de", "done", passages=(passage,)))
    assert " ".join(label.text for label in drawn.labels) == text
    assert len(drawn.labels) == 2


def test_a_letter_keeps_its_size_its_width_and_its_left_edge() -> None:
    """Its lines are of different heights, for some have no descender; the last stands far below."""
    body = ["wir haben Ihr Schreiben erhalten und danken Ihnen dafür", "und den Betrag von unserem Konto überwiesen."]
    sheet = signs.letter([["Sehr geehrte Frau Muster,"], body, [" "], ["Mit besten Wünschen"]], 28, width=1400)
    greeting, one, other, end = (line for line in sheet.lines if line.text.strip())
    text = "we have received your letter, thank you for it and have gladly transferred the money from our account."
    letter = Passage(" ".join(body), tuple(body), (one.quad, other.quad), 1.0, text)
    around = translation(signs.Sheet(sheet.pixels, (greeting, end)), ["Dear Mrs Muster,", "Yours"])
    passages = (around.passages[0], letter, around.passages[1])
    drawn = overlay(picture(sheet), Translation("en", "done", passages=passages))
    assert [label.size for label in drawn.labels] == pytest.approx([28] * 4, rel=0.08)
    assert np.ptp([label.ink[0, 0] for label in drawn.labels]) < 4
    assert max(label.ink[1, 0] for label in drawn.labels) < one.quad[1, 0] + 8
    first, second = (label for label in drawn.labels if label.text in text)
    assert second.ink[3, 1] - first.ink[3, 1] == pytest.approx(1.35 * 28, abs=0.1 * 28), "baselines stay"


def test_chinese_breaks_between_characters() -> None:
    lines = ["We are glad to tell you that the room", "you have asked for is free"]
    sheet = signs.letter([lines], 24)
    text = "我们很高兴地通知您，您所要求的房间在 6 月 3 日至 9 日是空的，期待您的到来"
    passage = Passage(" ".join(lines), tuple(lines), tuple(line.quad for line in sheet.lines), 1.0, text)
    drawn = overlay(picture(sheet), Translation("zh", "done", passages=(passage,)))
    assert "".join(label.text for label in drawn.labels).replace(" ", "") == text.replace(" ", "")
    assert len(drawn.labels) == 2
    assert drawn.labels[0].size > 18


def test_colours_too_alike_become_black_or_white() -> None:
    sheet = signs.sign(["Exit"], 60, (120, 120, 120), (170, 170, 170))
    drawn = overlay(picture(sheet), translation(sheet, ["Sortie"]))
    found = pixels(drawn.picture)[mask(sheet.pixels.shape, [drawn.labels[0].ink])]
    assert found.min() < 12 or found.max() > 243


def test_a_ground_that_fades_is_continued() -> None:
    flat = signs.sign(["Ticket office"], 60, (240, 240, 240), (10, 10, 10))
    shade = np.linspace(0.5, 1, flat.pixels.shape[1])[None, :, None]
    sheet = signs.Sheet((flat.pixels * shade).astype(np.uint8), flat.lines)
    drawn = overlay(picture(sheet), translation(sheet, ["A"]))
    left, top = sheet.lines[0].quad[0].astype(int)
    right = int(sheet.lines[0].quad[1, 0])
    row = pixels(drawn.picture)[top + 3, :, 0]
    for x in (left + 4, right - 4):
        assert abs(int(row[x]) - 240 * float(shade[0, x, 0])) < 8


@pytest.mark.parametrize("slope", [0.0, 4.0])
def test_a_shadow_across_a_line_is_not_taken_for_its_ink(slope: float) -> None:
    flat = signs.sign(["Ticket office", "open daily"], 60, (240, 240, 240), (60, 10, 10))
    y, x = np.mgrid[0 : flat.pixels.shape[0], 0 : flat.pixels.shape[1]]
    lit = x + slope * (y - y.max() / 2) < x.max() / 2
    sheet = signs.Sheet((flat.pixels * np.where(lit, 1.0, 0.4)[..., None]).astype(np.uint8), flat.lines)
    for line in sheet.lines:
        assert max(ground(sheet.pixels, line.quad).ink) <= 60


def test_what_is_unfinished_unplaced_or_unchanged_is_left_alone() -> None:
    sheet = signs.sign(["One", "Two", "Three"], 50)
    state = translation(sheet, ["Un", "Two", "Trois"])
    passages = list(state.passages)
    passages[2] = Passage("Three", ("Three",), (), 1.0, "Trois")
    drawn = overlay(picture(sheet), Translation("fr", "translating", passages=tuple(passages)))
    assert [label.text for label in drawn.labels] == ["Un"]
    nothing = overlay(picture(sheet), Translation("fr", "reading"))
    assert nothing.picture.pixels == picture(sheet).pixels


@pytest.mark.parametrize("text", ["出口", "中山路口", "价格1200元"])
def test_a_column_of_signs_is_written_over_from_the_top_down_and_upright(text: str) -> None:
    """Each place of the column shows its sign as a line of the same font would show it."""
    sheet = signs.stacked(["禁止停车通道"], 60)
    state = translation(sheet, [text], "zh")
    state = replace(state, passages=(replace(state.passages[0], stacked=True),))
    shown = overlay(picture(sheet), state)
    (label,) = shown.labels
    (left, top), (right, bottom) = label.ink.min(axis=0), label.ink.max(axis=0)
    assert bottom - top > (len(text) - 1) * (right - left) * 0.7
    assert abs((left + right) / 2 - sheet.lines[0].quad[:, 0].mean()) < 5
    after = 255 - pixels(shown.picture).min(axis=-1)
    y = sheet.lines[0].quad[:, 1].min()
    face = ImageFont.truetype(str(paths.assets_dir() / "fonts" / signs.SCRIPT_FONTS["zh"]), round(label.size))
    sign = Image.new("L", (round(label.size),) * 2, 0)
    ImageDraw.Draw(sign).text((label.size / 2,) * 2, text[0], font=face, fill=255, anchor="mm")
    middle = sheet.lines[0].quad[:, 0].mean()
    seen = after[round(y) : round(y + label.size), round(middle - label.size / 2) :][:, : sign.width]
    alike = [np.corrcoef(seen.ravel(), np.rot90(np.asarray(sign), k).ravel())[0, 1] for k in range(4)]
    assert alike[0] > 0.8, alike
    assert max(alike[1:]) < 0.6, alike
    lying = overlay(picture(sheet), translation(sheet, ["Sortie"]))
    assert [one.text for one in lying.labels] == ["Sortie"]


@pytest.mark.parametrize("mark", "、。，．")
def test_in_a_column_a_full_stop_stands_in_the_upper_right_of_its_place(mark: str) -> None:
    seen = column.drawn(["口", mark, "口"], 100, 240, 50, 80)[80:160]
    ys, xs = np.nonzero(seen > 60)
    assert xs.min() > 50
    assert xs.max() < 92
    assert ys.max() < 40


def test_no_column_or_line_begins_with_a_full_stop_or_ends_inside_a_number() -> None:
    columns = column.broken("出口在右。价格1200元", [60, 60, 75, 60], 15) or []
    assert ["".join(cells) for cells in columns] == ["出口在", "右。价格", "1200元", ""]
    assert ["".join(cells) for cells in column.broken("出口在右边。", [75, 75], 15) or []] == ["出口在右", "边。"]
    assert [piece for piece, _ in pieces("请在12月5日（周四）到。")] == [
        "请",
        "在",
        "12",
        "月",
        "5",
        "日",
        "（周",
        "四）",
        "到。",
    ]


def test_a_line_at_the_pictures_edge_is_drawn() -> None:
    sheet = signs.sign(["Ticket office"], 60)
    left, top = (int(v) for v in sheet.lines[0].quad[0])
    cropped = signs.Sheet(
        np.ascontiguousarray(sheet.pixels[top + 4 :, left + 8 :]),
        (signs.Line("Ticket office", sheet.lines[0].quad - np.float32([left + 8, top + 4])),),
    )
    assert overlay(picture(cropped), translation(cropped, ["Guichet"])).labels


def runs(text: str, right_to_left: bool) -> list[str]:
    return [run.text.strip() for run in typeset.SetLine(text, right_to_left).runs if run.text.strip()]


def test_runs_stand_in_visual_order() -> None:
    assert runs("ممنوع الوقوف Spyglass 12", True) == ["Spyglass 12", "ممنوع الوقوف"]
    assert runs("Say שלום to him", False) == ["Say", "שלום", "to him"]
    assert runs("禁止停车 No 12", False) == ["禁止停车", "No 12"]


def test_every_offered_language_has_its_letters() -> None:
    for language in LANGUAGES.values():
        line = typeset.SetLine(language.native, language.right_to_left)
        assert all(typeset._covers(run.font, c) for run in line.runs for c in run.text if not c.isspace()), language


def test_letters_that_join_need_their_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typeset.features, "check", lambda _: False)
    with pytest.raises(SpyglassError, match="its letters join"):
        typeset.SetLine("ممنوع", True)
    assert typeset.SetLine("Sortie", False).extent().right > 1


@pytest.mark.parametrize("kind", sorted(saving.PICTURES))
def test_it_is_saved_as_a_picture(kind: str, tmp_path: Path) -> None:
    sheet = signs.sign(["Exit"], 40)
    saving.save(tmp_path / f"out{kind}", picture(sheet), translation(sheet, ["Sortie"]))
    written = (tmp_path / f"out{kind}").read_bytes()
    if kind == ".pdf":
        assert written.startswith(b"%PDF")
        assert "out".encode("utf-16-be") in written, "its title is the name it was given"
        assert ".part".encode("utf-16-be") not in written
    else:
        with Image.open(tmp_path / f"out{kind}") as image:
            assert image.size == (sheet.pixels.shape[1], sheet.pixels.shape[0])


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    sheet = signs.sign(["Exit"], 40)
    with pytest.raises(SpyglassError, match="cannot be written"):
        saving.save(tmp_path / "none" / "out.png", picture(sheet), translation(sheet, ["Sortie"]))


def test_what_stood_there_stays_if_the_new_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_image: Image.Image, path: Path, *_: object, **__: object) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    old = tmp_path / "out.png"
    old.write_bytes(b"mine")
    sheet = signs.sign(["Exit"], 40)
    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(SpyglassError, match="cannot be written"):
        saving.save(old, picture(sheet), translation(sheet, ["Sortie"]))
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("out.png", b"mine")]


def test_lines_ranged_left_become_lines_ranged_right_at_one_edge() -> None:
    """As a menu in Arabic: every dish begins at the right edge of the column, the prices stay where they are."""
    dishes = [("Soup", "5"), ("Fish with potatoes", "17"), ("Salad", "6"), ("Cake", "4")]
    sheet = signs.menu(dishes)
    height, width = sheet.pixels.shape[:2]
    passages = tuple(
        Passage(line.text, (line.text,), (line.quad,), 1.0, "حساء" if line.text.isalpha() else line.text, 1.0)
        for line in sheet.lines
    )
    drawn = overlay(Picture(width, height, sheet.pixels.tobytes()), Translation("ar", "done", passages=passages))
    edge = max(line.quad[:, 0].max() for line in sheet.lines if "potatoes" in line.text)
    assert len(drawn.labels) == 3
    assert [label.ink[:, 0].max() for label in drawn.labels] == pytest.approx([edge] * 3, abs=3)


def test_a_plate_that_ends_just_beyond_its_letters_is_their_ground() -> None:
    pen = signs.Pen(640, 300, (205, 200, 190), (255, 255, 255))
    pen.draw.rectangle((50, 100, 590, 200), fill=(24, 122, 76))
    pen.write(320, 188, "AUSGANG", 104, anchor="ms")
    sheet = signs.photograph(pen.sheet(), 3, seed=1)
    told = ground(sheet.pixels, sheet.lines[0].quad)
    assert np.abs(told.plane[:, 0] - (24, 122, 76)).max() < 40
    assert min(told.ink) > 180

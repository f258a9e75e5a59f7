import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.capture import layout, regions
from app.engine.client import EngineClient
from app.errors import EngineError, UsageError
from app.modes.translate import languages, prompts, saving
from app.modes.translate.overlay import overlay
from app.modes.translate.pipeline import Translation, Wish, translate_picture, translate_text
from app.values import Ask, Event, Failed, Finished, Job, Looking, ModelSpec, Picture, Piece, is_last
from tests import signs

MODEL = ModelSpec(path="reader.gguf")
STARTER = ModelSpec(path="starter.gguf")


def wish(to: str = "fr", **more: Any) -> Wish:
    return Wish(**{"reader": MODEL, "target": to, **more})


class Scripted:
    """An engine that reads what it is told to and translates by a table, a word to a piece, as models write."""

    def __init__(
        self,
        read: Callable[[Picture], str],
        translate: Callable[[str], str] = str.upper,
        chance: Callable[[str], float] = lambda _: 0.9,
    ) -> None:
        self.read, self.translate, self.chance = read, translate, chance
        self.jobs: list[Ask] = []
        self.pictures: list[Picture] = []
        self.running = 0

    def run(self, job: Job, pictures: Iterable[Picture] = ()) -> Iterator[Event]:
        assert isinstance(job, Ask)
        self.jobs.append(job)
        self.running += 1
        try:
            shown = [p for p in pictures if p.digest in job.messages[-1].pictures]
            self.pictures += shown
            if shown:
                yield Looking(picture=0, of=1, fraction=1.0)
            text = self.read(shown[0]) if shown else self.translate(self.asked(job))
            for word in text.replace("\n", "\n ").split(" "):
                yield Piece(text=word if word.endswith("\n") else word + " ", probability=self.chance(word.strip()))
            yield Finished(reason="stop")
        finally:
            self.running -= 1

    @staticmethod
    def asked(job: Ask) -> str:
        return job.messages[-1].text.removeprefix('Translate "').rpartition('" into ')[0]


def picture(sheet: signs.Sheet) -> Picture:
    height, width = sheet.pixels.shape[:2]
    return Picture(width, height, sheet.pixels.tobytes())


def run(sheet: signs.Sheet, engine: Scripted, wanted: Wish | None = None) -> Translation:
    return list(translate_picture(picture(sheet), wanted or wish(), engine))[-1]


def places(state: Translation, sheet: signs.Sheet) -> list[tuple[str, str]]:
    """For each line of the sheet that was found: its text, and the text that the translation put there."""
    told = []
    for passage in state.passages:
        for text, quad in zip(passage.lines, passage.quads, strict=True):
            line = max(sheet.lines, key=lambda line: signs.overlap(line.quad, quad))
            told.append((line.text, text))
    return told


DISHES = [
    (f"{name} of the day", f"{n + 3},{n:02d} €")
    for n, name in enumerate(["Soup", "Fish", "Roast", "Salad", "Cake"] * 4)
]


def test_a_menu_of_twenty_rows_keeps_its_order_and_prices() -> None:
    sheet = signs.photograph(signs.menu(DISHES, "Our menu"), 6, 0.04, seed=3)
    engine = Scripted(lambda _: sheet.text)
    state = run(sheet, engine)
    assert (state.stage, state.outcome) == ("done", "translated")
    assert state.original.split("\n") == [line.text for line in sheet.lines]
    assert [p.translation for p in state.passages] == [
        line.text.upper() if any(c.isalpha() for c in line.text) else line.text for line in sheet.lines
    ]
    assert all(one == other for one, other in places(state, sheet))
    assert len(places(state, sheet)) >= 40
    assert not any(p.concerns for p in state.passages)
    assert not any("€" in engine.asked(job) for job in engine.jobs), "a price needs no translator"


def test_rows_read_as_one_line_are_parted_again() -> None:
    sheet = signs.photograph(signs.menu(DISHES[:8]), -4, seed=1)
    joined = "\n".join(f"{dish} {price}" for dish, price in DISHES[:8])
    state = run(sheet, Scripted(lambda _: joined))
    assert all(one == other for one, other in places(state, sheet))
    assert len(places(state, sheet)) == 16


def test_prices_of_an_arabic_menu_stand_left_of_their_dishes_and_keep_their_rows() -> None:
    dishes = [("شوربة العدس", "٢٥ ريال"), ("دجاج مشوي مع الأرز", "٤٨ ريال"), ("سلطة خضراء", "١٨ ريال")]
    pen, font = signs.Pen(900, 360, (240, 246, 240), (30, 30, 30)), signs.SCRIPT_FONTS["ar"]
    for row, (dish, price) in enumerate(dishes):
        pen.write(820, 100 + 80 * row, dish, 40, font, "rs")
        pen.write(80, 100 + 80 * row, price, 40, font)
    sheet = pen.sheet()
    state = run(sheet, Scripted(lambda _: sheet.text), wish("en"))
    assert places(state, sheet) == [(text, text) for dish in dishes for text in dish]


PARAGRAPHS = [
    ["Dear Mrs Brown,"],
    [
        "thank you for your letter of 12 May 2024. We are very",
        "glad to tell you that the room you asked for is still",
        "free from 3 to 9 June, and costs 84.50 EUR per night.",
    ],
    ["Yours sincerely"],
]


def test_a_letter_is_translated_by_paragraphs() -> None:
    sheet = signs.photograph(signs.letter(PARAGRAPHS), -8, 0.05, seed=2)
    state = run(sheet, Scripted(lambda _: sheet.text))
    assert [len(p.quads) for p in state.passages] == [1, 3, 1]
    assert state.passages[1].source == " ".join(PARAGRAPHS[1])
    assert state.passages[1].concerns == ()


def test_a_line_without_descenders_does_not_end_its_paragraph() -> None:
    body = [
        "vielen Dank für Ihr Schreiben vom 3. März. Wir haben Ihren",
        "Zähler geprüft und gefunden, dass er richtig geht.",
    ]
    sheet = signs.letter([["Sehr geehrte Frau Muster,"], body, ["Mit freundlichen Grüßen"]], 28, leading=1.5)
    state = run(sheet, Scripted(lambda _: sheet.text), wish("en"))
    assert [p.source for p in state.passages] == [
        "Sehr geehrte Frau Muster,",
        " ".join(body),
        "Mit freundlichen Grüßen",
    ]


def test_a_table_keeps_its_cells() -> None:
    cells = [["Article", "Pieces", "Price"], ["Nails", "250", "3.20"], ["Screws", "100", "17.95"]]
    sheet = signs.photograph(signs.table(cells), 9, 0.05, seed=4)
    state = run(sheet, Scripted(lambda _: "\n".join("  ".join(row) for row in cells)))
    assert [p.source for p in state.passages] == [cell for row in cells for cell in row]
    assert all(one == other for one, other in places(state, sheet))


@pytest.mark.parametrize(
    ("script", "rows"), [("zh", ["紧急出口", "禁止停车"]), ("ar", ["مخرج الطوارئ", "ممنوع الوقوف"])]
)
def test_other_scripts_are_placed_and_their_language_is_known(script: str, rows: list[str]) -> None:
    sheet = signs.photograph(signs.sign(rows, 60, font=signs.SCRIPT_FONTS[script]), 5, seed=6)
    state = run(
        sheet, Scripted(lambda _: sheet.text, lambda text: {rows[0]: "Exit", rows[1]: "No parking"}[text]), wish("en")
    )
    assert state.source is not None
    assert state.source.code == script
    assert state.text == "Exit\nNo parking"
    assert places(state, sheet) == [(row, row) for row in rows]


def test_a_sign_in_three_scripts_keeps_its_lines_in_order_and_place() -> None:
    rows = {"Ticket office 12": "Guichet 12", "售票处在二楼": "Billetterie au 2e étage", "مكتب التذاكر": "Billetterie"}
    pen = signs.Pen(620, 300, (250, 250, 245), (20, 30, 60))
    for row, (text, font) in enumerate(
        zip(rows, (signs.SANS, *map(signs.SCRIPT_FONTS.get, ("zh", "ar"))), strict=True)
    ):
        pen.write(310, 80 + 80 * row, text, 40, str(font), "ms")
    sheet = signs.photograph(pen.sheet(), -5, 0.04, seed=2)
    state = run(sheet, Scripted(lambda _: sheet.text, lambda text: rows[text]))
    assert state.outcome == "translated"
    assert [(p.source, p.translation) for p in state.passages] == list(rows.items())
    assert places(state, sheet) == [(row, row) for row in rows]


def test_lines_that_run_up_or_down_are_read_upright_beside_the_level_ones() -> None:
    level = signs.sign(["Ticket office"], 40)
    beside = signs.turned(signs.sign(["Wet floor caution"], 40), up=True)
    pixels = np.full((beside.pixels.shape[0] + 40, 1000, 3), 230, np.uint8)
    pixels[20 : 20 + level.pixels.shape[0], 20 : 20 + level.pixels.shape[1]] = level.pixels
    pixels[20:-20, 800 : 800 + beside.pixels.shape[1]] = beside.pixels
    shapes = []

    def read(seen: Picture) -> str:
        shapes.append((seen.width, seen.height))
        return "Ticket office\nWet floor caution" if seen.width == 1000 else "Wet floor caution"

    state = run(signs.Sheet(pixels, ()), Scripted(read))
    assert [(p.source, len(p.quads)) for p in state.passages] == [("Ticket office", 1), ("Wet floor caution", 1)]
    assert shapes[1][0] > 4 * shapes[1][1]  # stood upright
    stands = beside.lines[0].quad + np.float32((800, 20))
    assert np.linalg.norm(state.passages[1].quads[0] - stands, axis=1).max() < 15
    shown = overlay(picture(signs.Sheet(pixels, ())), state)
    (label,) = (one for one in shown.labels if one.text == "WET FLOOR CAUTION")
    assert label.ink[1, 1] < label.ink[0, 1] - 200  # written upwards


def test_columns_of_upright_signs_are_written_over_as_columns() -> None:
    sheet = signs.stacked(["出口在右侧"], 60)
    state = run(sheet, Scripted(lambda _: "出口在右侧", lambda _: "出口は右側"), wish("ja", source="zh"))
    assert [p.stacked for p in state.passages] == [True]
    (label,) = overlay(picture(sheet), state).labels
    across, down = np.ptp(label.ink, axis=0)
    assert down > 3 * across


def test_small_print_is_read_in_strips_at_native_resolution() -> None:
    rows = [f"Line {n:02d} of the small print has {n * 7} words" for n in range(60)]
    flat = signs.letter([rows], 28, 1.7)
    scan = np.full((3000, 4000, 3), 250, np.uint8)
    scan[: flat.pixels.shape[0], : flat.pixels.shape[1]] = flat.pixels[:3000]
    sheet = signs.Sheet(scan, flat.lines)
    read_so_far = 0

    def read(strip: Picture) -> str:
        nonlocal read_so_far
        assert max(strip.width, strip.height) <= 1250
        pixels = np.frombuffer(strip.pixels, np.uint8).reshape(strip.height, strip.width, 3)
        count = len(layout.rows(regions.find(pixels)))
        read_so_far += count
        return "\n".join(rows[read_so_far - count : read_so_far])

    state = run(sheet, Scripted(read), wish("de"))
    assert state.original.split("\n") == rows
    assert all(one == other for one, other in places(state, sheet))
    assert not any(p.concerns for p in state.passages)


def test_an_unsure_line_is_looked_at_again_alone() -> None:
    sheet = signs.photograph(signs.sign(["Ticket office", "Plaftorm 9"], 50), 12, seed=1)

    def read(seen: Picture) -> str:
        return sheet.text if seen.digest == picture(sheet).digest else "Platform 9"

    engine = Scripted(read, chance=lambda word: 0.3 if word == "Plaftorm" else 0.95)
    assert run(sheet, engine).original == "Ticket office\nPlatform 9"
    assert engine.pictures[1].height < sheet.pixels.shape[0] / 3


def test_lines_are_read_one_by_one_before_it_is_said_that_there_is_no_text() -> None:
    sheet = signs.sign(["Ticket office", "Way out"], 50)
    alone = {"Ticket office": 0, "Way out": 0}

    def read(seen: Picture) -> str:
        if seen.width == sheet.pixels.shape[1]:
            return "NONE"
        text = "Ticket office" if seen.width > 4.5 * seen.height else "Way out"
        alone[text] += 1
        return text

    state = run(sheet, Scripted(read))
    assert state.outcome == "translated"
    assert alone == {"Ticket office": 1, "Way out": 1}
    assert [(p.source, len(p.quads)) for p in state.passages] == [("Ticket office", 1), ("Way out", 1)]


def test_an_unsure_reading_that_misses_lines_is_made_good_line_by_line() -> None:
    rows = ["Ticket office", "Way out"]
    sheet = signs.sign(rows, 50)

    def read(seen: Picture) -> str:
        if seen.width == sheet.pixels.shape[1]:
            return "Tlkcot"
        return rows[0] if seen.width > 4.5 * seen.height else rows[1]

    engine = Scripted(read, chance=lambda word: 0.3 if word == "Tlkcot" else 0.9)
    assert run(sheet, engine).original == "Ticket office\nWay out"


def test_what_looks_like_text_and_says_nothing_alone_either_is_soon_given_up() -> None:
    engine = Scripted(lambda _: "I am not sure.")
    state = run(signs.menu(DISHES), engine)
    assert (state.outcome, state.passages) == ("no text", ())
    assert len(state.found) >= 40
    assert len(engine.jobs) == 5


def test_that_nothing_can_be_read_is_not_shown_as_text() -> None:
    sheet = signs.sign(["No smoking here"], 50)
    whole = picture(sheet).digest
    engine = Scripted(lambda seen: "I am not sure." if seen.digest == whole else "No smoking here")
    drafts = [state.draft.strip() for state in translate_picture(picture(sheet), wish(), engine) if not state.passages]
    assert len(engine.pictures) > 1
    assert set(drafts) == {"", "No smoking", "No smoking here"}


def test_a_picture_with_upright_lines_alone_is_seen_whole_before_no_text_is_said() -> None:
    sheet = signs.turned(signs.sign(["Wet floor caution"], 40), up=True)
    engine = Scripted(lambda seen: "Caution" if seen.digest == picture(sheet).digest else "NONE")
    assert run(sheet, engine).original == "Caution"


def test_a_changed_number_is_told() -> None:
    sheet = signs.sign(["Open from 8 to 18"], 50)
    state = run(sheet, Scripted(lambda _: sheet.text, lambda _: "Ouvert de 8 à 16"))
    assert [c.sentence for c in state.passages[0].concerns] == [
        "Look twice: the number 18 differs or is missing.",
        "Look twice: the number 16 differs or is missing.",
    ]
    saved = saving.side_by_side(state, lambda remark: remark.replace("Look twice", "Noch einmal ansehen"))
    assert "\n! Noch einmal ansehen: the number 18" in saved, "in the reader's language"


def test_a_dropped_number_is_told_where_it_was_dropped_and_nowhere_else() -> None:
    rows = [("Menu for 2 persons", "38,00 €"), ("Menu for 4 persons", "70,00 €"), ("Wine, 0.75 l", "19,50 €")]
    sheet = signs.photograph(signs.menu(rows), 3, 0.03, seed=5)
    state = run(sheet, Scripted(lambda _: sheet.text, lambda text: text.replace(" 4 ", " ").replace("for", "pour")))
    told = {p.source: [c.what for c in p.concerns] for p in state.passages}
    assert told == {text: (["4"] if "4" in text else []) for row in rows for text in row}
    assert [p.translation for p in state.passages][1::2] == [price for _, price in rows]


def test_numbers_and_own_terms_need_no_translator() -> None:
    sheet = signs.sign(["Ticket office", "4,50 €"], 50)
    engine = Scripted(lambda _: sheet.text)
    state = run(sheet, engine, wish(glossary={"ticket office": "guichet"}))
    assert state.text == "guichet\n4,50 €"
    assert len(engine.jobs) == 1


def test_full_prompts_hold_the_context_and_plain_ones_the_question_alone() -> None:
    sheet = signs.sign(["Ticket office", "Open daily"], 50)
    engine = Scripted(lambda _: sheet.text)
    run(sheet, engine, wish(glossary={"daily": "chaque jour"}))
    system, question = engine.jobs[-1].messages
    assert "Ticket office\nOpen daily" in system.text
    assert "daily = chaque jour" in system.text
    assert question.text == 'Translate "Open daily" into French.'
    engine = Scripted(lambda _: "EXIT")
    run(signs.sign(["EXIT"], 50), engine, wish(reader=STARTER))
    assert [[m.text for m in job.messages] for job in engine.jobs] == [
        ["Read the text in this picture."],
        ['Translate "EXIT" into French.'],
    ]


@pytest.mark.parametrize(
    ("written", "said", "shown"),
    [
        ("AUSGANG", "sortie", "SORTIE"),
        ("Ausgang", "sortie", "Sortie"),
        ("ausgang", "sortie", "sortie"),
        ("Straße", "rue", "Rue"),
    ],
)
def test_the_starters_dictionary_words_are_written_as_the_sign_is(written: str, said: str, shown: str) -> None:
    engine = Scripted(lambda _: written, lambda _: said)
    assert run(signs.sign([written], 50), engine, wish("fr", reader=STARTER)).text.strip() == shown
    assert run(signs.sign([written], 50), engine, wish("fr", source="de")).text.strip() == said, (
        "others know themselves"
    )


def test_another_model_translates_when_one_is_chosen() -> None:
    sheet, writer = signs.sign(["Open daily"], 50), ModelSpec(path="writer.gguf")
    engine = Scripted(lambda _: sheet.text)
    run(sheet, engine, wish(translator=writer))
    assert [job.model for job in engine.jobs] == [MODEL, writer]


@pytest.mark.parametrize("answer", ["", "NONE", "None.", "I am not sure."])
def test_no_text_is_said(answer: str) -> None:
    blank = signs.photograph(signs.Sheet(np.full((200, 300, 3), 90, np.uint8), ()), seed=1)
    engine = Scripted(lambda _: answer)
    state = run(blank, engine)
    assert (state.stage, state.outcome, state.passages) == ("done", "no text", ())
    assert all(job.messages[-1].pictures for job in engine.jobs)


def test_text_in_the_wanted_language_is_shown_as_read() -> None:
    sheet = signs.sign(["Nous sommes ouverts", "tous les jours"], 50)
    engine = Scripted(lambda _: sheet.text)
    state = run(sheet, engine)
    assert state.outcome == "already"
    assert state.original == sheet.text
    assert len(engine.jobs) == 1
    asked = run(sheet, Scripted(lambda _: sheet.text), wish(source="es"))
    assert asked.outcome == "translated", "what the person says about the source counts"


def test_a_word_that_stays_itself_is_in_the_wanted_language() -> None:
    engine = Scripted(lambda _: "Restaurant", lambda text: text)
    state = run(signs.sign(["Restaurant"], 50), engine, wish(source="fr"))
    assert state.outcome == "already"


def test_lines_that_found_no_place_are_translated_all_the_same() -> None:
    state = run(signs.sign(["Exit"], 50), Scripted(lambda _: "Exit\nA second line nobody found"), wish("de"))
    assert state.text == "EXIT\nA SECOND LINE NOBODY FOUND"
    assert [len(p.quads) for p in state.passages] == [1, 0]


@pytest.mark.parametrize("stage", ["finding", "reading", "translating", "checking"])
def test_stopping_keeps_what_is_finished_and_frees_the_engine(stage: str) -> None:
    sheet = signs.sign(["Ticket office", "Open daily", "Ring the bell"], 50)
    engine = Scripted(lambda _: sheet.text)
    steps = translate_picture(picture(sheet), wish(source="en", check=True), engine)
    state = next(s for s in steps if s.stage == stage and (stage in ("finding", "reading") or (s.text and s.draft)))
    steps.close()  # type: ignore[attr-defined]
    assert engine.running == 0
    if stage == "translating":
        assert state.text == "TICKET OFFICE"
        assert state.original == sheet.text
        assert state.passages[1].translation is None
    if stage == "checking":
        assert state.text == "TICKET OFFICE\nOPEN DAILY\nRING THE BELL"


def test_a_failing_engine_is_heard_and_what_was_done_stands() -> None:
    class Failing(Scripted):
        def run(self, job: Job, pictures: Iterable[Picture] = ()) -> Iterator[Event]:
            if len(self.jobs) == 2:
                yield Failed(kind="EngineError", what="The engine died.", todo="Try again.")
            else:
                yield from super().run(job, pictures)

    sheet = signs.sign(["Ticket office", "Open daily"], 50)
    steps = translate_picture(picture(sheet), wish(), Failing(lambda _: sheet.text))
    seen: list[Translation] = []
    with pytest.raises(EngineError, match="The engine died"):
        seen.extend(steps)
    assert seen[-1].text == "TICKET OFFICE"


def test_progress_never_goes_back_within_a_stage() -> None:
    sheet = signs.menu(DISHES[:5])
    states = list(translate_picture(picture(sheet), wish(), Scripted(lambda _: sheet.text)))
    order = ["finding", "reading", "translating", "done"]
    steps = [(order.index(s.stage), s.fraction) for s in states]
    assert steps == sorted(steps)
    assert any(s.stage == "reading" and s.draft.startswith("Soup of") for s in states)


def test_text_is_translated_line_by_line() -> None:
    engine = Scripted(lambda _: "")
    state = list(translate_text("First line\n\n  Second line 7\n42", wish("de"), engine))[-1]
    assert [p.translation for p in state.passages] == ["FIRST LINE", "SECOND LINE 7", "42"]
    assert list(translate_text("  \n", wish("de"), engine))[-1].outcome == "no text"


def test_languages_that_are_not_offered_are_refused() -> None:
    with pytest.raises(UsageError, match="xx is not offered"):
        list(translate_text("Hello", wish("xx"), Scripted(lambda _: "")))


def test_with_the_real_engine_process(client: EngineClient) -> None:
    """The echo family repeats the question, which is enough to see two jobs go through and a picture be reused."""
    wanted = Wish(reader=ModelSpec(path="echo"), target="de", source="en")
    state = list(translate_picture(picture(signs.sign(["Exit"], 40)), wanted, client))[-1]
    assert state.stage == "done"
    assert "Read all the text in this picture" in state.original


def test_stopping_cancels_the_job_in_the_engine(client: EngineClient, tmp_path: Path) -> None:
    heard: list[Event] = []
    ended = threading.Event()
    submit = client.submit

    def listening(job: Job, pictures: Iterable[Picture], on_event: Callable[[Event], None]) -> int:
        def hear(event: Event) -> None:
            heard.append(event)
            on_event(event)
            if is_last(event):
                ended.set()

        return submit(job, pictures, hear)

    client.submit = listening  # type: ignore[method-assign,assignment]
    script = tmp_path / "slow.json"
    script.write_text('{"answer":[{"do":"say","text":"Exit "},{"do":"wait","seconds":60}]}', "utf-8")
    model = ModelSpec(path=f"echo:{script}")
    steps = translate_text("Sortie", Wish(reader=model, target="en", source="fr"), client)
    assert next(s for s in steps if s.draft).draft == "Exit"
    steps.close()  # type: ignore[attr-defined]
    assert ended.wait(30)
    assert isinstance(heard[-1], Finished)
    assert heard[-1].reason == "cancelled"


def test_explaining_names_the_phrase_the_text_and_the_language() -> None:
    job = prompts.explain(MODEL, "mind the gap", "Please mind the gap.", languages.language("de"))
    assert '"mind the gap" in German' in job.messages[0].text
    assert "Please mind the gap." in job.messages[0].text

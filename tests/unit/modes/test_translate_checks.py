import pytest

from app.errors import UsageError
from app.modes.translate import checks, glossary, languages
from app.modes.translate.prompts import bare


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1.000,50 EUR", ["1000.5"]),
        ("1 000.50", ["1000.5"]),
        ("1,234,567", ["1234567"]),
        ("١٢٫٥", ["12.5"]),
        ("3.5 and 35", ["3.5", "35"]),
        ("0.125", ["0.125"]),
        ("12:30", ["12:30"]),
        ("8 – 18 h", ["8", "18"]),
        ("no digits", []),
    ],
)
def test_numbers_have_one_spelling(text: str, found: list[str]) -> None:
    assert checks.numbers(text) == found


def kinds(source: str, translation: str, code: str = "en", **terms: str) -> list[tuple[str, str]]:
    return [(c.kind, c.what) for c in checks.concerns(source, translation, code, terms)]


@pytest.mark.parametrize(
    ("source", "translation"),
    [
        ("Room 12 costs $84.50", "La chambre 12 coûte 84,50 $"),
        ("1,000 visitors on 3rd May", "1.000 Besucher am 3. Mai"),
        ("Open 8 am to 6 pm", "Ouvert de 8 h à 6 h"),
        ("5 euros", "5 €"),
        ("Seat B12, www.example.org", "Platz B12, www.example.org"),
        ("We met Mrs Brown in Paris today", "Wir trafen Frau Brown heute in Paris"),
        ("Grilled Trout With Lemon And Butter", "Truite grillée au citron et au beurre"),
        ("Mon – Fri 8 to 18 h, from Oct to Dec", "Mo – Fr 8 bis 18 Uhr, von Okt. bis Dez."),
        ("Im Garten steht ein Baum und ein Haus", "There is a tree and a house in the garden"),
    ],
)
def test_a_faithful_translation_raises_no_concern(source: str, translation: str) -> None:
    code = "de" if "Garten" in source else "en"
    assert kinds(source, translation, code) == []


@pytest.mark.parametrize(
    ("source", "translation", "expected"),
    [
        ("It costs 84.50", "Il coûte 845", [("number", "84.50"), ("number", "845")]),
        ("Two rooms for 12 €", "Deux chambres pour 12", [("price", "EUR")]),
        ("Go to gate A4", "Gehen Sie zum Ausgang 4", [("code", "A4")]),
        ("We met Mrs Brown in Paris today", "Wir trafen Frau Braun heute in Paris", [("name", "Brown")]),
        ("Exit", " ", [("empty", "Exit")]),
    ],
)
def test_what_was_lost_is_named(source: str, translation: str, expected: list[tuple[str, str]]) -> None:
    assert kinds(source, translation) == expected
    assert all(c.sentence.endswith(".") for c in checks.concerns(source, translation, "en", {}))


def test_own_terms_are_asked_for_as_whole_words() -> None:
    assert kinds("The exit is open", "Der Ausgang ist offen", exit="Ausfahrt") == [("term", "exit")]
    assert kinds("The exits are open", "Die Ausgänge sind offen", exit="Ausfahrt") == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Bitte klingeln und warten", "de"),
        ("禁止停车", "zh"),
        ("出口です", "ja"),
        ("ממנוע", "he"),
        ("ممنوع الوقوف هنا", "ar"),
        ("Έξοδος κινδύνου", "el"),
        ("Вход воспрещён всем", "ru"),
        ("ห้ามจอด", "th"),
    ],
)
def test_languages_are_told_apart(text: str, code: str) -> None:
    guess = languages.guess(text)
    assert guess is not None
    assert guess.code == code


def test_one_word_is_never_certain_and_digits_have_no_language() -> None:
    word = languages.guess("Restaurant")
    assert word is not None
    assert word.sure <= 0.6
    assert languages.guess("12,50") is None


def test_a_glossary_is_kept_and_read() -> None:
    assert glossary.load() == {}
    glossary.save("# signs\nTicket office = Guichet\n\nexit = sortie")
    assert glossary.load() == {"Ticket office": "Guichet", "exit": "sortie"}


@pytest.mark.parametrize("text", ["no equals", "= word", "term ="])
def test_a_broken_glossary_names_its_line(text: str) -> None:
    with pytest.raises(UsageError, match="Line 2"):
        glossary.parse(f"a = b\n{text}\n")


@pytest.mark.parametrize(
    ("answer", "source", "told"),
    [
        ('"Sortie"', "Exit", "Sortie"),
        ("«Sortie»\n", "Exit", "Sortie"),
        ("„Ausgang“", "Exit", "Ausgang"),
        ('"Exit" means', "x", '"Exit" means'),
        ('"Sortie"', 'The "exit"', '"Sortie"'),
    ],
)
def test_quotation_marks_of_the_models_own_go(answer: str, source: str, told: str) -> None:
    assert bare(answer, source) == told

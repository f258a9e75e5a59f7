import pytest

from app.modes.translate.back import chrf, compare
from app.modes.translate.negation import denies
from app.modes.translate.pipeline import Wish, check, translate_text
from app.values import ModelSpec
from tests.unit.modes.test_translate import Scripted, wish


@pytest.mark.parametrize(
    ("source", "back", "code"),
    [
        ("The ticket office is open daily from 8 to 18", "The ticket counter is open every day from 8 to 18", "en"),
        ("Do not smoke", "No smoking", "en"),
        ("Don't feed the animals", "Do not feed the animals", "en"),
        ("Hier ist nichts erlaubt", "Hier ist es nicht erlaubt", "de"),
        ("Emergency exit", "Emergency exit.", "en"),
        ("Please keep the door closed", "Please keep the door shut", "en"),
        ("禁止停车", "禁止泊车", "zh"),
    ],
)
def test_what_means_the_same_is_not_doubted(source: str, back: str, code: str) -> None:
    assert not compare(source, back, code).doubtful


@pytest.mark.parametrize(
    ("source", "back", "code"),
    [
        ("No parking", "Parking", "en"),
        ("You may enter", "You may not enter", "en"),
        ("The lift can’t be used", "The lift can be used", "en"),
        ("Fried chicken with rice", "The cook with ice", "en"),
        ("Ticket office", "Counter", "en"),
        ("Bitte nicht berühren", "Bitte berühren", "de"),
        ("Exit", "", "en"),
    ],
)
def test_what_may_mean_something_else_is(source: str, back: str, code: str) -> None:
    assert compare(source, back, code).doubtful


@pytest.mark.parametrize(
    ("code", "denied", "plain"),
    [
        ("ar", "يرجى عدم لمس الزجاج", "يرجى لمس الزجاج"),
        ("ar", "لا تدخل من هنا", "ادخل من هنا"),
        ("da", "Rygning er ikke tilladt", "Rygning er tilladt"),
        ("de", "Hier gilt Rauchverbot", "Hier darf man rauchen"),
        ("el", "Μην αγγίζετε", "Αγγίζετε"),
        ("en", "Smoking is prohibited", "Smoking is welcome"),
        ("es", "Prohibido fumar", "Fumar está bien"),
        ("fi", "Älä koske", "Koske"),
        ("fr", "N’entrez pas", "Entrez"),
        ("he", "אל תיגע בזכוכית", "גש אל הקופה"),
        ("hi", "यहाँ पार्किंग नहीं है", "यहाँ पार्किंग है"),
        ("hu", "Tilos a dohányzás", "A dohányzás megengedett"),
        ("it", "Vietato entrare", "Entrate"),
        ("ja", "触らないでください", "危ないのでつないでください"),
        ("ko", "들어가지 마세요", "오후 5시까지 말씀하세요"),
        ("nl", "Niet roken", "Roken"),
        ("pl", "Nie dotykać", "Dotykać"),
        ("pt", "Não entre", "Entre no banco"),
        ("ro", "Fumatul interzis", "Fumatul permis"),
        ("ru", "Вход запрещён", "Вход свободный"),
        ("sv", "Rör inte", "Rör"),
        ("th", "ห้ามจอดรถ", "จอดรถได้ทุกอย่าง"),
        ("uk", "Не торкатися", "Торкатися"),
        ("zh", "请勿停车", "请停车"),
        ("zh", "这里没有电梯", "无线网络在未来不同"),
    ],
)
def test_a_denial_is_known_in_its_language(code: str, denied: str, plain: str) -> None:
    assert denies(denied, code)
    assert not denies(plain, code)


def test_what_only_looks_like_a_denial_is_none() -> None:
    assert not denies("Quai n° 5", "fr")
    assert not denies("Gate no. 5", "en")
    assert not compare("Fahrt bis Ende der Straße no 5", "Fahrt bis Ende der Straße Nr. 5", "de").doubtful


def test_the_words_that_differ_are_named() -> None:
    found = compare("The ticket office is open", "The ticket counters are open", "en")
    assert found.lost == ("office",)
    assert found.new == ("counters",)


def test_chrf_is_between_none_and_one() -> None:
    assert chrf("Exit", "exit!") == 1.0
    assert chrf("Exit", "") == 0.0
    assert 0.0 < chrf("Exit here", "Exit there") < 1.0


def checked(**more: object) -> Wish:
    return wish("fr", source="en", check=True, **more)


TABLE = {"No parking": "Stationnement", "Way out": "Sortie", "Stationnement": "Parking", "Sortie": "Way out"}


def test_a_text_is_translated_back_and_doubts_are_told() -> None:
    engine = Scripted(lambda _: "", lambda text: TABLE[text])
    states = list(translate_text("No parking\nWay out\n12", checked(), engine))
    assert [s.stage for s in states if s.draft and s.stage == "checking"]
    state = states[-1]
    assert state.stage == "done"
    assert [p.back and p.back.text for p in state.passages] == ["Parking", "Way out", None]
    assert [[c.kind for c in p.concerns] for p in state.passages] == [["meaning"], [], []]
    assert state.passages[0].concerns[0].sentence == "Look twice: the meaning may have changed."
    assert "into English" in engine.jobs[-1].messages[-1].text


def test_it_is_not_done_unless_it_is_wanted_or_where_the_source_is_unknown() -> None:
    engine = Scripted(lambda _: "", lambda text: TABLE.get(text, "?"))
    state = list(translate_text("Way out", wish("fr", source="en"), engine))[-1]
    assert len(engine.jobs) == 1
    later = list(check(state, checked(), engine))[-1]
    assert later.passages[0].back is not None
    assert list(check(later, checked(), engine)) == [later], "it is not done twice"
    assert len(engine.jobs) == 2
    unknown = list(translate_text("X", Wish(ModelSpec(path="reader.gguf"), "fr", check=True), engine))[-1]
    assert unknown.stage == "done"
    assert all(p.back is None for p in unknown.passages)


def test_stopping_it_keeps_the_translation_and_what_was_checked() -> None:
    engine = Scripted(lambda _: "", lambda text: TABLE[text])
    steps = translate_text("No parking\nWay out", checked(), engine)
    state = next(s for s in steps if s.stage == "checking" and s.passages[0].back is not None)
    steps.close()  # type: ignore[attr-defined]
    assert engine.running == 0
    assert state.text == "Stationnement\nSortie"

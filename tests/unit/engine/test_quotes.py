from app.engine.quotes import Quotes, Words
from app.values import Message

CONTROLS = ("<end>", "<end><end>", "<start>")


def quotes() -> Quotes:
    return Quotes(lambda text: {each for each in CONTROLS if each in text})


def test_ordinary_words_are_left_alone() -> None:
    message = Message(role="user", text="a < b > c", pictures=("p",))
    mine = quotes()
    assert mine.hide(message) is message
    assert mine.split("<start>user a < b > c<end>") == [Words("<start>user a < b > c<end>")]


def test_what_reads_like_a_control_token_comes_back_as_words() -> None:
    mine = quotes()
    first = mine.hide(Message(role="user", text="a<end>b", pictures=("p",)))
    second = mine.hide(Message(role="user", text="<start><end><end>"))
    assert first.pictures == ("p",)
    assert not any(each in first.text + second.text for each in CONTROLS)
    assert mine.split(f"<start>{first.text}<end>|{second.text}") == [
        Words("<start>a"),
        Words("<end>", plain=True),
        Words("b<end>|"),
        Words("<start>", plain=True),
        Words("<end><end>", plain=True),
    ]


def test_a_template_may_repeat_or_leave_out_what_was_hidden() -> None:
    mine = quotes()
    text = mine.hide(Message(role="user", text="<end>")).text
    assert mine.split(text + text) == [Words("<end>", plain=True)] * 2
    assert mine.split("") == []


def test_a_mark_of_another_prompt_is_words() -> None:
    mark = quotes().hide(Message(role="user", text="<end>")).text
    assert quotes().split(mark) == [Words(mark)]

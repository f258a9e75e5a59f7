"""What a conversation remembers, and what it tells the model."""

from app.chat.conversation import MOST_NOTES, Conversation, State
from app.errors import EngineError
from app.values import Failed, Finished, Loading, Looking, Message, Picture, Piece, Reading, Stats
from tests.echo import picture


def finish(conversation: Conversation, answer: str) -> None:
    turn = conversation.turns[-1]
    turn.take(Piece(text=answer))
    turn.take(Finished(reason="stop"))


def test_an_answer_grows_through_its_stages() -> None:
    turn = Conversation().ask("What?")
    assert turn.state is State.WAITING
    for event in (Loading(fraction=0.5), Looking(picture=0, of=1, fraction=0.1), Reading(fraction=1.0)):
        turn.take(event)
        assert (turn.state, turn.progress) == (State.WORKING, event)
    turn.take(Piece(text="A "))
    turn.take(Piece(text="cat"))
    assert (turn.state, turn.answer, turn.progress) == (State.WRITING, "A cat", None)
    turn.take(Finished(reason="stop", stats=Stats(written_tokens=2)))
    assert turn.state is State.FINISHED
    assert turn.stats == Stats(written_tokens=2)
    turn.take(Piece(text=" too late"))
    assert turn.answer == "A cat"


def test_ends_of_an_answer() -> None:
    ends = {
        Finished(reason="stop"): (State.FINISHED, False),
        Finished(reason="length"): (State.FINISHED, True),
        Finished(reason="cancelled"): (State.STOPPED, False),
        Finished(reason="replaced"): (State.STOPPED, False),
    }
    for event, (state, cut_off) in ends.items():
        turn = Conversation().ask("What?")
        turn.take(event)
        assert (turn.state, turn.cut_off, turn.ended) == (state, cut_off, True)


def test_a_failure_keeps_the_words_and_its_kind() -> None:
    turn = Conversation().ask("What?")
    turn.take(Piece(text="half"))
    turn.take(Failed(kind="EngineError", what="It died.", todo="Ask again.", detail="signal 9"))
    assert (turn.state, turn.answer) == (State.FAILED, "half")
    assert isinstance(turn.error, EngineError)
    assert (turn.error.what, turn.error.todo, turn.error.detail) == ("It died.", "Ask again.", "signal 9")


def test_messages_alternate_and_pictures_come_with_their_question() -> None:
    conversation, cat = Conversation(), picture(1)
    conversation.ask("What?", [cat])
    finish(conversation, "A cat.")
    turn = conversation.ask("Which colour?")
    messages = conversation.messages(turn)
    assert messages == (
        Message(role="user", text="What?", pictures=(cat.digest,)),
        Message(role="assistant", text="A cat."),
        Message(role="user", text="Which colour?"),
    )
    assert conversation.pictures(messages) == (cat,)


def test_pictures_of_an_unanswered_question_move_on() -> None:
    conversation, cat, dog = Conversation(), picture(1), picture(2)
    conversation.ask("What?", [cat]).take(Failed(kind="EngineError", what="It died.", todo="Ask again."))
    turn = conversation.ask("And this?", [dog, cat])
    assert conversation.messages(turn) == (Message(role="user", text="And this?", pictures=(cat.digest, dog.digest)),)


def test_words_before_a_stop_stay_in_the_conversation() -> None:
    conversation = Conversation()
    stopped = conversation.ask("What?")
    stopped.take(Piece(text="A c"))
    stopped.take(Finished(reason="cancelled"))
    assert [m.text for m in conversation.messages(conversation.ask("Go on"))] == ["What?", "A c", "Go on"]


def test_again_takes_back_the_answer_and_what_followed() -> None:
    conversation, cat, dog = Conversation(), picture(1), picture(2)
    first = conversation.ask("What?", [cat])
    finish(conversation, "A cat.")
    conversation.ask("And this?", [dog])
    conversation.again(first)
    assert conversation.turns == [first]
    assert (first.answer, first.state, first.stats) == ("", State.WAITING, None)
    assert conversation.picture(cat.digest) is cat
    assert conversation.picture(dog.digest) is None


def test_a_question_is_taken_back_with_its_pictures() -> None:
    conversation, cat, dog = Conversation(), picture(1), picture(2)
    conversation.ask("What?", [cat])
    finish(conversation, "A cat.")
    second = conversation.ask("And this?", [dog])
    assert conversation.take_back(second) == ("And this?", (dog,))
    assert [turn.question for turn in conversation.turns] == ["What?"]
    assert conversation.find(second.id) is None
    assert conversation.ask("New").id != second.id


def test_the_same_picture_twice_is_named_once() -> None:
    conversation, cat = Conversation(), picture(1)
    turn = conversation.ask("What?", [cat, cat])
    assert conversation.messages(turn)[0].pictures == (cat.digest,)
    assert conversation.shows(cat.digest)


def seen(number: int) -> Picture:
    return Picture(1, 1, bytes([number % 256, number // 256, 0]))


def test_what_was_noted_while_watching_is_not_told_to_the_model_but_for_the_last() -> None:
    talk = Conversation()
    first = talk.ask("What is it?")
    first.answer, first.state = "A street.", State.FINISHED
    for number in range(3):
        talk.note("a bus", seen(number), f"Yes, at {number}.")
    asked = talk.ask("What colour is it?")
    messages = talk.messages(asked)
    assert [m.text for m in messages] == ["What is it?", "A street.", "a bus", "Yes, at 2.", "What colour is it?"]
    assert messages[2].pictures == (seen(2).digest,)
    asked.answer, asked.state = "Red.", State.FINISHED
    later = talk.messages(talk.ask("And now?"))
    assert [m.text for m in later] == ["What is it?", "A street.", "What colour is it?", "Red.", "And now?"]
    assert all(not m.pictures for m in later)


def test_a_watch_of_days_keeps_the_newest_notes_only() -> None:
    talk = Conversation()
    kept = talk.ask("What is it?", [seen(9999)])
    for number in range(MOST_NOTES + 20):
        talk.note("a bus", seen(number), "Yes.")
    assert len(talk.turns) == MOST_NOTES + 1
    assert talk.turns[0] is kept
    assert talk.picture(seen(0).digest) is None
    assert talk.picture(seen(9999).digest) is not None
    assert talk.turns[-1].pictures == (seen(MOST_NOTES + 19).digest,)

"""Conversations on disk: what is kept, what is forgotten, and what happens to damaged ones."""

import io
import json
import os
import stat
from pathlib import Path

import pytest
from PIL import Image

from app.chat.archive import Archive, snapshot
from app.chat.conversation import Conversation, State
from app.errors import ModelError, SpyglassError
from app.values import Failed, Finished, Piece, Stats, passing_picture
from app.wording import Wording
from tests.echo import picture

PLENTY = 1 << 30


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "conversations")


def conversation(question: str = "What is it?", red: int = 1, side: int = 8) -> Conversation:
    made = Conversation()
    turn = made.ask(question, [picture(red, side, side)], model="starter")
    turn.take(Piece(text="A cat."))
    turn.take(Finished(reason="stop", stats=Stats(written_tokens=3, probability=0.5)))
    return made


def age(archive: Archive, key: str, seconds: int) -> None:
    """Let a conversation have been changed so long ago."""
    file = archive.folder / key / "conversation.json"
    when = file.stat().st_mtime - seconds
    os.utime(file, (when, when))


def test_a_conversation_comes_back_as_it_was(archive: Archive) -> None:
    made = conversation()
    stopped = made.ask("And \ud800 this?", [picture(2)])
    stopped.take(Piece(text="It is"))
    failed = made.ask("Again?")
    what = Wording("{name} is empty.", name="a.png")
    failed.take(Failed(kind="ModelError", what=what, todo=Wording("Choose another picture."), detail="line 7"))
    archive.keep(snapshot(made), PLENTY)

    back = Archive(archive.folder).open(made.key)
    assert [(t.question, t.answer, t.state, t.stats) for t in back.turns] == [
        ("What is it?", "A cat.", State.FINISHED, Stats(written_tokens=3, probability=0.5)),
        ("And ? this?", "It is", State.STOPPED, None),
        ("Again?", "", State.FAILED, None),
    ]
    error = back.turns[2].error
    assert isinstance(error, ModelError)
    assert (error.what.template, error.what.values, error.detail) == (what.template, what.values, "line 7")
    for turn, before in zip(back.turns, made.turns, strict=True):
        assert turn.pictures == before.pictures
    [shown] = back.pictures(back.messages(back.turns[0]))
    assert (shown.pixels, shown.name) == (picture(1, 8, 8).pixels, "1.png")
    assert back.key == made.key
    assert back.ask("More?").id not in {turn.id for turn in back.turns[:-1]}


def test_a_frame_that_passed_by_keeps_its_name(archive: Archive) -> None:
    made = Conversation()
    frame = passing_picture(4, 3, bytes(36), "12:00")
    made.note("a bus", frame, "Yes.")
    archive.keep(snapshot(made), PLENTY)
    back = archive.open(made.key)
    assert back.turns[0].note
    assert back.picture(frame.digest) is not None


def test_a_small_copy_of_the_picture_it_began_with_goes_when_the_picture_goes(archive: Archive) -> None:
    made = conversation(side=400)
    made.ask("And this?", [picture(2)])
    archive.keep(snapshot(made), PLENTY)
    [entry] = archive.entries()
    assert entry.picture == made.turns[0].pictures[0]
    for _ in range(2):  # made, then read
        with Image.open(io.BytesIO(archive.preview(entry.key, entry.picture))) as small:
            assert small.size == (160, 160)
    folder = archive.folder / made.key
    assert len(list(folder.glob("*.jpg"))) == 1
    made.take_back(made.turns[0])
    made.ask("Another?", [picture(3)])
    archive.keep(snapshot(made), PLENTY)
    assert list(folder.glob("*.jpg")) == []
    archive.forget(made.key)
    assert archive.preview(entry.key, entry.picture) == b""
    assert not folder.exists()


@pytest.mark.parametrize("digest", ["../secret", "gone"])
def test_what_is_no_picture_of_a_conversation_has_no_small_copy(archive: Archive, digest: str) -> None:
    made = conversation()
    archive.keep(snapshot(made), PLENTY)
    (archive.folder / "secret.png").write_bytes(
        (archive.folder / made.key / f"{picture(1, 8, 8).digest}.png").read_bytes()
    )
    assert archive.preview(made.key, digest) == b""


def test_the_list_has_the_newest_first_and_leaves_out_what_is_damaged(archive: Archive) -> None:
    old, new = conversation("  An old \n question "), conversation("A new one", 2)
    for one in (old, new):
        archive.keep(snapshot(one), PLENTY)
    age(archive, old.key, 60)
    (archive.folder / "broken").mkdir()
    (archive.folder / "broken" / "conversation.json").write_text("{")
    (archive.folder / "stray.txt").write_text("?")
    assert [entry.title for entry in archive.entries()] == ["A new one", "An old question"]
    assert Archive(archive.folder / "nowhere").entries() == []


def test_only_a_change_makes_a_conversation_newer(archive: Archive) -> None:
    old, new = conversation("Old?"), conversation("New?", 2)
    for one in (old, new):
        archive.keep(snapshot(one), PLENTY)
    age(archive, old.key, 60)
    later = Archive(archive.folder)
    opened = later.open(old.key)
    later.keep(snapshot(opened), PLENTY)
    assert [entry.title for entry in later.entries()] == ["New?", "Old?"]
    opened.ask("And on?")
    later.keep(snapshot(opened), PLENTY)
    assert [entry.title for entry in later.entries()] == ["Old?", "New?"]


def test_the_conversation_shown_last_is_known(archive: Archive) -> None:
    assert archive.shown_last() == ""
    old, new = conversation("Old?"), conversation("New?", 2)
    for one in (old, new):
        archive.keep(snapshot(one), PLENTY)
    age(archive, old.key, 60)
    assert archive.shown_last() == new.key
    archive.mark_shown(old.key)
    assert archive.shown_last() == old.key
    archive.forget(old.key)
    assert archive.shown_last() == new.key
    (archive.folder / "shown.txt").write_bytes(b"\xff../..")
    assert archive.shown_last() == new.key


def test_an_older_snapshot_never_replaces_a_newer_one(archive: Archive) -> None:
    made = conversation()
    before = snapshot(made)
    made.ask("Later?")
    archive.keep(snapshot(made), PLENTY)
    archive.keep(before, PLENTY)
    assert len(archive.open(made.key).turns) == 2


def test_pictures_can_follow_the_words(archive: Archive) -> None:
    made = conversation()
    archive.keep(snapshot(made), PLENTY, pictures=False)
    assert archive.open(made.key).turns[0].pictures == ()
    archive.keep(snapshot(made), PLENTY)
    assert archive.open(made.key).turns[0].pictures == made.turns[0].pictures


def test_pictures_that_are_no_longer_asked_about_go(archive: Archive) -> None:
    made = conversation()
    made.ask("And this?", [picture(2)])
    archive.keep(snapshot(made), PLENTY)
    made.take_back(made.turns[1])
    archive.keep(snapshot(made), PLENTY)
    assert [file.stem for file in (archive.folder / made.key).glob("*.png")] == list(made.turns[0].pictures)


def test_the_oldest_go_when_there_is_no_room(archive: Archive) -> None:
    made = [conversation(f"Question {i}", i) for i in range(3)]
    for one in made:
        archive.keep(snapshot(one), PLENTY)
    age(archive, made[1].key, 50)
    age(archive, made[0].key, 100)
    size = sum(file.stat().st_size for file in (archive.folder / made[2].key).iterdir())
    made[2].turns[0].answer += "!"
    archive.keep(snapshot(made[2]), size * 2 + 8)
    assert [entry.title for entry in archive.entries()] == ["Question 2", "Question 1"]
    made[2].turns[0].answer += "!"
    archive.keep(snapshot(made[2]), 1)  # the one that goes on is spared
    assert [entry.title for entry in archive.entries()] == ["Question 2"]


def test_no_room_at_all_keeps_nothing(archive: Archive) -> None:
    made = conversation()
    archive.keep(snapshot(conversation("Before")), PLENTY)
    archive.keep(snapshot(made), 0)
    assert archive.entries() == []


def test_an_emptied_conversation_is_gone(archive: Archive) -> None:
    made = conversation()
    archive.keep(snapshot(made), PLENTY)
    made.take_back(made.turns[0])
    archive.keep(snapshot(made), PLENTY)
    assert list(archive.folder.iterdir()) == []


def test_two_programs_do_not_overwrite_each_other(archive: Archive) -> None:
    made = conversation()
    archive.keep(snapshot(made), PLENTY)
    other = Archive(archive.folder)
    theirs = other.open(made.key)
    theirs.ask("From the other window?")
    other.keep(snapshot(theirs), PLENTY)
    for question in ("From this window?", "And on?"):
        made.ask(question)
        archive.keep(snapshot(made), PLENTY)
    questions = {tuple(turn.question for turn in archive.open(entry.key).turns) for entry in archive.entries()}
    assert questions == {
        ("What is it?", "From the other window?"),
        ("What is it?", "From this window?", "And on?"),
    }


@pytest.mark.parametrize("how", ["gone", "cut", "another"])
def test_a_damaged_picture_is_left_out_and_the_words_stay(archive: Archive, how: str) -> None:
    made = conversation()
    archive.keep(snapshot(made), PLENTY)
    [file] = (archive.folder / made.key).glob("*.png")
    if how == "gone":
        file.unlink()
    elif how == "cut":
        file.write_bytes(file.read_bytes()[:40])
    else:
        archive.keep(snapshot(conversation(red=9)), PLENTY)
        [other] = (one for one in archive.folder.glob("*/*.png") if one != file)
        file.write_bytes(other.read_bytes())
    back = archive.open(made.key)
    assert (back.turns[0].answer, back.turns[0].pictures) == ("A cat.", ())
    assert back.messages(back.turns[0])[0].pictures == ()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 1, "title": "x", "turns": [7], "pictures": []}'])
def test_a_conversation_that_cannot_be_read_says_so(archive: Archive, content: str) -> None:
    (archive.folder / "key").mkdir(parents=True)
    (archive.folder / "key" / "conversation.json").write_text(content)
    with pytest.raises(SpyglassError, match="cannot be read"):
        archive.open("key")


def test_a_name_that_leads_elsewhere_is_not_followed(archive: Archive, tmp_path: Path) -> None:
    made = conversation()
    archive.keep(snapshot(made), PLENTY)
    [file] = (archive.folder / made.key).glob("*.png")
    file.rename(tmp_path / "conversations" / "elsewhere.png")
    words = archive.folder / made.key / "conversation.json"
    content = json.loads(words.read_text("utf-8"))
    content["pictures"][0] |= {"digest": "../elsewhere", "passing": True}
    content["turns"][0]["pictures"] = ["../elsewhere"]
    words.write_text(json.dumps(content))
    assert archive.open(made.key).turns[0].pictures == ()


def test_a_disk_that_refuses_is_told(archive: Archive) -> None:
    archive.folder.parent.mkdir(exist_ok=True)
    archive.folder.write_text("a file where the folder should be")
    with pytest.raises(SpyglassError, match="could not be saved"):
        archive.keep(snapshot(conversation()), PLENTY)


def test_only_the_person_may_look(archive: Archive) -> None:
    made = conversation()
    archive.keep(snapshot(made), PLENTY)
    assert stat.S_IMODE((archive.folder / made.key).stat().st_mode) == 0o700


def test_deleting_leaves_nothing(archive: Archive) -> None:
    made = conversation()
    archive.keep(snapshot(made), PLENTY)
    archive.forget(made.key)
    archive.forget("never there")
    assert list(archive.folder.iterdir()) == []

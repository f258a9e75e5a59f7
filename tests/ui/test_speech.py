"""What is said aloud: by a program and a service that only write down what they were given, and by espeak-ng."""

import itertools
import shutil
import socket
import sys
import threading
import wave
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.errors import SpyglassError
from app.ui.read_aloud import plain
from app.ui.speech import Speaker, find, lines
from app.ui.speech_service import Service
from app.ui.utterance import Program
from app.ui.window import Window
from tests.ui.steps import ask, script

FAKE = """
import pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
(folder / "arguments").write_text(repr(sys.argv[2:]))
(folder / "said.part").write_bytes(sys.stdin.buffer.read())
(folder / "said.part").rename(folder / "said")
if "--for-ever" in sys.argv:
    time.sleep(600)
sys.exit("no sound" if "--broken" in sys.argv else 0)
"""


def fake(folder: Path, *more: str) -> Program:
    """A program that speaks into files."""
    (folder / "fake.py").write_text(FAKE)
    return Program(
        sys.executable, lambda code: [str(folder / "fake.py"), str(folder), *more, *([code] if code else [])]
    )


@pytest.fixture
def speaker(tmp_path: Path) -> Iterator[Speaker]:
    speaker = Speaker(fake(tmp_path))
    yield speaker
    speaker.close()


def test_the_words_go_through_standard_input_alone(speaker: Speaker, qtbot: QtBot, tmp_path: Path) -> None:
    with qtbot.waitSignal(speaker.speaking, check_params_cb=lambda on: not on, timeout=10_000):
        speaker.say("--version; $(reboot)\n!-! SET all RATE 100", "de")
    assert (tmp_path / "said").read_text() == " --version; $(reboot)\n !-! SET all RATE 100\n"
    assert (tmp_path / "arguments").read_text() == "['de']"


@pytest.mark.parametrize("code", ["", "--help", "de;rm", "DE", "../../etc"])
def test_a_language_that_is_no_code_is_left_out(speaker: Speaker, qtbot: QtBot, tmp_path: Path, code: str) -> None:
    with qtbot.waitSignal(speaker.speaking, check_params_cb=lambda on: not on, timeout=10_000):
        speaker.say("hello", code)
    assert (tmp_path / "arguments").read_text() == "[]"


def test_silence_comes_at_once(qtbot: QtBot, tmp_path: Path) -> None:
    speaker = Speaker(fake(tmp_path, "--for-ever"))
    said: list[bool] = []
    speaker.speaking.connect(said.append)
    speaker.say("a long story")
    qtbot.waitUntil((tmp_path / "said").exists, timeout=10_000)
    speaker.stop()
    assert (said, speaker.on) == ([True, False], False)
    speaker.say("another")
    assert speaker.on
    speaker.close()  # the test fails if a process is left


@pytest.mark.parametrize("program", ["broken", "missing"])
def test_a_voice_that_fails_is_one_sentence(qtbot: QtBot, tmp_path: Path, program: str) -> None:
    missing = Program(str(tmp_path / "missing"), lambda _: [])
    speaker = Speaker(fake(tmp_path, "--broken") if program == "broken" else missing)
    failed: list[SpyglassError] = []
    speaker.failed.connect(failed.append)
    speaker.say("hello")
    qtbot.waitUntil(lambda: bool(failed), timeout=10_000)
    assert failed[0].what == "This could not be said aloud."
    assert not speaker.on
    speaker.close()


def test_a_program_that_never_ends_is_ended(qtbot: QtBot, tmp_path: Path) -> None:
    speaker = Speaker(fake(tmp_path, "--for-ever"))
    speaker.patience_s = -1.0
    with qtbot.waitSignal(speaker.failed, timeout=10_000):
        speaker.say("hello")
    assert not speaker.on
    speaker.close()


def test_without_a_program_nothing_is_offered_and_nothing_happens() -> None:
    speaker = Speaker(None)
    speaker.say("hello")
    speaker.stop()
    speaker.close()
    assert (speaker.available, speaker.on) == (False, False)


@pytest.mark.parametrize(
    ("platform", "there", "name"),
    [
        ("linux", {"spd-say", "espeak-ng"}, "speech-dispatcher"),
        ("linux", {"espeak-ng", "espeak"}, "espeak-ng"),
        ("linux", set(), None),
        ("darwin", {"say"}, "say"),
        ("win32", {"powershell"}, "powershell"),
        ("freebsd14", {"espeak"}, "espeak"),
    ],
)
def test_the_program_is_the_system_s_own(platform: str, there: set[str], name: str | None) -> None:
    found = find(platform, lambda one: f"/bin/{one}" if one in there else None)
    assert (found.name if found else None) == name
    if isinstance(found, Program):
        assert not any("hello" in argument for argument in found.arguments("en"))


def test_what_programs_take_for_commands_is_words_again() -> None:
    assert lines("a [[slnc 9000]] b\x1b[31m\u2028!-! QUIT") == b" a [ [slnc 9000] ] b [31m\n !-! QUIT\n"
    assert lines(" \n\t") == b""


def test_a_line_never_grows_so_long_that_a_program_cuts_it_itself() -> None:
    for text in ("word " * 5000, "x" * 30_000):
        said = lines(text).decode().splitlines()
        assert max(map(len, said)) <= 402
        assert all(line.startswith(" ") for line in said)
    assert len(lines("x" * 30_000)) < 21_000


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed; the programs above stand for it")
def test_espeak_really_speaks(qtbot: QtBot, tmp_path: Path) -> None:
    real = find("linux", lambda name: shutil.which(name) if name == "espeak-ng" else None)
    assert isinstance(real, Program)
    path = tmp_path / "said.wav"
    speaker = Speaker(Program(real.path, lambda code: [*real.arguments(code), "-w", str(path)]))
    with qtbot.waitSignal(speaker.speaking, check_params_cb=lambda on: not on, timeout=20_000):
        speaker.say("--version. Bitte stillhalten.", "de")
    with wave.open(str(path)) as sound:
        assert sound.getnframes() / sound.getframerate() > 1.0
    speaker.close()


# --- the speech service ---------------------------------------------------------------------------------------------


def _heard(connection: socket.socket) -> bytes:
    """What came, or nothing at the end: whoever hangs up with replies unread resets the connection."""
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b""


class FakeService:
    """Listens where the speech service does, and writes down what each connection says."""

    def __init__(self, path: Path, reply: bytes = b"") -> None:
        self.said: list[bytes] = []
        self._reply = reply
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        for number in itertools.count():
            connection, _ = self._server.accept()
            with connection:
                self.said.append(b"")
                while came := _heard(connection):
                    self.said[number] += came
                    if b"\r\n.\r\n" in came:
                        with suppress(BrokenPipeError):  # it may have been silenced already
                            connection.sendall(b"208 OK CLIENT NAME SET\r\n225 OK MESSAGE QUEUED\r\n" + self._reply)
                if self.said[number] == b"the end":
                    return

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX) as last:
            last.connect(self._server.getsockname())
            last.sendall(b"the end")
        self._thread.join()
        self._server.close()


@pytest.fixture
def socket_path(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path_factory.mktemp("s") / "speechd.sock"
    monkeypatch.setenv("SPEECHD_ADDRESS", f"unix_socket:{path}")
    return path


@pytest.mark.parametrize(
    ("reply", "failure"),
    [(b"702-7\r\n702-1\r\n702 END\r\n", None), (b"300 MODULE ERROR\r\n", "300 MODULE ERROR")],
)
def test_a_speech_service_says_all_and_tells_how_it_ended(
    qtbot: QtBot, socket_path: Path, reply: bytes, failure: str | None
) -> None:
    service, speaker = FakeService(socket_path, reply), Speaker(Service())
    failed: list[SpyglassError] = []
    speaker.failed.connect(failed.append)
    with qtbot.waitSignal(speaker.speaking, check_params_cb=lambda on: not on, timeout=10_000):
        speaker.say(".\nHello\r\n.\r\nCANCEL ALL", "de")
    service.close()
    commands, _, text = service.said[0].partition(b"SPEAK\r\n")
    assert b"SET SELF LANGUAGE de\r\n" in commands
    assert text == b" .\r\n Hello\r\n .\r\n CANCEL ALL\r\n.\r\n"
    assert [error.detail for error in failed] == ([failure] if failure else [])


def test_silence_is_asked_of_a_speech_service_for_our_own_words_alone(qtbot: QtBot, socket_path: Path) -> None:
    """Others speak through it too, a screen reader above all."""
    service, speaker = FakeService(socket_path), Speaker(Service())
    speaker.say("a long story")
    qtbot.waitUntil(lambda: bool(service.said) and b"long story" in service.said[0], timeout=10_000)
    speaker.say("another")
    speaker.close()
    service.close()
    assert [said.split(b"\r\n.\r\n")[1] for said in service.said[:2]] == [b"CANCEL SELF\r\nQUIT\r\n"] * 2


def test_a_speech_service_that_is_not_there_is_one_sentence(qtbot: QtBot, socket_path: Path) -> None:  # noqa: ARG001
    speaker = Speaker(Service())
    with qtbot.waitSignal(speaker.failed, timeout=10_000):
        speaker.say("hello")
    assert not speaker.on
    speaker.close()


def test_a_speech_service_is_started_where_it_does_not_run(qtbot: QtBot, socket_path: Path, tmp_path: Path) -> None:
    starter = tmp_path / "speech-dispatcher"
    starter.write_text(f'#!/bin/sh\necho "$@" > {tmp_path / "started"}\n')
    starter.chmod(0o755)
    speaker = Speaker(Service(str(starter)))
    speaker.say("hello")
    qtbot.waitUntil((tmp_path / "started").exists, timeout=10_000)
    service = FakeService(socket_path, b"702 END\r\n")
    qtbot.waitUntil(lambda: not speaker.on, timeout=10_000)
    speaker.close()
    service.close()
    assert b"hello" in service.said[0]


# --- in the window ---------------------------------------------------------------------------------------------------


@pytest.fixture
def voice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The window speaks into files in this folder, until it is told to stop."""
    monkeypatch.setattr("app.ui.parts.find", lambda: fake(tmp_path, "--for-ever"))
    return tmp_path


def test_an_answer_is_read_aloud_without_its_marks_until_stopped(voice: Path, window: Window, qtbot: QtBot) -> None:
    words = "Das **rote** Haus steht am Ende der langen Straße, neben dem `alten` Brunnen."
    ask(window, qtbot, script({"do": "say", "text": words}))
    button = window.tools.answer._buttons["speak"][0]
    assert (button.isHidden(), button.accessibleName()) == (False, "Read aloud")
    button.click()
    assert button.accessibleName() == "Stop reading"
    qtbot.waitUntil((voice / "said").exists, timeout=20_000)
    assert (voice / "said").read_text() == " Das rote Haus steht am Ende der langen Straße, neben dem alten Brunnen.\n"
    assert (voice / "arguments").read_text() == "['--for-ever', 'de']"
    button.click()
    assert not window.speaker.on
    assert button.accessibleName() == "Read aloud"


@pytest.mark.usefixtures("voice")
def test_escape_and_a_new_conversation_are_silent(window: Window, qtbot: QtBot) -> None:
    for end in ("escape", "new"):
        turn = ask(window, qtbot, script({"do": "say", "text": "One two three."}))
        window.aloud.toggle(turn)
        qtbot.waitUntil(lambda: window.speaker.on, timeout=20_000)
        window.actions[end].trigger()
        assert not window.speaker.on
        assert window.aloud.turn is None


def test_where_nothing_speaks_nothing_is_offered(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, qtbot: QtBot
) -> None:
    monkeypatch.setattr("app.ui.parts.find", lambda: None)
    window: Window = request.getfixturevalue("window")
    ask(window, qtbot, script({"do": "say", "text": "One two three."}))
    assert window.tools.answer._buttons["speak"][0].isHidden()
    assert window.live.panel._speak.isHidden()
    window.services.store.set("camera.speak", True)
    window.preferences.follow("camera.speak")
    assert window.pane.notice.words.startswith("This system has no program that speaks.")


def test_markdown_is_read_as_words() -> None:
    assert plain("# Title\n\n- one\n- **two**\n\n![x](file:///etc/passwd)") == "Title\none\ntwo\nx"

"""The command line as a person or a script meets it: the real program, the real engine process."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from app import __version__
from app.library.known import KNOWN
from tests import pictures

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-P", "-m", "app"]
PATIENCE_S = 60
SLOW = json.dumps({"answer": [{"do": "say", "text": "and on ", "delay": 0.01, "times": 10000}]})


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


def spyglass(
    *words: str, data: bytes | None = None, program: list[str] = PROGRAM
) -> "subprocess.CompletedProcess[bytes]":
    """Run a command to its end; standard input is empty unless `data` is given."""
    return subprocess.run(
        [*program, *words], input=data or b"", capture_output=True, env=environment(), timeout=PATIENCE_S, check=False
    )


@pytest.fixture
def picture(tmp_path: Path) -> str:
    path = tmp_path / "scene ü.png"
    path.write_bytes(pictures.good()["plain.png"][0])
    return str(path)


def script(*steps: dict[str, Any]) -> str:
    return json.dumps({"answer": steps})


def test_an_answer_goes_to_standard_output_and_nothing_else(picture: str) -> None:
    done = spyglass("ask", picture, "What is this?", "--model", "echo")
    assert done.stdout == b"You showed me a picture of 48 x 32 and asked: What is this?\n"
    assert (done.returncode, done.stderr) == (0, b"")


def test_words_may_stand_before_and_after_options(picture: str) -> None:
    for words in (
        ("--model", "echo", picture, picture, "Hm?"),
        (picture, "--model", "echo", picture, "Hm?"),
        (picture, picture, "--model", "echo", "Hm?"),
    ):
        assert spyglass("ask", *words).stdout.endswith(b"and asked: Hm?\n")


def test_a_picture_comes_through_a_pipe(picture: str) -> None:
    done = spyglass("ask", "-", "Hm?", "--model", "echo", data=Path(picture).read_bytes())
    assert done.stdout == b"You showed me a picture of 48 x 32 and asked: Hm?\n"


def test_json_holds_answer_probabilities_and_figures(picture: str) -> None:
    done = spyglass("ask", picture, "Hm?", "--model", "echo", "--json")
    answer = json.loads(done.stdout)
    assert answer["answer"] == "You showed me a picture of 48 x 32 and asked: Hm?"
    assert "".join(piece["text"] for piece in answer["pieces"]) == answer["answer"]
    assert {piece["probability"] for piece in answer["pieces"]} == {0.9}
    assert (answer["reason"], answer["stats"]["pictures"]) == ("stop", 1)
    assert answer["stats"]["written_tokens"] == len(answer["pieces"])


def test_settings_hold_and_options_win(picture: str) -> None:
    config = Path(os.environ["SPYGLASS_HOME"]) / "config"
    config.mkdir(parents=True)
    settings = {"model.path": "echo", "answer.temperature": "hot"}
    (config / "settings.json").write_text(json.dumps({"version": 1, "settings": settings}))
    done = spyglass("ask", picture, "Hm?")
    assert done.stdout.endswith(b"asked: Hm?\n")
    assert b"answer.temperature must be a number" in done.stderr
    assert spyglass("ask", picture, "Hm?", "--model", "gone.gguf").returncode == 4


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ((), 2, "A picture and a question are needed."),
        (("{picture}",), 2, "A picture and a question are needed."),
        (("gone.png", "Hm?"), 3, "There is no file gone.png."),
        (("/", "Hm?"), 3, "/ is a folder."),
        (("https://example.org/a.png", "Hm?"), 3, "Spyglass does not fetch pictures"),
        (("-", "Hm?"), 3, "standard input is empty."),
        (("-", "-", "Hm?"), 2, "Standard input can be read only once."),
        (("{picture}", "Hm?", "--model", "gone.gguf"), 4, "There is no model file gone.gguf."),
        (("{picture}", "Hm?", "--model", "{picture}"), 4, "The model file scene ü.png is damaged"),
        (
            ("{picture}", "Hm?", "--temperature", "9"),
            2,
            "--temperature must be between 0.0 and 2.0.",
        ),
        (("{picture}", " "), 2, "The question is empty."),
        (("What is this?", "{picture}"), 2, "The question comes last, after the pictures."),
        (("{picture}", "Hm?", "--temperature", "warm"), 2, "Argument --temperature: invalid float value: 'warm'."),
        (("{picture}", "Hm?", "--turbo"), 2, "Unknown: --turbo."),
    ],
)
def test_mistakes_end_in_one_line_and_a_status(picture: str, words: tuple[str, ...], status: int, message: str) -> None:
    done = spyglass("ask", "--model", "echo", *(word.format(picture=picture) for word in words))
    assert (done.returncode, done.stdout) == (status, b"")
    assert done.stderr.decode().startswith(f"spyglass: {message}")
    assert done.stderr.count(b"\n") == 1


def test_json_says_what_went_wrong_before_the_engine_was_asked() -> None:
    done = spyglass("ask", "gone.png", "Hm?", "--model", "echo", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["error"]["kind"], told["answer"]) == (3, "PictureError", "")


@pytest.mark.parametrize("name", ["empty.png", "drawing.png", "bomb.png", "cut.jpeg"])
def test_a_bad_picture_is_refused_before_a_model_is_loaded(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(pictures.bad()[name]())
    done = spyglass("ask", str(tmp_path / name), "Hm?", "--model", "echo")
    assert (done.returncode, done.stdout) == (3, b"")
    assert f"spyglass: {name} " in done.stderr.decode()


def test_an_engine_that_dies_keeps_the_words_and_says_so(picture: str) -> None:
    dying = script({"do": "say", "text": "Half an "}, {"do": "signal", "name": "SIGSEGV"})
    done = spyglass("ask", picture, dying, "--model", "echo")
    assert done.returncode == 6
    assert done.stdout.rstrip() == b"Half an"
    assert b"Traceback" not in done.stderr
    done = spyglass("ask", picture, dying, "--model", "echo", "--json")
    answer = json.loads(done.stdout)
    assert (answer["answer"].rstrip(), answer["error"]["kind"]) == ("Half an", "EngineError")


def test_a_model_cannot_steer_the_terminal(picture: str) -> None:
    done = spyglass("ask", picture, script({"do": "say", "text": "a\x1b[2J\x07b\tc\n"}), "--model", "echo")
    assert done.stdout == b"a[2Jb\tc\n"


def test_ctrl_c_ends_the_answer_and_the_engine(picture: str) -> None:
    with subprocess.Popen(
        [*PROGRAM, "ask", picture, SLOW, "--model", "echo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(3) == b"and"
        engines = psutil.Process(process.pid).children()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (130, b"")
    assert len(engines) == 1
    assert not psutil.wait_procs(engines, PATIENCE_S)[1]


def test_a_reader_that_goes_away_is_no_failure(picture: str) -> None:
    with subprocess.Popen(
        [*PROGRAM, "ask", picture, SLOW, "--model", "echo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(3) == b"and"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE_S) == 141


def test_an_output_that_cannot_be_written_is_one_line(picture: str) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*PROGRAM, "ask", picture, "Hm?", "--model", "echo"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            timeout=PATIENCE_S,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"spyglass: The output cannot be written. Check where it is sent.\n")


def test_progress_is_shown_on_a_terminal_and_cleared(picture: str) -> None:
    looking = script({"do": "look", "seconds": 0.05}, {"do": "say", "text": "Done."})
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*PROGRAM, "ask", picture, looking, "--model", "echo"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=environment(),
    ) as process:
        out, _ = process.communicate(timeout=PATIENCE_S)
    os.close(theirs)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert out == b"Done.\n"
    assert re.search(r"Looking at the picture: \d+%", shown)
    assert shown.endswith("\r\x1b[K")


def test_it_runs_without_qt(picture: str, tmp_path: Path) -> None:
    """The same program where importing Qt fails, as on a machine without it."""
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "sitecustomize.py").write_text(
        "import sys\nsys.modules['PySide6'] = sys.modules['shiboken6'] = None\n"
    )
    blocked = environment()
    blocked["PYTHONPATH"] = os.pathsep.join((str(tmp_path / "blocked"), blocked["PYTHONPATH"]))
    for words in (("ask", picture, "Hm?", "--model", "echo"), ("doctor",), ("models", "list")):
        done = subprocess.run([*PROGRAM, *words], capture_output=True, env=blocked, timeout=PATIENCE_S, check=False)
        assert done.returncode == 0, done.stderr.decode()
    done = subprocess.run(
        [sys.executable, "-c", "import PySide6"], capture_output=True, env=blocked, timeout=PATIENCE_S, check=False
    )
    assert b"ModuleNotFoundError" in done.stderr


def test_doctor_knows_program_machine_engine_and_models() -> None:
    done = spyglass("doctor", "--json")
    found = json.loads(done.stdout)
    assert found["program"]["spyglass"] == __version__
    assert found["machine"]["free"] > 0
    assert found["engine"]["threads"] >= 1
    assert found["engine"]["devices"]
    text = spyglass("doctor").stdout.decode()
    for title in ("Program\n", "Machine\n", "Engine\n", "Models\n"):
        assert title in text


def test_the_models_that_can_be_fetched_are_named() -> None:
    names = [line.partition(b"\t")[0].decode() for line in spyglass("models", "fetch").stdout.splitlines()]
    assert names == [known.name for known in KNOWN if not known.checkpoint]
    done = spyglass("models", "fetch", "llama-3.2-vision-11b")
    assert done.returncode == 2
    assert names[0] in done.stderr.decode()


def test_models_are_listed_with_what_is_wrong_with_them() -> None:
    folder = Path(os.environ["SPYGLASS_HOME"]) / "data" / "models"
    folder.mkdir(parents=True)
    (folder / "broken.gguf").write_bytes(b"GGUF")
    done = spyglass("models", "list")
    assert "broken\tThe model file broken.gguf is damaged or is not a GGUF file.\n" in done.stdout.decode()
    listed = json.loads(spyglass("models", "list", "--json").stdout)
    assert "broken" in {model["name"] for model in listed}


def test_a_checkpoint_is_converted_and_then_listed_and_requantised() -> None:
    folder = Path(os.environ["SPYGLASS_HOME"]) / "data" / "models"
    folder.mkdir(parents=True)
    checkpoint = str(ROOT / "tests" / "data" / "tiny-llama-3.2-vision")
    done = spyglass("models", "convert", checkpoint, str(folder / "tiny.gguf"), "--type", "f16")
    assert (done.returncode, done.stdout) == (0, b"")
    assert b"tiny.gguf is written" in done.stderr
    done = spyglass("models", "requantise", str(folder / "tiny.gguf"), str(folder / "small.gguf"), "--type", "q8_0")
    assert done.returncode == 0
    sizes = {model["name"]: model["size"] for model in json.loads(spyglass("models", "list", "--json").stdout)}
    assert 0 < sizes["small"] < sizes["tiny"]
    for wrong in (("gone", "x.gguf"), (checkpoint, str(folder / "x.gguf"), "--type", "Q1")):
        done = spyglass("models", "convert", *wrong)
        assert done.returncode in (2, 4)
        assert done.stderr.startswith(b"spyglass: ")
        assert not (folder / "x.gguf").exists()


def test_version_and_help() -> None:
    assert spyglass("--version").stdout.decode() == f"Spyglass {__version__}\n"
    for words in (("--help",), ("ask", "--help"), ("models", "convert", "--help")):
        done = spyglass(*words)
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"usage: spyglass" in done.stdout
    done = spyglass("paint")
    assert done.returncode == 2
    assert done.stderr.startswith(b"spyglass: There is no command 'paint'; choose from ")

"""The command, with the real engine process playing a script."""

import json
import re
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from app.capture.camera import Camera, Patience
from app.cli import main
from app.cli.found import Printer
from app.errors import CameraError
from tests.video import Scene, Script, Thing

ANSWER = '{"objects":[{"name":"star","count":1,"boxes":[[100,200,300,400]]},{"name":"cup","count":2}]}'


@pytest.fixture(autouse=True)
def _no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program opens its log once; here it starts many times."""
    monkeypatch.setattr("app.cli.log.start", lambda *_: None)


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A model that always names the same things."""
    script = {"answer": [{"do": "say", "text": ANSWER, "probability": 0.5}]}
    (tmp_path / "script.json").write_text(json.dumps(script))
    return f"echo:{tmp_path / 'script.json'}"


@pytest.fixture
def picture(tmp_path: Path) -> str:
    path = tmp_path / "desk.png"
    cv2.imwrite(str(path), np.full((60, 80, 3), 90, np.uint8))
    return str(path)


@pytest.fixture
def video(tmp_path: Path) -> str:
    scenes = (Scene(0, (Thing("star", 0, 9, (0.3, 0.5)),), 3), Scene(0.6, (Thing("circle", 0, 9, (0.6, 0.5)),), 8))
    return str(Script(scenes, 1.2, (320, 180)).write(tmp_path / "desk.avi"))


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_picture_in_words(model: str, picture: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recognise", "--model", model, picture]) == 0
    assert capsys.readouterr().out == "star, 2 × cup\n"


def test_a_picture_as_json(model: str, picture: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recognise", "--json", "--model", model, picture]) == 0
    (line,) = lines(capsys)
    assert line["source"] == picture
    assert [(o["name"], o["count"], o.get("box")) for o in line["objects"]] == [
        ("star", 1, [100, 200, 300, 400]),
        ("cup", 2, None),
    ]
    assert 0 < line["objects"][0]["probability"] <= 0.5
    assert "time" not in line


def test_a_video_gives_a_line_for_every_scene(model: str, video: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recognise", "--json", "--model", model, video]) == 0
    times = [line["time"] for line in lines(capsys)]
    assert times == pytest.approx([0.1, 0.73], abs=0.1)


def test_watching_a_video_keeps_what_is_news(tmp_path: Path, video: str, capsys: pytest.CaptureFixture[str]) -> None:
    keep = tmp_path / "kept"
    assert main(["recognise", "--json", "--model", "echo", "--watch", "a star", "--keep", str(keep), video]) == 0
    told = lines(capsys)
    assert [(line["yes"], line["news"]) for line in told] == [(True, True), (True, False)]
    kept = cv2.imread(told[0]["picture"])
    assert kept is not None
    assert kept.shape == (180, 320, 3)
    assert len(list(keep.iterdir())) == 1


def test_a_watch_goes_on_when_a_frame_cannot_be_saved(
    tmp_path: Path, video: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.cli.found.Path.write_bytes", full)
    assert main(["recognise", "--json", "--model", "echo", "--watch", "a star", "--keep", str(tmp_path), video]) == 0
    captured = capsys.readouterr()
    assert [json.loads(line)["yes"] for line in captured.out.splitlines()] == [True, True]
    assert "could not be saved. Check the folder and the disk. (No space left on device)" in captured.err


def test_watching_a_picture(picture: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recognise", "--model", "echo", "--watch", "a star", picture]) == 0
    assert capsys.readouterr().out.startswith("Yes: a star (9")


def test_every_picture_of_a_folder(tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One that is damaged is no reason to leave out the rest."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    frame = Script((Scene(0, (Thing("star", 0, 9, (0.3, 0.5)),), 3),), 1, (320, 180)).frame(0)
    for name in ("c.png", "a.png"):
        cv2.imwrite(str(folder / name), frame)
    (folder / "b.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("nothing")
    assert main(["recognise", "--json", "--model", model, str(folder)]) == 3
    captured = capsys.readouterr()
    told = [json.loads(line) for line in captured.out.splitlines()]
    assert [Path(line["source"]).name for line in told] == ["a.png", "c.png"]
    assert all([o["name"] for o in line["objects"]] == ["star", "cup"] for line in told)
    assert "b.png" in captured.err


def test_of_several_sources_each_line_says_which(
    tmp_path: Path, model: str, picture: str, video: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what cannot be read is no reason to leave out the rest."""
    (tmp_path / "text.mp4").write_text("no video")
    assert main(["recognise", "--model", model, str(tmp_path / "text.mp4"), picture, "missing.png", video]) == 7
    captured = capsys.readouterr()
    assert [line.split(": ")[0] for line in captured.out.splitlines()] == [picture, video, video]
    assert captured.err.count("spyglass: ") == 2


def test_what_a_camera_sees_until_it_ends(tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    video = Script((Scene(0, (Thing("star", 0, 99, (0.3, 0.5)),), 3),), 4, (320, 180)).write(tmp_path / "a.avi")
    assert main(["recognise", "--json", "--model", model, f"camera:{video}"]) == 0
    captured = capsys.readouterr()
    first = json.loads(captured.out.splitlines()[0])
    assert [o["name"] for o in first["objects"]] == ["star", "cup"]
    assert 0 <= first["time"] < 5
    age = datetime.now().astimezone() - datetime.fromisoformat(first["clock"])
    assert timedelta() <= age < timedelta(minutes=2)
    assert "The video has ended" in captured.err


def test_a_person_is_told_when_a_camera_saw_it(tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    video = Script((Scene(0, (Thing("star", 0, 99, (0.3, 0.5)),), 3),), 4, (320, 180)).write(tmp_path / "a.avi")
    assert main(["recognise", "--model", model, f"camera:{video}"]) == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  star, 2 × cup", line)


class Shaky:
    """A camera that breaks after every five frames, `breaks` times, but for the first time not before it is `told` what
    it shows; then it works, or cannot be opened any more.

    Once that has been seen a while, its clock says that much time is over.
    """

    def __init__(self, breaks: int, heals: bool) -> None:
        self._breaks, self._heals = breaks, heals
        self._opened = self._read = self._last = 0
        self.told = False

    def monotonic(self) -> float:
        return time.monotonic() + (200 if self._last > 20 else 0)

    def open(self) -> "Shaky":
        self._opened, self._read = self._opened + 1, 0
        if self._opened > self._breaks and not self._heals:
            self._last += 7
            raise CameraError("Nothing answers.", "Check the address.")
        return self

    def read(self) -> np.ndarray:
        time.sleep(0.02)
        self._read += 1
        if self._opened > self._breaks:
            self._last += 1
        elif self._read > 5 and self.told:
            raise CameraError("The stream broke off.", "Check the camera.")
        return np.full((60, 80, 3), 90, np.uint8)

    def close(self) -> None: ...


@pytest.mark.parametrize(("breaks", "heals", "status"), [(3, True, 0), (1, False, 7), (3, False, 7)])
def test_a_camera_that_breaks_is_said_once_and_fails_if_it_does_not_come_back(
    breaks: int,
    heals: bool,
    status: int,
    model: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And what was seen before the time was up is still told."""
    shaky = Shaky(breaks, heals)

    def camera(_: str, *__: object, **listeners: Any) -> Camera:
        return Camera(shaky.open, patience=Patience(pauses_s=(0.01,)), **listeners)

    def tell(printer: Printer, *seen: Any) -> None:
        shaky.told = True
        printing(printer, *seen)

    printing = Printer.tell
    monkeypatch.setattr(Printer, "tell", tell)
    monkeypatch.setattr("app.cli.camera.Camera", camera)
    monkeypatch.setattr("app.cli.camera.time", shaky)
    assert main(["recognise", "--json", "--model", model, "--seconds", "100", "camera"]) == status
    captured = capsys.readouterr()
    assert [o["name"] for o in json.loads(captured.out.splitlines()[0])["objects"]] == ["star", "cup"]
    assert captured.err == "spyglass: The stream broke off. Check the camera.\n"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["missing.png"], 3, "no file missing.png"),
        (["tests"], 3, "There is no picture in tests"),
        (["camera:No such camera"], 7, "No camera was found|There is no camera called"),
        (["ftp://host/x"], 7, 'cannot read "ftp" streams'),
        (["http://127.0.0.1:9/x"], 7, r"answers at 127\.0\.0\.1"),
        (["--watch", " ", "x.png"], 2, "not said what to watch for"),
        (["--seconds", "-3", "camera"], 2, "'-3' is no time"),
        ([], 2, "SOURCE"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    words: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recognise", "--model", "echo", *words]) == status
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.search(said, captured.err), captured.err
    assert captured.err.count("\n") == 1


def test_a_file_that_is_no_video(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "v.avi").write_bytes(b"not a video")
    assert main(["recognise", "--model", "echo", str(tmp_path / "v.avi")]) == 7
    assert "not a video" in capsys.readouterr().err


@pytest.mark.parametrize("camera", [False, True])
def test_a_model_that_fails_is_said(
    tmp_path: Path, picture: str, camera: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    script = {"answer": [{"do": "exit", "status": 3}]}
    (tmp_path / "bad.json").write_text(json.dumps(script))
    source = f"camera:{tmp_path}" if camera else picture
    assert main(["recognise", "--model", f"echo:{tmp_path / 'bad.json'}", source]) == 6
    assert capsys.readouterr().err.startswith("spyglass: ")

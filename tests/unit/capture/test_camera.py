"""The camera against sources that hang, break, lie, end and come back."""

import http.client
import http.server
import io
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from app.capture import camera as camera_module
from app.capture.camera import Camera, CameraInfo, Frame, Patience, State, Status
from app.capture.sources import Absent, Ended, FolderSource, Source, VideoSource, devices, opener, streams
from app.errors import CameraError

QUICK = Patience(open_s=0.15, stall_s=0.15, pauses_s=(0.01, 0.02))
BROKEN = CameraError("It broke.", "Mend it.")
Step = np.ndarray | Exception | Callable[[], None]


def picture(value: int, width: int = 64, height: int = 48) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


class Scripted:
    """Openings one after the other, each a list of frames, errors, and functions to call before the next step."""

    def __init__(self, *openings: list[Step] | Exception) -> None:
        self.openings = list(openings)
        self.closed = 0

    def __call__(self) -> "Scripted._Opening":
        script = self.openings.pop(0) if len(self.openings) > 1 else self.openings[0]
        if isinstance(script, Exception):
            raise script
        return Scripted._Opening(self, list(script))

    class _Opening:
        def __init__(self, whole: "Scripted", steps: list[Step]) -> None:
            self._whole = whole
            self._steps = steps

        def read(self) -> np.ndarray:
            while True:
                step = self._steps.pop(0) if self._steps else Ended()
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, np.ndarray):
                    return step
                step()

        def close(self) -> None:
            self._whole.closed += 1


class Watched:
    """A camera whose frames and words are kept."""

    def __init__(self, source: object, **options: object) -> None:
        self.frames: list[Frame] = []
        self.statuses: list[Status] = []
        self._news = threading.Condition()
        options = {"patience": QUICK, **options}
        self.camera = Camera(source, on_frame=self._frame, on_status=self._status, **options)

    def _frame(self, frame: Frame) -> None:
        with self._news:
            self.frames.append(frame)
            self._news.notify_all()

    def _status(self, status: Status) -> None:
        with self._news:
            self.statuses.append(status)
            self._news.notify_all()

    def until(self, happened: Callable[[], bool], timeout: float = 5.0) -> None:
        with self._news:
            assert self._news.wait_for(happened, timeout), (self.statuses, len(self.frames))

    def until_state(self, state: State) -> Status:
        self.until(lambda: any(s.state is state for s in self.statuses))
        return next(s for s in self.statuses if s.state is state)

    def states(self) -> list[State]:
        return [s.state for s in self.statuses]


def test_the_newest_frame_wins() -> None:
    inside, go_on = threading.Event(), threading.Event()
    source = Scripted([picture(1), picture(2), picture(3), lambda: (inside.set(), go_on.wait(5))[0]])
    with Camera(source, patience=Patience()) as camera:
        assert inside.wait(5)
        newest = camera.latest()
        assert newest is not None
        assert (newest.number, int(newest.rgb[0, 0, 0])) == (3, 3)
        assert camera.wait(after=3, timeout=0.01) is None
        go_on.set()
        assert camera.wait(after=3) is None  # the video ended
        assert camera.status.state is State.GONE
    assert camera.status.state is State.GONE
    assert source.closed == 1


def test_a_source_that_fails_even_to_close_is_opened_again_at_once() -> None:
    class Stubborn:
        def read(self) -> np.ndarray:
            raise BROKEN

        def close(self) -> None:
            raise RuntimeError("the driver is gone")

    openings = iter([Stubborn(), Scripted([picture(1)])()])
    watched = Watched(lambda: next(openings), patience=Patience(open_s=60, stall_s=60, pauses_s=(0.01,)))
    with watched.camera:
        watched.until(lambda: len(watched.frames) == 1)


def test_frames_are_rgb_turned_and_mirrored() -> None:
    raw = np.zeros((2, 3, 3), np.uint8)
    raw[0, 0] = (1, 2, 3)
    watched = Watched(Scripted([raw]), rotate=90, mirror=True)
    with watched.camera:
        watched.until_state(State.GONE)
    rgb = watched.frames[0].rgb
    assert rgb.shape == (3, 2, 3)
    # Turned clockwise the corner goes to the right, mirrored it comes back to the left.
    assert rgb[0, 0].tolist() == [3, 2, 1]
    with pytest.raises(ValueError, match="read-only"):
        rgb[0, 0] = 0


def test_a_source_that_breaks_is_opened_again() -> None:
    watched = Watched(Scripted([picture(1), BROKEN], BROKEN, BROKEN, [picture(2)]))
    with watched.camera:
        watched.until_state(State.GONE)
    assert [f.number for f in watched.frames] == [1, 2]
    told = [s for s in watched.statuses if s.state is State.REOPENING]
    assert told[0].error is BROKEN
    assert watched.states()[0] is State.LIVE
    assert watched.states()[-2:] == [State.LIVE, State.GONE]


def test_a_camera_that_is_closed_says_nothing_else() -> None:
    inside, go_on = threading.Event(), threading.Event()
    watched = Watched(Scripted([picture(1), lambda: (inside.set(), go_on.wait(5))[0]]), patience=Patience())
    watched.camera.start()
    assert inside.wait(5)
    watched.camera.stop()
    go_on.set()
    assert watched.camera.close()
    assert watched.states() == [State.LIVE, State.CLOSED]


def test_a_hanging_read_is_said_and_abandoned() -> None:
    let_go = threading.Event()
    late = [lambda: (let_go.wait(10), None)[1], picture(66), picture(66)]
    watched = Watched(Scripted([picture(1), *late], [picture(2), lambda: (let_go.wait(10), None)[1]]))
    with watched.camera:
        stalled = watched.until_state(State.STALLED)
        assert "no picture" in stalled.words
        assert stalled.error is not None
        watched.until(lambda: len(watched.frames) == 2)
        let_go.set()
        watched.until_state(State.GONE)
    # What the abandoned reader still delivered went nowhere.
    assert [int(f.rgb[0, 0, 0]) for f in watched.frames] == [1, 2]


def test_a_busy_machine_is_not_called_a_broken_cable() -> None:
    """What a frame's listener takes is not the camera's fault, and a video would begin anew."""
    frames: list[int] = []
    statuses: list[Status] = []

    def listen(frame: Frame) -> None:
        frames.append(int(frame.rgb[0, 0, 0]))
        if len(frames) == 1:
            time.sleep(1.0)

    source = Scripted([picture(1), picture(2)])
    with Camera(source, on_frame=listen, on_status=statuses.append, patience=Patience(stall_s=0.4)) as camera:
        assert camera.wait(after=2, timeout=10) is None
    assert frames == [1, 2]
    assert [s.state for s in statuses] == [State.LIVE, State.GONE]


def test_a_driver_that_always_hangs_does_not_collect_threads() -> None:
    let_go, opened = threading.Event(), threading.Semaphore(0)

    def hang() -> Source:
        opened.release()
        let_go.wait(20)
        raise BROKEN

    with Camera(hang, patience=Patience(0.02, 0.02, (0.01,))) as camera:
        for _ in range(3):
            assert opened.acquire(timeout=5)
        assert not opened.acquire(timeout=0.3)
        assert not camera.close(timeout=0.05)
        let_go.set()
        assert camera.close()
    assert camera.status.state is State.CLOSED


@pytest.mark.parametrize(
    "lie",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4,), np.uint8),
        np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (10000, 10000, 3)),
    ],
)
def test_something_that_is_no_picture_is_refused(lie: np.ndarray) -> None:
    watched = Watched(Scripted([lie], [picture(1)]))
    with watched.camera:
        watched.until_state(State.GONE)
    assert len(watched.frames) == 1
    assert "not a picture" in watched.statuses[0].words


def test_grey_and_transparent_frames_and_a_new_size_are_welcome() -> None:
    odd = [np.full((4, 6), 9, np.uint8), np.full((8, 2, 4), 9, np.uint8), picture(9, 100, 50)]
    watched = Watched(Scripted(list(odd)))
    with watched.camera:
        watched.until_state(State.GONE)
    assert [f.rgb.shape for f in watched.frames] == [(4, 6, 3), (8, 2, 3), (50, 100, 3)]
    assert all(int(f.rgb.max()) == 9 for f in watched.frames)


def test_a_listener_that_fails_does_not_stop_the_camera() -> None:
    def fail(_: Frame) -> None:
        raise RuntimeError

    with Camera(Scripted([picture(1), picture(2)]), on_frame=fail) as camera:
        assert camera.wait(after=1) is not None


def test_unplugged_and_plugged_in_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The camera comes back under another number and is found by its name."""
    plugged = [CameraInfo("Eye", 0, 0, "/nowhere/video0")]
    pulled = threading.Event()
    opened: list[int] = []

    class Device:
        def __init__(self, index: int, *_: object) -> None:
            opened.append(index)

        def isOpened(self) -> bool:
            return True

        def set(self, *_: object) -> None: ...

        def release(self) -> None: ...

        def read(self) -> tuple[bool, np.ndarray | None]:
            time.sleep(0.001)
            return (False, None) if pulled.is_set() and opened[-1] == 0 else (True, picture(opened[-1] + 1))

    monkeypatch.setattr(devices, "cameras", lambda: list(plugged))
    monkeypatch.setattr(cv2, "VideoCapture", Device)
    watched = Watched(plugged[0])
    with watched.camera:
        watched.until(lambda: len(watched.frames) > 2)
        plugged.clear()
        pulled.set()
        gone = watched.until_state(State.GONE)
        assert gone.words == 'The camera "Eye" is not there.'
        plugged.append(CameraInfo("Eye", 2, 0, "/nowhere/video2"))
        watched.until(lambda: int(watched.frames[-1].rgb[0, 0, 0]) == 3)
    assert opened == [0, 2]


def test_no_camera_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "cameras", list)
    with Camera("") as camera, pytest.raises(CameraError) as caught:
        camera.wait()
    assert caught.value.what == "No camera was found."
    assert camera.latest() is None


def test_cameras_lists_what_is_there() -> None:
    assert all(isinstance(info, CameraInfo) for info in camera_module.cameras())


def test_a_camera_is_found_by_name_number_or_part() -> None:
    infos = [CameraInfo("Front 2", 0, 200), CameraInfo("Back", 2, 200)]
    assert devices._pick("", infos).index == 0
    assert devices._pick("Back", infos).index == 2
    assert devices._pick("2", infos).index == 2
    assert devices._pick("front", infos).index == 0
    with pytest.raises(Absent, match='"Front 2", "Back"'):
        devices._pick("side", infos)


def test_permission_and_busy_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    info = CameraInfo("Eye", 0, 200, "/dev/video-of-a-test")
    for error, words in ((PermissionError(13, "no"), "may not use"), (OSError(16, "busy"), "is busy")):
        monkeypatch.setattr(devices.os, "open", _raising(error))
        with pytest.raises(CameraError, match=words):
            devices._may_open(info)
    monkeypatch.undo()
    with pytest.raises(Absent, match="unplugged"):
        devices._may_open(info)


def _raising(error: Exception) -> Callable[..., int]:
    def fail(*_: object) -> int:
        raise error

    return fail


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("ftp://host/x", 'cannot read "ftp" streams'),
        ("rtsp://", "names no machine"),
        ("http://[::1/", "names no machine"),
        ("missing.mp4", "no file or folder"),
        ("some/where", "no file or folder"),
    ],
)
def test_a_source_that_cannot_exist_is_refused_at_once(source: str, words: str) -> None:
    with pytest.raises(CameraError, match=words):
        opener(source)


# --- real files and a real stream -----------------------------------------------------------------------------------


def write_video(path: Path, frames: int = 30, fps: float = 30.0) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (64, 48))
    for i in range(frames):
        writer.write(picture(i * 8))
    writer.release()
    return path


def test_a_video_file_keeps_its_own_time(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.avi", frames=15)
    watched = Watched(str(path), patience=Patience())
    begin = time.monotonic()
    with watched.camera:
        watched.until_state(State.GONE)
    assert time.monotonic() - begin >= 14 / 30
    assert watched.statuses[-1].words == "The video has ended"
    assert int(watched.frames[-1].rgb[0, 0, 0]) == pytest.approx(14 * 8, abs=4)


def test_a_machine_too_slow_for_a_video_shows_it_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would catch up for ever, send nothing, and be taken for a stalled camera."""
    source = VideoSource(write_video(tmp_path / "v.avi", frames=2))
    now, passed = [source._start + 100.0], []

    class Slow:
        def grab(self) -> bool:
            passed.append(now[0])
            now[0] += 0.2
            return True

        def read(self) -> tuple[bool, np.ndarray]:
            return True, picture(7)

    source.close()
    source._capture = Slow()
    monkeypatch.setattr("app.capture.sources.files.time.monotonic", lambda: now[0])
    assert source.read()[0, 0, 0] == 7
    assert len(passed) == 3


def test_a_video_read_without_pace_gives_every_frame_and_its_time(tmp_path: Path) -> None:
    source = VideoSource(write_video(tmp_path / "v.avi", frames=20), paced=False)
    seen = [(int(source.read()[0, 0, 0]), source.position) for _ in range(20)]
    with pytest.raises(Ended):
        source.read()
    source.close()
    assert [value for value, _ in seen] == pytest.approx([min(i * 8, 255) for i in range(20)], abs=4)
    assert [at for _, at in seen] == pytest.approx([i / 30 for i in range(20)])


@pytest.mark.parametrize("content", [b"", b"not a video at all", b"RIFF\xff\xff\xff\xffAVI LIST\xff\xff\xff\x7fhdrl"])
def test_a_file_that_is_no_video(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "v.avi").write_bytes(content)
    with Camera(str(tmp_path / "v.avi"), patience=QUICK) as camera:
        with pytest.raises(CameraError, match="not a video"):
            camera.wait()
        assert camera.status.state is State.GONE, "nobody waits for a file to become one"


def test_a_folder_of_pictures(tmp_path: Path) -> None:
    for i in range(2):
        cv2.imwrite(str(tmp_path / f"{i}.png"), picture(100 + i, 10 + i))
    (tmp_path / "notes.txt").write_text("no picture")
    watched = Watched(lambda: FolderSource(tmp_path, 5.0), patience=Patience())
    with watched.camera:
        watched.until_state(State.GONE)
    seen = [(f.rgb.shape[1], int(f.rgb[0, 0, 0])) for f in watched.frames]
    assert sorted(set(seen)) == [(10, 100), (11, 101)]
    assert len(seen) >= 3


def test_a_folder_can_be_named_as_a_camera(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), picture(7))
    with Camera(str(tmp_path)) as camera:
        frame = camera.wait()
    assert frame is not None
    assert int(frame.rgb[0, 0, 0]) == 7


def test_an_empty_folder_and_a_broken_picture(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="no picture"):
        FolderSource(tmp_path, 1)
    (tmp_path / "a.png").write_bytes(b"\x89PNG broken")
    with pytest.raises(CameraError, match="not a picture"):
        FolderSource(tmp_path, 1).read()


class Phone(http.server.BaseHTTPRequestHandler):
    """MJPEG over HTTP as phones send it: it changes its size in the middle and ignores what was asked."""

    rest: threading.Event

    def do_GET(self) -> None:
        self.send_response(200 if self.headers["Authorization"] == "Basic c29tZW9uZTpzZWNyZXQ=" else 401)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        try:
            for width, height in ((64, 48), (80, 96)):
                for _ in range(40):
                    jpeg = cv2.imencode(".jpg", picture(200, width, height))[1].tobytes()
                    length = f"Content-Length: {len(jpeg)}\r\n" if self.path == "/measured" else ""
                    head = f"--frame\r\nContent-Type: image/jpeg\r\n{length}\r\n"
                    self.wfile.write(head.encode() + jpeg + b"\r\n")
            self.rest.wait(10)
        except OSError:
            pass  # the reader hung up, as it should

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def phone() -> Iterator[str]:
    Phone.rest = threading.Event()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Phone)
    thread = threading.Thread(target=server.serve_forever, name="phone")
    thread.start()
    yield f"http://someone:secret@127.0.0.1:{server.server_port}"
    Phone.rest.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("path", ["measured", "unmeasured"])
def test_a_phone_as_a_camera(phone: str, path: str) -> None:
    watched = Watched(f"{phone}/{path}", patience=Patience(open_s=10, stall_s=0.4, pauses_s=(30,)))
    with watched.camera:
        watched.until(lambda: len(watched.frames) == 80, timeout=20)
        stalled = watched.until_state(State.STALLED)
        Phone.rest.set()
    assert [f.rgb.shape[:2] for f in watched.frames] == [(48, 64)] * 40 + [(96, 80)] * 40
    assert "secret" not in stalled.words
    assert int(watched.frames[0].rgb.mean()) == pytest.approx(200, abs=4)


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl, which makes the phone's certificate, is missing")
@pytest.mark.usefixtures("phone")
def test_a_phone_that_signs_its_own_certificate(tmp_path: Path) -> None:
    """Its frames are not stretched either."""
    made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=phone"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "certificate.pem")]
    subprocess.run(["openssl", *made, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Phone)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, name="safe phone")
    thread.start()
    watched = Watched(f"https://someone:secret@127.0.0.1:{server.server_port}/measured", patience=Patience(open_s=10))
    with watched.camera:
        watched.until(lambda: len(watched.frames) >= 80, timeout=20)
        Phone.rest.set()
    server.shutdown()
    thread.join()
    server.server_close()
    assert {f.rgb.shape[:2] for f in watched.frames[:80]} == {(48, 64), (96, 80)}


def test_a_phone_that_wants_a_password(phone: str) -> None:
    camera = Camera(phone.replace("secret", "guess"), patience=Patience(open_s=10))
    with camera, pytest.raises(CameraError, match="wants a password"):
        camera.wait()


def claims(side: int) -> bytes:
    """A small JPEG that says it is a square of that side."""
    jpeg = cv2.imencode(".jpg", picture(200, 64, 48))[1].tobytes()
    head, rest = jpeg.split(b"\xff\xc0", 1)  # start of frame: length (2), precision (1), height and width (2 each)
    return head + b"\xff\xc0" + rest[:3] + side.to_bytes(2) * 2 + rest[7:]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--frame\r\nContent-Length: -5\r\n\r\n",
        b"--frame\r\nContent-Length: 99999999999\r\n\r\n",
        b"--frame\r\nContent-Length: many\r\n\r\n",
        b"--frame\r\n\r\nnever an end",
        b"--frame\r\nContent-Length: 3\r\n\r\nabc\r\n" * 9,
        (b"--frame\r\n\r\n" + claims(65_000) + b"\r\n") * 9,
        (b"--frame\r\n\r\n" + claims(8_000) + b"\r\n") * 9,
        b"x\r\n" * 100,
    ],
)
def test_a_stream_of_rubbish_is_a_broken_stream(body: bytes) -> None:
    response = http.client.HTTPResponse(_Wire(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body))
    response.begin()
    source = streams.MjpegSource(http.client.HTTPConnection("phone"), response, b"frame", "phone")
    with pytest.raises(CameraError, match="from phone broke off"):
        source.read()
    source.close()


class _Wire:
    """A socket, as far as http.client looks."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self._data)


def test_a_stream_nobody_answers_does_not_show_its_password() -> None:
    camera = Camera("http://someone:secret@127.0.0.1:9/video", patience=QUICK)
    with camera, pytest.raises(CameraError, match=r"answers at 127\.0\.0\.1") as caught:
        camera.wait()
    assert "secret" not in f"{caught.value} {caught.value.detail}"


# --- hours in seconds ------------------------------------------------------------------------------------------------


def test_a_bad_hour_costs_no_memory_and_no_thread() -> None:
    """Unplugging, black frames, changes of size, hangs and lies, over and over, at full speed."""
    let_go = threading.Event()
    black, small = picture(0, 640, 360), picture(90, 320, 180)
    good = [picture(i, 640, 360) for i in range(50)]
    day: list[list[Step] | Exception] = []
    for turn in range(120):
        day.append([*good, black, black, small, *good, BROKEN])
        day.append(Absent("Gone.", "Plug it in."))
        day.append([small, np.zeros((3, 3, 7), np.uint8)])
        if turn % 40 == 0:
            day.append([*good, lambda: (let_go.wait(0.3), None)[1], BROKEN])
    day.append([picture(1)])
    process = psutil.Process()
    sizes: list[int] = []
    count = 0

    def note(_: Frame) -> None:
        nonlocal count
        count += 1
        if count % 1000 == 0:
            sizes.append(process.memory_info().rss)

    with Camera(Scripted(*day), on_frame=note, patience=Patience(0.15, 0.15, (0.001,))) as camera:
        while camera.status.state is not State.GONE or camera.status.error is not None:
            camera.wait(after=count, timeout=0.2)
        assert camera.close()
    assert count > 12_000
    assert max(sizes[3:]) - min(sizes[3:]) < 20 << 20

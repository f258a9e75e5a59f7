"""What holds for every test: a home of its own, and nothing left behind."""

import gc
import sys
import threading
import time
from collections.abc import Iterator

import psutil
import pytest

from app.engine.client import EngineClient

_PATIENCE_S = 3.0


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """A thread, process or running Qt timer that a test started and left fails it."""
    threads = set(threading.enumerate())
    processes = set(_children())
    yield
    end = time.monotonic() + _PATIENCE_S
    for thread in set(threading.enumerate()) - threads:
        thread.join(max(0.0, end - time.monotonic()))
    left: list[object] = [t for t in threading.enumerate() if t not in threads]
    _, alive = psutil.wait_procs(set(_children()) - processes, max(0.0, end - time.monotonic()))
    left += alive
    if "qapp" in request.fixturenames:
        left += _running_qt_timers()
    assert not left, f"left behind: {left}"


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings, conversations, models, caches and logs of the test's own."""
    monkeypatch.setenv("SPYGLASS_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture
def client() -> Iterator[EngineClient]:
    """An engine client with the real engine process, started when first needed."""
    with EngineClient() as client:
        yield client


def _children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def _running_qt_timers() -> list[object]:
    core = sys.modules["PySide6.QtCore"]
    shiboken = sys.modules["shiboken6"]
    # type(), because isinstance() asks the object, and a dead weak reference raises
    timers = [o for o in gc.get_objects() if issubclass(type(o), core.QTimer) and shiboken.isValid(o)]
    return [t for t in timers if t.isActive()]

"""The engine process: owns the native code, answers one job after the other, and never outlives the program.

The main thread runs jobs. A second thread takes in orders, so that a wish to stop arrives while native code computes;
a third beats while a job runs, so that the program can tell a long computation from a hang.
"""

import contextlib
import ctypes
import faulthandler
import importlib
import logging
import math
import os
import queue
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from typing import NoReturn

import msgspec

from app import __version__
from app.engine import protocol
from app.engine.families import Cancel, LoadCancelled, Model
from app.engine.models import Models, no_native_code
from app.engine.protocol import Beat, DropPicture, FrameDecoder, Hello, Order, PutPicture, Reply, Run, Told, failed
from app.errors import EngineError, MemoryShortError, ModelError, SpyglassError
from app.values import Ask, Doctor, Event, Finished, Load, Loading, Picture, Piece, Report, Stats, is_last

_NICE = 5
"""By how much other processes come first."""
_BEAT_S = 0.5
_CHUNK = 1 << 20
_MODEL_FACTS = "app.engine.families.mtmd"


def main(argv: list[str]) -> NoReturn:
    """Be the engine process. argv: the socket's descriptor (or `stdin`, see supervisor) and the memory limit."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    line = _line(argv[0])
    _behave(int(argv[1]))
    Engine(line).serve()


def _line(where: str) -> socket.socket:
    if sys.platform == "win32":
        return socket.fromshare(sys.stdin.buffer.read())
    return socket.socket(fileno=int(where))


def _behave(memory_limit: int) -> None:
    """Be a process that can fail without harm to others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable(file=2)
    if sys.platform == "win32":
        return
    import resource

    # The model would take every core there is; the window and the camera come first.
    os.nice(_NICE)
    # Core files would hold the person's pictures and take minutes to write.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_limit:
        # What the process allocates for itself; mapped weights do not count. An allocation above it fails, which
        # most code survives with a message, where the system's own end of memory is a SIGKILL for whoever is largest.
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        soft = memory_limit if hard == resource.RLIM_INFINITY else min(memory_limit, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
    if sys.platform == "linux":
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as f:
            f.write("500")
        # Ends this process with its parent even when native code holds every thread up.
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)


class _Job:
    """One job on its way through the main thread."""

    def __init__(self, engine: "Engine", run: Run, cancel: Cancel) -> None:
        self.id = run.id
        self.job = run.job
        self.cancel = cancel
        self._engine = engine
        self._ended = False
        self._loaded = -1.0

    def emit(self, event: Event) -> None:
        """Tell the program. Raises ModelError where the model's numbers are none: JSON has no word for them."""
        if isinstance(event, Piece) and not math.isfinite(event.probability):
            raise ModelError(
                "The model computes nonsense instead of an answer.",
                "Its file may be damaged: download or convert it again.",
                f"probability {event.probability} of {event.text!r}",
            )
        assert not self._ended, "an event after the last"
        self._engine.tell(Told(id=self.id, event=event))
        self._ended = is_last(event)

    def loaded(self, fraction: float) -> None:
        """Tell how far loading is, in steps worth telling."""
        fraction = min(max(fraction, 0.0), 1.0)
        if abs(fraction - self._loaded) >= 0.01 or (fraction == 1.0 and self._loaded < 1.0):
            self._loaded = fraction
            self.emit(Loading(fraction=fraction))


class Engine:
    """What one engine process does."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._sending = threading.Lock()
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._cancels: dict[int, Cancel] = {}
        self._pictures: dict[str, Picture] = {}
        self._models = Models()
        self._busy = threading.Event()

    def serve(self) -> NoReturn:
        """Run jobs until the program closes the line."""
        self.tell(Hello(program=__version__))
        threading.Thread(target=self._take_orders, name="orders", daemon=True).start()
        threading.Thread(target=self._beat, name="beat", daemon=True).start()
        while True:
            job = self._jobs.get()
            self._busy.set()
            last = self._answer(job)
            self._busy.clear()
            self._cancels.pop(job.id, None)
            job.emit(last)

    def tell(self, reply: Reply) -> None:
        """Send a reply. If nobody is there to hear it, this process has no purpose any more."""
        buffers = protocol.encode(reply)
        with self._sending:
            try:
                for b in buffers:
                    self._line.sendall(b)
            except OSError:
                os._exit(0)

    # --- the two other threads ---

    def _beat(self) -> None:
        while self._busy.wait():
            with contextlib.suppress(MemoryError):  # the main thread has filled it and will say so
                self.tell(Beat())
            time.sleep(_BEAT_S)

    def _take_orders(self) -> None:
        """Until the line is closed. This thread must not end otherwise: a deaf engine could not be stopped."""
        decoder = FrameDecoder(protocol.MAX_ORDER, protocol.MAX_PIXELS)
        try:
            while data := self._receive():
                for frame in decoder.feed(data):
                    self._obey(protocol.decode_order(frame.body), frame.blob)
            os._exit(0)
        except MemoryError:
            os._exit(protocol.EXIT_NO_MEMORY)
        except BaseException:
            with contextlib.suppress(Exception):
                traceback.print_exc()
            os._exit(protocol.EXIT_PROTOCOL)

    def _receive(self) -> bytes:
        try:
            return self._line.recv(_CHUNK)
        except OSError:
            return b""

    def _obey(self, order: Order, blob: bytes) -> None:
        if isinstance(order, PutPicture):
            picture = Picture(order.width, order.height, blob, order.name, order.digest if order.passing else "")
            if picture.digest != order.digest:
                raise protocol.ProtocolError(f"picture {order.digest} came as {picture.digest}")
            self._pictures[picture.digest] = picture
        elif isinstance(order, DropPicture):
            self._pictures.pop(order.digest, None)
        elif isinstance(order, Run):
            cancel = self._cancels[order.id] = Cancel()
            self._jobs.put(_Job(self, order, cancel))
        elif cancel_now := self._cancels.get(order.id):
            cancel_now.set()

    # --- the main thread ---

    def _answer(self, job: _Job) -> Event:
        """Run a job to its last event, whatever happens."""
        try:
            return self._run(job)
        except LoadCancelled:
            return Finished(reason="cancelled")
        except SpyglassError as e:
            return failed(e)
        except MemoryError:
            pass  # the error's frames hold what filled the memory; they are gone only after this block
        except Exception:
            return failed(
                EngineError(
                    "The engine made an internal error.",
                    "Ask again; if it happens again, please report it with the details.",
                    traceback.format_exc(),
                )
            )
        self._models.clear()
        return failed(
            MemoryShortError(
                "The engine ran out of memory.",
                "Choose a smaller model, a shorter context or a smaller picture.",
            )
        )

    def _run(self, job: _Job) -> Event:
        if isinstance(job.job, Doctor):
            job.emit(Report(facts=_facts()))
            return Finished(reason="stop")
        began = time.monotonic()
        aside = isinstance(job.job, Ask) and job.job.aside
        model = self._models.get(job.job.model, job.loaded, job.cancel, aside)
        load_s = time.monotonic() - began
        if isinstance(job.job, Load):
            return Finished(reason="stop", stats=Stats(load_s=load_s))
        return _with_load(self._ask(job, job.job, model), load_s)

    def _ask(self, job: _Job, ask: Ask, model: Model) -> Finished:
        try:
            return model.answer(ask, _named(ask, self._pictures), job.emit, job.cancel)
        except SpyglassError:
            raise
        except BaseException:
            self._models.drop(model)
            raise


def _named(ask: Ask, held: Mapping[str, Picture]) -> dict[str, Picture]:
    return {digest: held[digest] for message in ask.messages for digest in message.pictures}


def _with_load(finished: Finished, load_s: float) -> Finished:
    stats = finished.stats
    first = stats.first_token_s + load_s if stats.first_token_s else 0.0
    probability = stats.probability if math.isfinite(stats.probability) else 0.0
    stats = msgspec.structs.replace(stats, load_s=load_s, first_token_s=first, probability=probability)
    return msgspec.structs.replace(finished, stats=stats)


def _facts() -> dict[str, object]:
    try:
        facts: dict[str, object] = importlib.import_module(_MODEL_FACTS).facts()
    except (ImportError, OSError, RuntimeError) as e:
        raise no_native_code(e) from e
    return facts

"""llama.cpp's side of the child: start it once, catch what it logs, stop it, and report about it."""

import contextlib
import ctypes
import logging
from collections import deque
from collections.abc import Iterator
from functools import cache
from typing import Any

import llama_cpp
import numpy as np
from llama_cpp import mtmd_cpp

from app.engine import ggml, machine
from app.engine.families import LoadCancelled, Progress

log = logging.getLogger(__name__)

VERSION = "0.3.36"
"""The llama-cpp-python whose structures and signatures the families rely on."""

_LEVELS = {1: logging.DEBUG, 2: logging.DEBUG, 3: logging.INFO, 4: logging.ERROR}
"""ggml_log_level -> Python's. Informing, llama.cpp prints every tensor; warning, what it thinks of the settings."""
_CONTINUED = 5


class _Log:
    """llama.cpp prints in pieces: joins them to lines, logs those and remembers the last complaints."""

    def __init__(self) -> None:
        self.complaints: deque[str] = deque(maxlen=20)
        self.callback = llama_cpp.llama_log_callback(self._on_text)
        self._level, self._text = logging.DEBUG, ""

    def _on_text(self, level: int, text: bytes, _: Any) -> None:
        if level != _CONTINUED:
            self._level = _LEVELS.get(level, logging.DEBUG)
        *lines, self._text = (self._text + text.decode("utf-8", errors="replace")).split("\n")
        for line in filter(None, lines):
            log.log(self._level, "%s", line)
            if self._level >= logging.INFO:
                self.complaints.append(line)


_log = _Log()


@cache
def start() -> None:
    """Load the libraries and their backends and send their log to Python's. Does nothing the second time.

    Raises EngineError if the installed version is not the one this program was written for.
    """
    ggml.library()
    if llama_cpp.__version__ != VERSION:
        raise ggml.wrong_version("llama-cpp-python", llama_cpp.__version__, VERSION)
    llama_cpp.llama_log_set(_log.callback, None)
    mtmd_cpp.mtmd_helper_log_set(_log.callback, None)
    llama_cpp.llama_backend_init()


@contextlib.contextmanager
def complaints() -> Iterator[deque[str]]:
    """What llama.cpp complains about meanwhile: the reason for a failure whose call only returned NULL."""
    _log.complaints.clear()
    yield _log.complaints


class LoadProgress:
    """A loader's progress callback: tells `progress`, and makes the loader give up when that raises LoadCancelled.

    kind: the callback's C type, `llama_progress_callback` or `mtmd_progress_callback`.
    """

    def __init__(self, kind: Any, progress: Progress) -> None:
        self._progress = progress
        self.cancelled = False
        self.callback = kind(self._on_progress)

    def _on_progress(self, fraction: float, _: Any) -> bool:
        try:
            self._progress(fraction)
        except LoadCancelled:
            self.cancelled = True
        return not self.cancelled


class Abort:
    """A flag that llama.cpp and ggml read as their abort callback, without Python being called for every operation.

    The callback is the C function `ggml_get_no_alloc` on a tiny context of our own: it returns a boolean that
    `ggml_set_no_alloc` sets, from any thread. Pass `callback` and `data` to `llama_set_abort_callback` or to a
    backend's `set_abort_callback`; keep the object alive as long as they are used.
    """

    def __init__(self) -> None:
        self._g = ggml.library()
        self._context = self._g.init(ggml.InitParams(mem_size=1024, mem_buffer=None, no_alloc=False))
        function = self._g.get_no_alloc
        self.callback = ctypes.cast(function, llama_cpp.ggml_abort_callback)
        self.data = ctypes.c_void_p(self._context)

    def set(self) -> None:
        self._g.set_no_alloc(self._context, True)

    def clear(self) -> None:
        self._g.set_no_alloc(self._context, False)

    def is_set(self) -> bool:
        return bool(self._g.get_no_alloc(self._context))

    def close(self) -> None:
        self._g.free(self._context)


def gpu_devices() -> list[dict[str, Any]]:
    """The GPUs a loaded backend can use: name, description, and bytes of memory free and in all."""
    return [device for device in _devices() if device["kind"] in ("gpu", "igpu")]


def _devices() -> list[dict[str, Any]]:
    g = ggml.library()
    kinds = {ggml.CPU: "cpu", ggml.GPU: "gpu", ggml.IGPU: "igpu", ggml.ACCEL: "accelerator"}
    devices = []
    for index in range(g.backend_dev_count()):
        device = g.backend_dev_get(index)
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        g.backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
        devices.append(
            {
                "name": g.backend_dev_name(device).decode(errors="replace"),
                "description": g.backend_dev_description(device).decode(errors="replace"),
                "kind": kinds.get(g.backend_dev_type(device), "other"),
                "free": free.value,
                "total": total.value,
            }
        )
    return devices


def may_rearrange() -> bool:
    """Whether ggml may keep weights in another order for this processor.

    Not where its code was compiled for AMX: the other order is then that of AMX, whose tiles GCC leaves without a
    configuration (it drops the stores before it), so that the first product of many rows ends the process
    (docs/decisions/0076).
    """
    return "AMX_INT8" not in features()


class _Feature(ctypes.Structure):
    """struct ggml_backend_feature"""

    _fields_ = (("name", ctypes.c_char_p), ("value", ctypes.c_char_p))


def features() -> frozenset[str]:
    """What ggml's code for this processor makes use of, in its words: AVX2, AVX512, NEON and the like."""
    g = ggml.library()
    cpu = g.backend_dev_by_type(ggml.CPU)
    arguments = (ctypes.c_void_p,), g.backend_dev_backend_reg(cpu)
    found = on_cpu("ggml_backend_get_features", *arguments, result=ctypes.POINTER(_Feature))
    names, index = [], 0
    while found and found[index].name:
        if found[index].value == b"1":
            names.append(found[index].name.decode())
        index += 1
    return frozenset(names)


def on_cpu(name: str, kinds: tuple[Any, ...], *arguments: Any, result: Any = None) -> Any:
    """Call what only ggml's CPU backend has, by name; None if it has not."""
    g = ggml.library()
    registry = g.backend_dev_backend_reg(g.backend_dev_by_type(ggml.CPU))
    address = g.backend_reg_get_proc_address(registry, name.encode())
    return ctypes.CFUNCTYPE(result, *kinds)(address)(*arguments) if address else None


def facts() -> dict[str, Any]:
    """What `spyglass doctor` shows about the native side: versions, devices, processor features, threads, memory."""
    start()
    return {
        "llama-cpp-python": llama_cpp.__version__,
        "llama.cpp": llama_cpp.llama_version().decode(),
        "ggml": ggml.VERSION,
        "libraries": str(ggml.folder()),
        "devices": _devices(),
        "processor": llama_cpp.llama_print_system_info().decode(errors="replace").strip(" |"),
        "gpu_offload": bool(llama_cpp.llama_supports_gpu_offload()),
        "threads": machine.threads(),
        "free_memory": machine.free_memory(),
        "numpy": np.__version__,
    }

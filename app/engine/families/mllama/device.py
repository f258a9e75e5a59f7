"""The processors that compute: the CPU always, and GPUs if the library was built for them."""

import ctypes
from ctypes import POINTER, c_int, c_size_t, c_void_p

from app.engine import ggml, machine, native
from app.errors import EngineError


class Devices:
    """The backends graphs run on, in the order of preference, the CPU last; and the switch that stops a computation.

    The CPU looks at the switch between two operations; other backends finish what they were given.
    """

    def __init__(self, threads: int = 0, gpu: bool = False) -> None:
        """threads: 0 lets the machine decide. gpu: use the GPU with the most free memory, if the library has code for
        one. Raises EngineError if ggml cannot be loaded."""
        self.g = ggml.library()
        self.cpu = self.g.backend_dev_by_type(ggml.CPU)
        if not self.cpu:
            raise EngineError("The library that runs models has no code for this processor.", "Install it again.")
        self.gpu: int | None = max(self._gpus(), key=self.free_memory, default=None) if gpu else None
        used = [self.cpu] if self.gpu is None else [self.gpu, self.cpu]
        self.backends = [self.g.backend_dev_init(device, None) for device in used]
        self._abort = native.Abort()
        self.threads = machine.threads(threads)
        native.on_cpu("ggml_backend_set_n_threads", (c_void_p, c_int), self.backends[-1], self.threads)
        abort = (c_void_p, c_void_p, c_void_p)
        native.on_cpu(
            "ggml_backend_set_abort_callback", abort, self.backends[-1], self._abort.callback, self._abort.data
        )

    @property
    def wide_vectors(self) -> bool:
        """Whether the processor has vectors of 512 bits."""
        return "AVX512" in native.features()

    @property
    def bfloat_products(self) -> bool:
        """Whether the processor has an instruction for products of bfloat16, and ggml's code uses it."""
        return "AVX512_BF16" in native.features()

    @property
    def host(self) -> int:
        """The buffer type of ordinary memory."""
        return int(self.g.backend_dev_buffer_type(self.cpu))

    @property
    def gpu_buffer_type(self) -> int:
        """The buffer type of the GPU's memory."""
        return int(self.g.backend_dev_buffer_type(self.gpu))

    def rearranging(self) -> list[int]:
        """The CPU's buffer types that keep weights in another order, in which a product with one row is faster."""
        found = native.on_cpu("ggml_backend_dev_get_extra_bufts", (c_void_p,), self.cpu, result=POINTER(c_void_p))
        kinds: list[int] = []
        while found and found[len(kinds)]:
            kinds.append(found[len(kinds)])
        return kinds

    def free_memory(self, device: int) -> int:
        """Free bytes on `device`."""
        free, total = c_size_t(), c_size_t()
        self.g.backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
        return free.value

    def stop(self) -> None:
        """Make the running computation, and those that follow, return early. Callable from any thread."""
        self._abort.set()

    def stopping(self) -> bool:
        """Whether `stop` was called and not taken back."""
        return self._abort.is_set()

    def go(self) -> None:
        """Take back `stop`."""
        self._abort.clear()

    def close(self) -> None:
        for backend in self.backends:
            self.g.backend_free(backend)
        self._abort.close()
        self.backends = []

    def _gpus(self) -> list[int]:
        devices = [self.g.backend_dev_get(index) for index in range(self.g.backend_dev_count())]
        return [device for device in devices if self.g.backend_dev_type(device) in (ggml.GPU, ggml.IGPU)]

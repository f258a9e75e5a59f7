"""Tensors with shapes: what ggml's addresses stand for.

Shapes are in ggml's order, fastest dimension first: a matrix of n rows of width d is (d, n, 1, 1).
"""

import ctypes
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.engine import ggml
from app.errors import EngineError
from app.gguf import TYPES

F32, F16, Q8_0, I32, I64, BF16 = 0, 1, 8, 26, 27, 30
NUMPY = {F32: np.float32, F16: np.float16, I32: np.int32, I64: np.int64}

Shape = tuple[int, int, int, int]


def shape4(shape: Sequence[int]) -> Shape:
    a, b, c, d = (*shape, 1, 1, 1, 1)[:4]
    return a, b, c, d


def nbytes(shape: Sequence[int], type: int) -> int:
    """Bytes of a contiguous tensor."""
    stored = TYPES[type]
    return stored.size * math.prod(shape) // stored.block


@dataclass(frozen=True, slots=True)
class Tensor:
    """A ggml tensor: its address, shape and type."""

    at: int
    shape: Shape
    type: int = F32
    for_one_row: "Tensor | None" = None
    """A weight once more, in an order in which a product with a single row is faster (see `onerow.py`)."""

    @property
    def nbytes(self) -> int:
        """Bytes, if contiguous."""
        return nbytes(self.shape, self.type)


def upload(g: ggml.Library, tensor: Tensor, values: np.ndarray) -> None:
    """Copy `values` (the tensor's type; its shape, slowest dimension first) into the tensor."""
    values = np.ascontiguousarray(values, NUMPY.get(tensor.type, values.dtype))
    check(values.nbytes == tensor.nbytes, "upload", tensor)
    g.backend_tensor_set(tensor.at, values.ctypes.data, 0, values.nbytes)


def download(g: ggml.Library, tensor: Tensor) -> np.ndarray:
    """The values of a contiguous tensor, slowest dimension first, trailing dimensions of one dropped."""
    found = np.empty(_outside_in(tensor), NUMPY[tensor.type])
    g.backend_tensor_get(tensor.at, found.ctypes.data, 0, found.nbytes)
    return found


def values(g: ggml.Library, tensor: Tensor) -> np.ndarray:
    """The memory of a contiguous tensor that lies in the machine's own, slowest dimension first, as in `download`."""
    data = (ctypes.c_char * tensor.nbytes).from_address(g.get_data(tensor.at))
    return np.frombuffer(memoryview(data), NUMPY[tensor.type]).reshape(_outside_in(tensor))


def _outside_in(tensor: Tensor) -> Sequence[int]:
    """Its shape, slowest dimension first, those of one left out at the front."""
    shape: Sequence[int] = tensor.shape
    while len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    return shape[::-1]


def check(holds: bool, operation: str, *tensors: Tensor) -> None:
    """Raises EngineError if the operands of `operation` do not fit, because ggml would end the process."""
    if not holds:
        raise EngineError(
            "The model's parts do not fit together.", "Choose another model file.", f"{operation} of {tensors}"
        )

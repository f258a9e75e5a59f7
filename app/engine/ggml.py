"""ggml through ctypes: signatures in one table, thin names, no logic.

`library()` loads the shared libraries that llama-cpp-python installs and gives the functions of `SIGNATURES` as
attributes without their `ggml_` prefix, so that `g.mul_mat(ctx, a, b)` is `ggml_mul_mat(ctx, a, b)`. Only functions of
`libggml-base` and the backend registry in `libggml` are used, none of a particular backend: what only the CPU has
(threads, abort callback, repacked weights) is asked for by name through the registry, so a build whose backends are
plug-ins works too.

A failed assertion in ggml ends the process. Whoever calls these functions checks shapes and types first.
"""

import ctypes
import importlib.util
import sys
from ctypes import POINTER, c_bool, c_char_p, c_float, c_int, c_int64, c_size_t, c_uint8, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

from app.errors import EngineError
from app.wording import Wording

VERSION = "0.25.3"
"""The ggml that llama-cpp-python 0.3.36 installs. Structures and signatures below are of this version."""

# enum ggml_type: see app.gguf.TYPES. enum ggml_status:
SUCCESS, ABORTED = 0, 1
# enum ggml_backend_dev_type
CPU, GPU, IGPU, ACCEL = 0, 1, 2, 3
# enum ggml_backend_buffer_usage
USAGE_WEIGHTS = 1
# enum ggml_prec
PREC_F32 = 10
ROPE_NORMAL = 0


class InitParams(ctypes.Structure):
    """struct ggml_init_params"""

    _fields_ = (("mem_size", c_size_t), ("mem_buffer", c_void_p), ("no_alloc", c_bool))


class TypeTraits(ctypes.Structure):
    """struct ggml_type_traits; `to_float` is `void (const void * x, float * y, int64_t k)`."""

    _fields_ = (
        ("type_name", c_char_p),
        ("blck_size", c_int64),
        ("blck_size_interleave", c_int64),
        ("type_size", c_size_t),
        ("is_quantized", c_bool),
        ("to_float", ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_int64)),
        ("from_float_ref", c_void_p),
    )


_CODES: dict[str, Any] = {
    "-": None,
    "p": c_void_p,
    "i": c_int,
    "l": c_int64,
    "z": c_size_t,
    "f": c_float,
    "b": c_bool,
    "s": c_char_p,
    "u": c_uint8,
    "Z": POINTER(c_size_t),
    "I": InitParams,
    "T": POINTER(TypeTraits),
}

SIGNATURES: dict[str, str] = {
    # libggml-base: contexts, tensors, types
    "ggml_version": "s",
    "ggml_init": "pI",
    "ggml_free": "-p",
    "ggml_reset": "-p",
    "ggml_get_no_alloc": "bp",
    "ggml_set_no_alloc": "-pb",
    "ggml_tensor_overhead": "z",
    "ggml_graph_overhead_custom": "zzb",
    "ggml_new_tensor_4d": "ppillll",
    "ggml_set_name": "pps",
    "ggml_get_name": "sp",
    "ggml_set_input": "-p",
    "ggml_set_output": "-p",
    "ggml_nbytes": "zp",
    "ggml_get_data": "pp",
    "ggml_type_name": "si",
    "ggml_blck_size": "li",
    "ggml_type_size": "zi",
    "ggml_get_type_traits": "Ti",
    "ggml_quantize_chunk": "zipplllp",
    "ggml_validate_row_data": "bipz",
    # libggml-base: operations
    "ggml_add": "pppp",
    "ggml_mul": "pppp",
    "ggml_scale": "pppf",
    "ggml_norm": "pppf",
    "ggml_rms_norm": "pppf",
    "ggml_gelu_erf": "ppp",
    "ggml_swiglu_split": "pppp",
    "ggml_mul_mat": "pppp",
    "ggml_prec_set_acc": "bpi",
    "ggml_get_rows": "pppp",
    "ggml_set_rows": "ppppp",
    "ggml_rope_ext": "pppppiiiffffff",
    "ggml_soft_max_ext": "ppppff",
    "ggml_flash_attn_ext": "ppppppfff",
    "ggml_concat": "ppppi",
    "ggml_repeat_4d": "pppllll",
    "ggml_cast": "pppi",
    "ggml_cpy": "pppp",
    "ggml_cont": "ppp",
    "ggml_reshape_4d": "pppllll",
    "ggml_view_4d": "pppllllzzzz",
    "ggml_permute": "pppiiii",
    # libggml-base: graphs
    "ggml_new_graph_custom": "ppzb",
    "ggml_build_forward_expand": "-pp",
    "ggml_graph_n_nodes": "ip",
    # libggml-base: backends, buffers, scheduler
    "ggml_backend_name": "sp",
    "ggml_backend_free": "-p",
    "ggml_backend_get_default_buffer_type": "pp",
    "ggml_backend_dev_type": "ip",
    "ggml_backend_dev_name": "sp",
    "ggml_backend_dev_description": "sp",
    "ggml_backend_dev_memory": "-pZZ",
    "ggml_backend_dev_supports_op": "bpp",
    "ggml_backend_dev_init": "pps",
    "ggml_backend_dev_buffer_type": "pp",
    "ggml_backend_dev_backend_reg": "pp",
    "ggml_backend_reg_get_proc_address": "pps",
    "ggml_backend_cpu_buffer_from_ptr": "ppz",
    "ggml_backend_buft_alloc_buffer": "ppz",
    "ggml_backend_buft_get_alignment": "zp",
    "ggml_backend_buft_get_max_size": "zp",
    "ggml_backend_buft_get_alloc_size": "zpp",
    "ggml_backend_buffer_free": "-p",
    "ggml_backend_buffer_clear": "-pu",
    "ggml_backend_buffer_get_base": "pp",
    "ggml_backend_buffer_set_usage": "-pi",
    "ggml_backend_tensor_alloc": "ippp",
    "ggml_backend_tensor_set": "-ppzz",
    "ggml_backend_tensor_get": "-ppzz",
    "ggml_backend_sched_new": "pppizbb",
    "ggml_backend_sched_free": "-p",
    "ggml_backend_sched_reset": "-p",
    "ggml_backend_sched_alloc_graph": "bpp",
    "ggml_backend_sched_graph_compute": "ipp",
    "ggml_backend_sched_get_buffer_size": "zpp",
    "ggml_backend_sched_get_n_splits": "ip",
    # libggml: the registry
    "ggml_backend_dev_count": "z",
    "ggml_backend_dev_get": "pz",
    "ggml_backend_dev_by_type": "pi",
    "ggml_backend_load_all_from_path": "-s",
}
"""Function -> result and arguments, one letter each (`_CODES`). A test compares them with the installed headers."""


class Library:
    """The functions of `SIGNATURES`, without their `ggml_` prefix."""

    def __init__(self, base: ctypes.CDLL, registry: ctypes.CDLL) -> None:
        for name, codes in SIGNATURES.items():
            function = getattr(base, name, None) or getattr(registry, name)
            function.restype = _CODES[codes[0]]
            function.argtypes = [_CODES[code] for code in codes[1:]]
            setattr(self, name.removeprefix("ggml_"), function)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"ggml_{name} is not in the table of signatures")


def folder() -> Path:
    """The folder of the shared libraries. Raises EngineError if llama-cpp-python is not installed."""
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or spec.origin is None:
        raise EngineError("The library that runs models is not installed.", "Install llama-cpp-python 0.3.36.")
    return Path(spec.origin).parent / "lib"


@cache
def library() -> Library:
    """Load ggml, once a process.

    Raises EngineError if the libraries are missing, cannot be loaded on this processor, or are of another version.
    """
    try:
        base, registry = (ctypes.CDLL(str(folder() / _file_name(name))) for name in ("ggml-base", "ggml"))
        base.ggml_version.restype = c_char_p
        found = base.ggml_version().decode()
    except (OSError, AttributeError) as error:
        raise EngineError("The library that runs models cannot be loaded.", _REINSTALL, str(error)) from error
    if found != VERSION:
        raise wrong_version("ggml", found, VERSION)
    g = Library(base, registry)
    if g.backend_dev_count() == 0:  # backends are plug-ins; never ggml's own search: it looks in the current folder
        g.backend_load_all_from_path(str(folder().parent / "bin").encode())
        g.backend_load_all_from_path(str(folder()).encode())
    return g


def wrong_version(name: str, found: str, wanted: str) -> EngineError:
    """The error for a native library this program was not written for."""
    what = Wording(
        "The library that runs models is {name} {found}, but {wanted} is needed.", name=name, found=found, wanted=wanted
    )
    return EngineError(what, _REINSTALL)


_REINSTALL = Wording("Install llama-cpp-python 0.3.36 again.")


def _file_name(name: str) -> str:
    if sys.platform == "win32":
        return f"{name}.dll"
    return f"lib{name}.dylib" if sys.platform == "darwin" else f"lib{name}.so"

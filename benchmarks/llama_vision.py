"""How fast Llama 3.2 Vision runs here, beside libllama and torch, in parts of a few minutes each.

    python -m benchmarks.llama_vision --part decode|prefill|ceilings|vision|followup|whole [--dir FOLDER]

Files of the 11B's true shapes with random weights are made in FOLDER (by default a temporary one) and kept there.
What is compared is measured in turns, round after round, and the best round of each counts: on a machine with other
work the best rounds are the undisturbed ones. `vision` needs a Python with torch and transformers (`--torch PYTHON`).
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
from PIL import Image

from app.engine import machine, native
from app.engine.families import Cancel, mllama
from app.engine.families.mllama import blas
from app.engine.families.mllama.attention import by_flash
from app.engine.families.mllama.core import Core, Files
from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.graph import Graph, Workspace
from app.engine.families.mllama.picture import cut
from app.engine.families.mllama.store import Store
from app.engine.families.mllama.tensor import BF16, F16, F32
from app.engine.families.mllama.weighing import InBFloat16, InFloat32, Weighing, and_one, columns_shape
from app.library.convert import convert
from app.library.quantise import NUMBERS
from app.values import Ask, EngineOptions, Message, ModelSpec, Picture, Sampling
from benchmarks import llama_vision_files as files

LAYERS = 6
PROMPT = 512
ROWS_EXACT = 4 * 1608


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=PARTS, required=True)
    parser.add_argument("--dir", type=Path, help="where the files are made and kept")
    parser.add_argument("--seconds", type=float, default=60, help="how long each comparison is repeated")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--torch", default=sys.executable, help="a Python with torch and transformers")
    parser.add_argument("--tower", default="Q6_K", help="type of the vision tower (parts vision and whole)")
    options = parser.parse_args()
    if "OPENBLAS_NUM_THREADS" not in os.environ:  # as in the engine's process; read when numpy is loaded
        os.execve(sys.executable, sys.orig_argv, os.environ | {"OPENBLAS_NUM_THREADS": "1"})
    with tempfile.TemporaryDirectory() as temporary:
        options.dir = options.dir or Path(temporary)
        options.dir.mkdir(parents=True, exist_ok=True)
        options.threads = machine.threads(options.threads)
        print(f"{options.threads} threads")
        PARTS[options.part](options)


def best(contestants: dict[str, Callable[[], object]], seconds: float) -> dict[str, float]:
    """Seconds of the best round of each, measured in turns."""
    times = dict.fromkeys(contestants, float("inf"))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name, run in contestants.items():
            start = time.perf_counter()
            run()
            times[name] = min(times[name], time.perf_counter() - start)
    return times


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


# --- text ------------------------------------------------------------------------------------------------------------


class Libllama:
    """The Llama part run by libllama."""

    def __init__(self, path: Path, threads: int, repack: bool, flash: bool) -> None:
        llama_cpp.llama_log_set(_SILENT, None)
        model = llama_cpp.llama_model_default_params()
        model.n_gpu_layers, model.use_extra_bufts = 0, repack
        self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), model)
        context = llama_cpp.llama_context_default_params()
        context.n_ctx, context.n_batch, context.n_ubatch = 1024, PROMPT, PROMPT
        context.n_threads = context.n_threads_batch = threads
        context.flash_attn_type = int(flash)
        self._context = llama_cpp.llama_init_from_model(self._model, context)
        self._memory = llama_cpp.llama_get_memory(self._context)

    def read(self, tokens: list[int], position: int) -> None:
        llama_cpp.llama_memory_seq_rm(self._memory, 0, position, -1)
        ids = (llama_cpp.llama_token * len(tokens))(*tokens)
        status = llama_cpp.llama_decode(self._context, llama_cpp.llama_batch_get_one(ids, len(tokens)))
        assert status == 0
        llama_cpp.llama_get_logits_ith(self._context, -1)

    def close(self) -> None:
        llama_cpp.llama_free(self._context)
        llama_cpp.llama_model_free(self._model)


@llama_cpp.llama_log_callback
def _SILENT(level: int, text: bytes, data: Any) -> None:
    pass


def text(options: argparse.Namespace) -> None:
    """Reading one token after a prompt, or the prompt, against libllama on the same layers and types."""
    decode = options.part == "decode"
    ours, theirs = options.dir / f"text{LAYERS}.gguf", options.dir / f"llama{LAYERS}.gguf"
    if not ours.exists():
        files.vision_file(ours, layers=LAYERS + 1, cross=(LAYERS,), tower_layers=1, global_layers=1, taps=(0,))
    if not theirs.exists():
        files.llama_file(theirs, LAYERS)
    tokens = [7 + i % 200 for i in range(PROMPT)]
    core = Core(Files(ours), 1024, devices=Devices(options.threads))
    copying = _seconds(lambda: list(core.one_row.copy()))
    print(f"copies for writing: {core.one_row.size / 1e9:.2f} GB, made in {copying:.1f} s")
    forms = (True, False) if native.may_rearrange() else (False,)
    if len(forms) == 1:
        print("libllama's repacked weights are left out: on AMX they end the process (decision 0076)")
    rivals = {(r, f): Libllama(theirs, options.threads, r, f) for r in forms for f in (True, False)}
    contestants: dict[str, Callable[[], object]] = {}
    for name, read in [("this program", core.decoder.read)] + [
        (f"libllama{', repacked' * r}{', flash attention' * f}", rival.read) for (r, f), rival in rivals.items()
    ]:
        read(tokens, 0)
        contestants[name] = (lambda read=read: read([9], PROMPT)) if decode else (lambda read=read: read(tokens, 0))
    times = best(contestants, options.seconds)
    count = 1 if decode else PROMPT
    rival = min(seconds for name, seconds in times.items() if name.startswith("libllama"))
    for name, seconds in times.items():
        print(f"{name:40s} {count / seconds:9.2f} tokens/s  {rival / seconds:.2f} x libllama's best")
    if decode:
        _bytes_per_token(core, times["this program"])
    core.close()
    for rival_model in rivals.values():
        rival_model.close()


def _bytes_per_token(core: Core, seconds: float) -> None:
    read = sum(
        core.weights[name].nbytes
        for name in [f"blk.{i}.{part}.weight" for i in range(LAYERS) for part in _SELF_PARTS] + ["output.weight"]
    )
    bandwidth = memory_bandwidth()
    print(f"weights read a token {read / 1e9:.2f} GB: {read / seconds / 1e9:.1f} GB/s of {bandwidth / 1e9:.1f} GB/s")


_SELF_PARTS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")


def memory_bandwidth(size: int = 1 << 30) -> float:
    """Bytes a second that all threads read together from memory no cache holds."""
    halves = np.split(np.ones(size // 4, np.float32), machine.threads())

    def read_all() -> None:
        threads = [threading.Thread(target=np.dot, args=(half, half)) for half in halves]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return size / best({"read": read_all}, 3)["read"]


# --- ceilings --------------------------------------------------------------------------------------------------------


def ceilings(options: argparse.Namespace) -> None:
    """Matrix products and attention at the tower's sizes, in GFLOP/s."""
    devices = Devices(options.threads)
    print("matrix products 1280 -> 5120:")
    for rows in (256, ROWS_EXACT):
        flops = 2 * rows * files.TOWER * files.TOWER_MLP
        contestants = {
            name: _product(devices, NUMBERS[name], rows) for name in ("Q4_K", "Q6_K", "Q8_0", "BF16", "F16", "F32")
        }
        for name, seconds in best(contestants, options.seconds / 2).items():
            print(f"  {name:6s} {rows} rows: {flops / seconds / 1e9:7.1f} GFLOP/s")
    print(f"attention, 1024 of {ROWS_EXACT} queries, 16 heads of 80:")
    flops = 4 * 1024 * ROWS_EXACT * files.TOWER
    contestants = {f"flash, {name}": _attention(devices, kind) for name, kind in (("F32", F32), ("F16", F16))}
    contestants["numpy"] = _attention_by_blas(options.threads, partial(InFloat32, and_one(np.ones(_HEADS, np.float32))))
    columns = Store(devices, 1)
    weighing = partial(InBFloat16, columns.tensor(columns_shape(ROWS_EXACT, 80, 16), BF16), 80)
    columns.allocate()
    contestants["numpy, values BF16"] = _attention_by_blas(options.threads, weighing)
    for name, seconds in best(contestants, options.seconds / 2).items():
        print(f"  {name:20s} {flops / seconds / 1e9:7.1f} GFLOP/s")


def _product(devices: Devices, kind: int, rows: int) -> Callable[[], None]:
    store = Store(devices, 2)
    weight, x = store.tensor((files.TOWER, files.TOWER_MLP), kind), store.tensor((files.TOWER, rows))
    store.allocate()
    g = Graph(devices, Workspace(devices, 16))
    g.outputs(g.linear(weight, x))
    return g.run


def _attention(devices: Devices, kind: int) -> Callable[[], None]:
    store = Store(devices, 3)
    q = store.tensor((80, 16, 1024))
    k, v = (store.tensor((80, ROWS_EXACT, 16), kind) for _ in range(2))
    store.allocate()
    g = Graph(devices, Workspace(devices, 64))
    g.outputs(by_flash(g, q, k, v))
    return g.run


_HEADS = (16, ROWS_EXACT, 80)


def _attention_by_blas(threads: int, weighing: Callable[[], Weighing]) -> Callable[[], None]:
    q, k = (np.ones(_HEADS, np.float32) for _ in range(2))
    out = np.empty((ROWS_EXACT, files.TOWER), np.float32)
    return lambda: blas.attend(q, k, weighing, out, [(range(1024), ROWS_EXACT)], threads, lambda: False)


# --- vision ----------------------------------------------------------------------------------------------------------

TOWER_LAYERS, GLOBAL_LAYERS = 4, 1
_TORCH = """
import json, sys, time, torch
from transformers import MllamaForConditionalGeneration
torch.set_num_threads(int(sys.argv[2]))
torch.manual_seed(0)

def seconds(run):
    start = time.perf_counter()
    with torch.no_grad():
        run()
    return time.perf_counter() - start

def probe(dtype):
    x, w = torch.randn(512, 1280, dtype=dtype), torch.randn(5120, 1280, dtype=dtype)
    q, k = torch.randn(1, 16, 256, 80, dtype=dtype), torch.randn(1, 16, 6432, 80, dtype=dtype)
    linear = min(seconds(lambda: torch.nn.functional.linear(x, w)) for _ in range(3))
    attention = min(seconds(lambda: torch.nn.functional.scaled_dot_product_attention(q, k, k)) for _ in range(3))
    rates = 2 * x.numel() * 5120 / linear / 1e9, 4 * 256 * 6432 * 1280 / attention / 1e9
    print(json.dumps([str(dtype), *rates]), flush=True)
    return 253 / rates[0] + 212 / rates[1]  # seconds a layer of 6432 rows

dtype = min((torch.bfloat16, torch.float32), key=probe)
model = MllamaForConditionalGeneration.from_pretrained(sys.argv[1], dtype=dtype).model.vision_model
pixels = torch.randn(1, 1, 4, 3, 560, 560, dtype=dtype)
mask, ids = torch.ones(1, 1, 4, dtype=torch.long), torch.tensor([[6]])
print("ready", flush=True)
for _ in sys.stdin:
    seconds(lambda: model(pixel_values=pixels, aspect_ratio_ids=ids, aspect_ratio_mask=mask))
    print("done", flush=True)
"""


def vision(options: argparse.Namespace) -> None:
    """A few layers of the tower against transformers' on torch, the same checkpoint; exact and fast."""
    folder, taps = options.dir / "tower", [0]
    tokenizer = Path(__file__).parents[1] / "tests" / "data" / "tiny-llama-3.2-vision"
    if not (folder / "model.safetensors").exists():
        make = (
            "import sys; from pathlib import Path; from benchmarks.llama_vision_files import tower_checkpoint as make;"
        )
        make += f"make(Path({str(folder)!r}), Path({str(tokenizer)!r}), {TOWER_LAYERS}, {GLOBAL_LAYERS}, {taps})"
        subprocess.run([options.torch, "-c", make], check=True, cwd=Path(__file__).parents[1])
    path = options.dir / f"tower-{options.tower}.gguf"
    if not path.exists():
        convert(folder, path, type="F16", vision_type=options.tower)
    core = Core(Files(path), 256, devices=Devices(options.threads))
    square, large = (Image.fromarray(_noise(side)) for side in (560, 1120))
    with Torch(options.torch, folder, options.threads) as rival:
        contestants: dict[str, Callable[[], object]] = {
            "torch": rival.run,
            "exact, 1 tile": lambda: core.tower.encode(cut(square, core.config.vision)),
            "exact, 4 tiles": lambda: core.tower.encode(cut(large, core.config.vision)),
            "fast, 1 tile": lambda: core.tower.encode(cut(square, core.config.vision), exact=False),
        }
        times = best(contestants, options.seconds)
    print(
        f"{TOWER_LAYERS} + {GLOBAL_LAYERS} layers, tower in {options.tower}; torch runs four tiles whatever there are"
    )
    print(f"torch          {times['torch']:7.2f} s")
    for name, mode, tiles in (
        ("exact, 1 tile", "exact", 1),
        ("exact, 4 tiles", "exact", 4),
        ("fast, 1 tile", "fast", 1),
    ):
        print(
            f"{name:14s} {times[name]:7.2f} s  {times['torch'] / times[name]:.2f} x torch;",
            _parts(mode, tiles, times[name]),
        )
    core.close()


class Torch:
    """transformers' tower in a process of its own, in the type torch is faster in here."""

    def __init__(self, python: str, folder: Path, threads: int) -> None:
        arguments = [python, "-W", "ignore", "-c", _TORCH, str(folder), str(threads)]
        self._process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        while (line := self._line()) != "ready":
            name, linear, attention = json.loads(line)
            print(f"{name:15s} linear {linear:.0f}, attention {attention:.0f} GFLOP/s")

    def run(self) -> None:
        """One picture."""
        assert self._process.stdin
        self._process.stdin.write("run\n")
        self._process.stdin.flush()
        self._line()

    def _line(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("torch did not run; give a Python that has torch and transformers with --torch")
        return line.strip()

    def __enter__(self) -> "Torch":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def _parts(mode: str, tiles: int, seconds: float) -> str:
    """The arithmetic of the layers run, and what the whole tower will take."""
    rows, real = (4 if mode == "exact" else tiles) * 1608, tiles * 1601
    layers = TOWER_LAYERS + GLOBAL_LAYERS
    linear = layers * rows * 2 * (4 * files.TOWER**2 + 2 * files.TOWER * files.TOWER_MLP)
    attention = layers * 4 * (rows**2 - (rows - real) ** 2) * files.TOWER
    whole = seconds / layers * (files.TOWER_LAYERS + files.GLOBAL_LAYERS)
    return f"{(linear + attention) / seconds / 1e9:.0f} GFLOP/s over all; 40 layers about {whole:.0f} s"


def _noise(side: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)


# --- whole answers ---------------------------------------------------------------------------------------------------


def followup(options: argparse.Namespace) -> None:
    """Time to the first token: first question, follow-up, another picture under the same system message."""
    path = options.dir / f"some-{options.tower}.gguf"
    if not path.exists():
        files.vision_file(
            path, tower_mix=options.tower, layers=5, cross=(3,), tower_layers=2, global_layers=1, taps=(1,)
        )
    _converse(path, options)


def whole(options: argparse.Namespace) -> None:
    """The whole 11B: first answer, follow-up, peak memory."""
    path = options.dir / f"whole-{options.tower}.gguf"
    if not path.exists():
        files.vision_file(path, tower_mix=options.tower)
    print(f"{path.stat().st_size / 1e9:.2f} GB")
    _converse(path, options)


def _converse(path: Path, options: argparse.Namespace) -> None:
    start = time.monotonic()
    spec = ModelSpec(path=str(path), options=EngineOptions(context=2048, threads=options.threads))
    model = mllama.load(spec, lambda _: None, Cancel())
    print(f"loaded in {time.monotonic() - start:.1f} s")
    shown = [
        Picture(640, 480, np.ascontiguousarray(_noise(640)[:480]).tobytes()),
        Picture(500, 500, _noise(500).tobytes()),
    ]
    pictures = {picture.digest: picture for picture in shown}
    system = Message(role="system", text="You describe pictures in a few plain words. " * 3)
    first = Message(role="user", text="What is in this picture?", pictures=(shown[0].digest,))
    again = Message(role="user", text="What is in this picture?", pictures=(shown[1].digest,))
    follow_up = (
        first,
        Message(role="assistant", text="A red circle."),
        Message(role="user", text="And what else is there?"),
    )
    for name, messages in (("first", (first,)), ("follow-up", follow_up), ("another picture", (again,))):
        ask = Ask(model=spec, messages=(system, *messages), sampling=Sampling(max_tokens=8))
        finished = model.answer(ask, pictures, lambda _: None, Cancel())
        s = finished.stats
        rate = (s.written_tokens - 1) / s.write_s if s.write_s and s.written_tokens > 1 else 0.0
        print(
            f"{name:16s} first token after {s.first_token_s:7.2f} s (picture {s.look_s:.2f}, reading {s.read_s:.2f}); "
            f"{s.reused_tokens} of {s.prompt_tokens} tokens kept; {rate:.2f} tokens/s"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"peak memory {peak:.2f} GB, the mapped file included")
    model.close()


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "decode": text,
    "prefill": text,
    "ceilings": ceilings,
    "vision": vision,
    "followup": followup,
    "whole": whole,
}

if __name__ == "__main__":
    main()

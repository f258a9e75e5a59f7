"""How soon the first word of an answer comes, the first time and on a follow-up, beside llama-cpp-python's own handler.

Both run the same files with the same threads, context and flash attention, each in a process of its own with the same
environment, taking turns. Without `--model`, a pair with random weights is written whose picture takes far longer to
look at than its text to read, as with real models on a CPU.

    python -m benchmarks.follow_up [--rounds 5] [--threads N] [--small] [--model M.gguf --mmproj P.gguf] [--json]

Ends with status 1 if a follow-up looked at a picture again, was less than ten times as fast as the handler's, or if the
first answer was more than a tenth slower. With `--small` or a model of your own the figures are only printed.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from app.engine import machine
from app.engine.client import EngineClient
from app.engine.supervisor import child_environment
from app.values import Ask, EngineOptions, Failed, Finished, Load, Message, ModelSpec, Picture, Piece, Sampling
from tests import models
from tests.handler import Handler

CONTEXT = 4096
QUESTION = "what is in the picture?"
ANSWER = "a red house and a tree"
FOLLOW_UP = "is the door open?"

Row = dict[str, float]
"""first_token_s, computed_tokens, pictures_encoded of one answer."""


def picture(seed: int) -> Picture:
    pixels = np.random.default_rng(seed).integers(0, 256, (600, 800, 3), dtype=np.uint8)
    return Picture(800, 600, pixels.tobytes(), f"noise {seed}")


def turns(seen: Picture) -> tuple[Sequence[Message], Sequence[Message]]:
    first = [Message(role="user", text=QUESTION, pictures=(seen.digest,))]
    return first, [*first, Message(role="assistant", text=ANSWER), Message(role="user", text=FOLLOW_UP)]


# --- ours: through the client, as the window does ---------------------------------------------------------------------


def ask(client: EngineClient, spec: ModelSpec, messages: Sequence[Message], seen: Picture) -> Row:
    began, first = time.monotonic(), 0.0
    for event in client.run(Ask(model=spec, messages=tuple(messages), sampling=Sampling(max_tokens=4)), [seen]):
        if isinstance(event, Piece):
            first = first or time.monotonic() - began
        elif isinstance(event, Failed):
            sys.exit(f"{event.what} {event.todo}\n{event.detail}")
        elif isinstance(event, Finished):
            stats = event.stats
    return {
        "first_token_s": first,
        "computed_tokens": stats.computed_tokens,
        "pictures_encoded": stats.pictures_encoded,
    }


@contextmanager
def loaded(spec: ModelSpec) -> Iterator[EngineClient]:
    """An engine with the model in it and its pages touched: a question about no picture has been answered."""
    with EngineClient() as client:
        list(client.run(Load(model=spec)))
        list(
            client.run(Ask(model=spec, messages=(Message(role="user", text="hello"),), sampling=Sampling(max_tokens=2)))
        )
        yield client


# --- the handler: a process that answers one line of JSON a line -----------------------------------------------------


def serve_handler(pair: models.Pair, threads: int) -> None:
    with Handler(pair, context=CONTEXT, threads=threads, flash=True) as handler:
        handler.ask([Message(role="user", text="hello")], {}, 2)
        print("ready", flush=True)
        for line in sys.stdin:
            seed, turn = json.loads(line)
            seen = picture(seed)
            reply = handler.ask(turns(seen)[turn], {seen.digest: seen}, 4)
            row = {
                "first_token_s": reply.first_token_s,
                "computed_tokens": reply.computed_tokens,
                "pictures_encoded": 1,
            }
            print(json.dumps(row), flush=True)


class HandlerProcess:
    def __init__(self, pair: models.Pair, threads: int) -> None:
        command = [sys.executable, "-m", "benchmarks.follow_up", "--threads", str(threads)]
        command += ["--model", str(pair.model), "--mmproj", str(pair.projector), "--serve-handler"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=child_environment(),
        )  # fmt: skip
        self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            sys.exit("the handler's process ended")
        return line

    def ask(self, seed: int, turn: int) -> Row:
        assert self._process.stdin is not None
        print(json.dumps([seed, turn]), file=self._process.stdin, flush=True)
        row: Row = json.loads(self._line())
        return row

    def close(self) -> None:
        self._process.communicate()


# --- the run ----------------------------------------------------------------------------------------------------------


def measure(pair: models.Pair, rounds: int, threads: int, cache: Path) -> dict[str, list[Row]]:
    options = EngineOptions(context=CONTEXT, flash="on", threads=threads, cache_dir=str(cache))
    spec = ModelSpec(path=str(pair.model), projector=str(pair.projector), options=options)
    rows: dict[str, list[Row]] = {}
    handler = HandlerProcess(pair, threads)
    with loaded(spec) as client:
        for seed in range(rounds):
            seen = picture(seed)
            for turn, name in enumerate(("first answer", "follow-up")):
                rows.setdefault(f"{name}, Spyglass", []).append(ask(client, spec, turns(seen)[turn], seen))
                rows.setdefault(f"{name}, handler", []).append(handler.ask(seed, turn))
    handler.close()
    with loaded(spec) as client:
        for seed in range(rounds):
            seen = picture(seed)
            rows.setdefault("reopened in a new process, Spyglass", []).append(ask(client, spec, turns(seen)[1], seen))
    return rows


def median(rows: list[Row], figure: str) -> float:
    return statistics.median(row[figure] for row in rows)


def show(rows: dict[str, list[Row]]) -> None:
    print(f"{'':38} {'first token':>12} {'tokens computed':>16} {'pictures encoded':>17}")
    for name, each in rows.items():
        seconds, tokens, pictures = (median(each, f) for f in ("first_token_s", "computed_tokens", "pictures_encoded"))
        print(f"{name:38} {seconds:10.3f} s {tokens:16.0f} {pictures:17.0f}")


def verdict(rows: dict[str, list[Row]]) -> list[str]:
    """What is not as it should be."""
    seconds = {name: median(each, "first_token_s") for name, each in rows.items()}
    faster = seconds["follow-up, handler"] / seconds["follow-up, Spyglass"]
    slower = seconds["first answer, Spyglass"] / seconds["first answer, handler"]
    print(f"follow-up: {faster:.1f} times as fast as the handler's; first answer: {slower:.2f} times as long as its")
    looked = [
        n for n in ("follow-up, Spyglass", "reopened in a new process, Spyglass") if median(rows[n], "pictures_encoded")
    ]
    return (
        [f"{name}: looked at a picture again" for name in looked]
        + ["follow-up: less than ten times as fast"] * (faster < 10)
        + ["first answer: more than a tenth slower"] * (slower > 1.1)
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=machine.threads())
    parser.add_argument("--small", action="store_true", help="a tiny pair, to see that the benchmark works")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--mmproj", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve-handler", action="store_true", help=argparse.SUPPRESS)
    chosen: Any = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        own = chosen.model is not None
        shape = models.TINY if chosen.small else models.HEAVY_VISION
        pair = models.Pair(chosen.model, chosen.mmproj) if own else models.write_pair(Path(folder), shape)
        if chosen.serve_handler:
            serve_handler(pair, chosen.threads)
            return 0
        rows = measure(pair, chosen.rounds, chosen.threads, Path(folder) / "cache")
    if chosen.json:
        print(json.dumps(rows))
        return 0
    show(rows)
    problems = verdict(rows)
    print(*problems, sep="\n", end="\n" * bool(problems))
    return int(bool(problems) and not own and not chosen.small)


if __name__ == "__main__":
    sys.exit(main())

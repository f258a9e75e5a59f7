"""A family without weights: it echoes the question, or follows a script that can fail in every way a model can.

For `--model echo`, for demonstrations, and for the tests of everything around the engine. A script is JSON,
`{"load": [STEP...], "answer": [STEP...]}`, in the file named by the model path `echo:FILE`, or as the text of the
question itself; `steps.py` has the steps.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.engine.families import Cancel, Emit, LoadCancelled, Progress
from app.engine.families.echo.steps import AnyStep, Look, Read, Say, Script, Stage, read_script
from app.errors import UsageError
from app.values import Ask, Event, Finished, Loading, ModelSpec, Picture, Stats


def load(spec: ModelSpec, progress: Progress, cancel: Cancel) -> "EchoModel":
    """Play the script's load steps. Raises UsageError for a script that cannot be read, LoadCancelled."""
    _, _, path = spec.path.partition(":")
    script = read_script(_read(path)) if path else Script()

    def tell(event: Event) -> None:
        if isinstance(event, Loading):
            progress(event.fraction)

    progress(0.0)
    for step in script.load:
        step.play(Stage(tell, cancel))
        if cancel.is_set():
            raise LoadCancelled
    progress(1.0)
    return EchoModel(script)


class EchoModel:
    """Says what it was asked, or does what the script says."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def answer(self, ask: Ask, pictures: Mapping[str, Picture], emit: Emit, cancel: Cancel) -> Finished:
        """Answer as the Model protocol says. Raises UsageError for a question that begins a script but is none."""
        stage = Stage(emit, cancel)
        question = ask.messages[-1].text if ask.messages else ""
        steps = read_script(question.encode()).answer if question.startswith('{"answer"') else self._script.answer
        for step in steps or _echo(ask, question, pictures):
            if cancel.is_set():
                break
            step.play(stage)
        words = sum(len(m.text.split()) for m in ask.messages)
        stats = Stats(
            prompt_tokens=words,
            computed_tokens=words,
            pictures=len(pictures),
            written_tokens=stage.written,
            first_token_s=stage.first,
            write_s=time.monotonic() - stage.began,
            probability=0.9,
        )
        return Finished(reason="cancelled" if cancel.is_set() else "stop", stats=stats)

    def close(self) -> None:
        """Nothing to free."""


def example(schema: Mapping[str, Any], text: str) -> Any:
    """A value that follows a JSON schema in the simplest way, with `text` wherever a text may stand."""
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for either in ("anyOf", "oneOf"):
        if schema.get(either):
            return example(schema[either][0], text)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if kind == "object":
        return {name: example(part, text) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [example(schema.get("items", {}), text)] * max(1, schema.get("minItems", 1))
    simple: dict[str, Any] = {
        "integer": int(schema.get("minimum", 0)),
        "number": float(schema.get("minimum", 0)),
        "boolean": True,
        "null": None,
    }
    return simple.get(kind, text[: schema.get("maxLength", len(text))])


def _echo(ask: Ask, question: str, pictures: Mapping[str, Picture]) -> list[AnyStep]:
    looks: list[AnyStep] = [Look(picture=i, of=len(pictures)) for i in range(len(pictures))]
    if ask.schema is not None:
        return [*looks, Read(), Say(json.dumps(example(ask.schema, question), ensure_ascii=False))]
    sizes = " and ".join(f"a picture of {p.width} x {p.height}" for p in pictures.values())
    return [*looks, Read(), Say(f"You showed me {sizes} and asked: {question}" if sizes else f"You asked: {question}")]


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as e:
        raise UsageError("The echo script cannot be read.", "Check its path.", str(e)) from e

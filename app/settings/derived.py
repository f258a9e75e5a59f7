"""What the settings amount to where they are used: as the engine's options, in bytes, with a seed drawn."""

import secrets
from typing import Literal, cast

from app import paths
from app.settings.schema import Settings
from app.values import EngineOptions, Sampling

_MIB = 1 << 20


def engine_options(settings: Settings) -> EngineOptions:
    """How the engine is to run any model."""
    return EngineOptions(
        context=settings["engine.context"],
        kv=cast(Literal["f16", "q8_0"], settings["engine.kv"]),
        flash=cast(Literal["auto", "on", "off"], settings["engine.flash"]),
        threads=settings["engine.threads"],
        gpu_layers=settings["engine.gpu_layers"],
        vision=cast(Literal["exact", "fast"], settings["engine.vision"]),
        cache_dir=str(paths.cache_dir() / "pictures"),
        cache_memory=settings["cache.memory"] * _MIB,
        cache_disk=settings["cache.disk"] * _MIB,
    )


def camera_format(settings: Settings) -> tuple[int, int, float]:
    """Width, height and frames a second to ask a camera for."""
    width, height = settings["camera.size"].split("x")
    return int(width), int(height), settings["camera.fps"]


def conversations_limit(settings: Settings) -> int:
    """Bytes that conversations may take on disk."""
    return int(settings["chat.disk"] * _MIB)


def memory_limit(settings: Settings) -> int | None:
    """Bytes the engine process may take, None for the engine's own choice."""
    return settings["engine.memory_limit"] * _MIB or None


def sampling(settings: Settings) -> Sampling:
    """How words are chosen. Seed 0 becomes one that was not used before."""
    return Sampling(
        temperature=settings["answer.temperature"],
        top_p=settings["answer.top_p"],
        min_p=settings["answer.min_p"],
        seed=settings["answer.seed"] or 1 + secrets.randbelow((1 << 31) - 1),
        max_tokens=settings["answer.max_tokens"],
    )

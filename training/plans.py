"""How large the model is and how long it learns, for two cores or for one GPU."""

from dataclasses import dataclass

from .sizes import TextSize, VisionSize

ALL = ("heads", "tower", "language")
LARGE = (("single", 0.44), ("pair", 0.15), ("page", 0.17), ("sign", 0.17), ("nothing", 0.07))
"""Scenes of the first lessons: large things, one or two, and much to read."""
ANY = (("single", 0.17), ("small", 0.07), ("several", 0.35), ("sign", 0.25), ("chart", 0.03), ("nothing", 0.13))
"""Scenes of any sort that one can be asked about."""

DENSE = (("collage", 0.27), ("crowd", 0.24), ("several", 0.14), ("page", 0.19), ("single", 0.09), ("nothing", 0.07))
"""Scenes that nothing is said about: as much to see as goes into a picture."""


@dataclass(frozen=True)
class Stage:
    """One part of the training.

    ``learns``: which parts of the pupil do, out of ``ALL``. ``tiles`` 1 leaves missing tiles out (cheap first
    lessons), 0 has them all. ``talk_every``: of how many pictures one is talked about; ``silent``: scenes of the rest,
    and ``full``: the share of these that fill all tiles. ``tower_share`` and ``heads_share``: their shares of the rate.
    ``decay``: the share of the steps, the last ones, in which it falls."""

    name: str
    steps: int
    batch: int
    rate: float
    tiles: int = 0
    learns: tuple[str, ...] = ALL
    scenes: tuple[tuple[str, float], ...] = ANY
    full: float = 0.0
    silent: tuple[tuple[str, float], ...] = ()
    talk_every: int = 1
    tower_share: float = 1.0
    heads_share: float = 1.0
    decay: float = 0.0
    seed: int = 17


@dataclass(frozen=True)
class Plan:
    vision: VisionSize
    text: TextSize
    stages: tuple[Stage, ...]


CPU = Plan(
    VisionSize(),
    TextSize(),
    (
        Stage("one tile", 2500, 160, 1e-3, tiles=1, learns=("heads", "tower"), scenes=LARGE, decay=0.5),
        Stage("all", 4000, 96, 7e-4, silent=DENSE, talk_every=2, tower_share=0.7, decay=1.0),
        Stage("language", 1500, 64, 7e-4, learns=("language",), decay=1.0),
    ),
)
"""From nothing: some hours on two cores of which nothing else has a share. The rates are those that proved right for
``MORE``; with them it has not been run."""

MORE = Plan(
    VisionSize(),
    TextSize(),
    (
        Stage("heads", 60, 96, 3e-3, learns=("heads",), scenes=DENSE, seed=91),
        Stage(
            "tower",
            220,
            48,
            8e-4,
            learns=("heads", "tower"),
            scenes=DENSE,
            full=0.8,
            heads_share=2.0,
            decay=0.3,
            seed=92,
        ),
        Stage("more", 1750, 48, 7e-4, silent=DENSE, full=0.8, talk_every=2, tower_share=0.7, decay=1.0, seed=93),
        Stage("language", 200, 64, 6e-4, learns=("language",), decay=1.0, seed=94),
    ),
)
"""From the starter that ships, whose heads were thrown away, further on: about two hours on two cores."""

GPU = Plan(
    VisionSize(tiles=4, width=320, heads=10, mlp=1280, layers=8, global_layers=2, intermediate=(1, 3, 5, 7)),
    TextSize(width=256, heads=8, kv_heads=8, mlp=704, layers=8),
    (
        Stage("one tile", 3500, 512, 1.5e-3, tiles=1, learns=("heads", "tower"), scenes=LARGE),
        Stage("tiles", 1500, 256, 1.2e-3, learns=("heads", "tower")),
        Stage("language", 500, 192, 1.5e-3, learns=("language",)),
        Stage("all", 5000, 192, 1e-3, tower_share=0.7, decay=0.6),
    ),
)
"""About half an hour. Drawing the pictures is what limits a GPU: give it all the cores there are."""

PLANS = {"cpu": CPU, "more": MORE, "gpu": GPU}

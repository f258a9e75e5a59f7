"""How large the model is and how long it learns, for two cores or for one GPU."""

from dataclasses import dataclass

from .sizes import TextSize, VisionSize


@dataclass(frozen=True)
class Stage:
    """One part of the training. ``tiles`` 1 leaves missing tiles out
    (cheap first lessons), 0 has them all; ``language`` adds the decoder;
    ``tower`` says whether the tower learns too; ``decay`` is the share of the steps, at the end, in which the rate
    falls."""

    name: str
    steps: int
    batch: int
    rate: float
    tiles: int = 0
    language: bool = True
    tower: bool = True
    tower_share: float = 1.0
    decay: float = 0.0


@dataclass(frozen=True)
class Plan:
    vision: VisionSize
    text: TextSize
    stages: tuple[Stage, ...]


CPU = Plan(
    VisionSize(),
    TextSize(),
    (
        Stage("one tile", 2500, 160, 1.5e-3, tiles=1, language=False),
        Stage("all", 4000, 48, 1.2e-3, tower_share=0.7, decay=1.0),
    ),
)
"""About three hours on two cores of which nothing else has a share."""

GPU = Plan(
    VisionSize(tiles=4, width=320, heads=10, mlp=1280, layers=8, global_layers=2, intermediate=(1, 3, 5, 7)),
    TextSize(width=256, heads=8, mlp=704, layers=8),
    (
        Stage("one tile", 3500, 512, 1.5e-3, tiles=1, language=False),
        Stage("tiles", 1500, 256, 1.2e-3, language=False),
        Stage("language", 500, 192, 1.5e-3, tower=False),
        Stage("all", 5000, 192, 1e-3, tower_share=0.7, decay=0.6),
    ),
)
"""About half an hour. Drawing the pictures is what limits a GPU: give it all the cores there are."""

PLANS = {"cpu": CPU, "gpu": GPU}

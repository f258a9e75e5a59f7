"""What a Llama 3.2 Vision model consists of: its sizes, and by these its tensors' names and shapes in a GGUF file.

Pure, for who writes such files and who runs them.
"""

from dataclasses import dataclass

Shapes = dict[str, tuple[int, ...]]
Channels = tuple[float, float, float]
"""A number for each of red, green and blue."""

PUBLISHED_MEAN: Channels = (0.48145466, 0.4578275, 0.40821073)
PUBLISHED_STD: Channels = (0.26862954, 0.26130258, 0.27577711)
"""What Meta's models were trained with, and what is meant where a file says nothing of it."""


def arrangements(max_tiles: int) -> tuple[tuple[int, int], ...]:
    """The (tiles high, tiles wide) a picture may be cut into, in the order of their ids (the first is id 1).

    Follows Meta's `find_supported_resolutions` as the published configuration lists it: by height, then by width.
    """
    return tuple((h, w) for h in range(1, max_tiles + 1) for w in range(1, max_tiles // h + 1))


@dataclass(frozen=True)
class VisionConfig:
    """Sizes of the vision tower."""

    width: int
    heads: int
    mlp: int
    layers: int
    global_layers: int
    taps: tuple[int, ...]
    """The layers whose inputs are kept as intermediate states; `layers` stands for the last one's output."""
    norm_eps: float
    tile: int
    """Side of a tile in pixels."""
    patch: int
    channels: int
    max_tiles: int
    kinds: int
    """Arrangements that have embeddings, the first of `arrangements`; more than there are is padding."""
    mean: Channels = PUBLISHED_MEAN
    std: Channels = PUBLISHED_STD
    """The tower sees (pixel - mean) / std, pixels from 0 to 1."""

    def __post_init__(self) -> None:
        """Raises ValueError for sizes that contradict one another."""
        if self.width % self.heads or self.tile < self.patch or self.channels != 3:
            raise ValueError(
                f"{self.heads} heads in {self.width}, patches of {self.patch} in {self.tile}, {self.channels} channels"
            )
        if min(self.std) <= 0:
            raise ValueError(f"pixels are divided by {self.std}")

    @property
    def arrangements(self) -> tuple[tuple[int, int], ...]:
        """The (tiles high, tiles wide) a picture may be cut into, in the order of their ids."""
        return arrangements(self.max_tiles)[: self.kinds]

    @property
    def patches(self) -> int:
        """Patches of a tile, without the class token."""
        return (self.tile // self.patch) ** 2

    @property
    def rows(self) -> int:
        """Rows of a tile: its patches and the class token."""
        return self.patches + 1

    @property
    def padding(self) -> int:
        """Zero rows that fill a tile up to a multiple of 8."""
        return -self.rows % 8

    @property
    def features(self) -> int:
        """Features of a patch after the tower: the final state and the intermediate ones."""
        return self.width * (1 + len(self.taps))


@dataclass(frozen=True)
class TextConfig:
    """Sizes of the text decoder."""

    width: int
    layers: int
    cross_layers: tuple[int, ...]
    heads: int
    kv_heads: int
    head_size: int
    mlp: int
    norm_eps: float
    rope_base: float
    context: int
    """Tokens the model was trained for."""

    def __post_init__(self) -> None:
        """Raises ValueError for sizes that contradict one another."""
        if not 0 < len(self.cross_layers) < self.layers:
            raise ValueError(f"{len(self.cross_layers)} of {self.layers} layers look at pictures")
        if self.heads % self.kv_heads or self.head_size < 2 or self.head_size % 2:
            raise ValueError(f"{self.heads} heads of {self.head_size}, {self.kv_heads} for keys")

    @property
    def self_layers(self) -> tuple[int, ...]:
        return tuple(i for i in range(self.layers) if i not in self.cross_layers)


@dataclass(frozen=True)
class Config:
    text: TextConfig
    vision: VisionConfig


def expected(config: Config) -> Shapes:
    """Name -> shape in ggml's order of every tensor without which the model cannot run."""
    text, vision = config.text, config.vision
    kinds = vision.kinds + 1
    shapes: Shapes = {
        "output_norm.weight": (text.width,),
        "mm.0.weight": (vision.features, text.width),
        "mm.0.bias": (text.width,),
        "v.patch_embd.weight": (vision.patch, vision.patch, vision.channels, vision.width),
        "v.class_embd": (vision.width,),
        "v.position_embd.weight": (vision.width, vision.rows),
        "v.tile_position_embd.weight": (vision.width * vision.rows * vision.max_tiles, kinds),
        "v.pre_tile_position_embd.weight": (vision.width * vision.max_tiles, kinds),
        "v.post_tile_position_embd.weight": (vision.width * vision.max_tiles, kinds),
    }
    for name in ("position_embd", "tile_position_embd", "pre_tile_position_embd", "post_tile_position_embd"):
        shapes[f"v.{name}.gate"] = (1,)
    for name in ("v.pre_ln", "v.post_ln"):
        shapes |= {f"{name}.weight": (vision.width,), f"{name}.bias": (vision.width,)}
    for i in range(vision.layers):
        shapes |= _vision_layer(f"v.blk.{i}.", vision)
    for i in range(vision.global_layers):
        block = f"v.global.blk.{i}."
        shapes |= _vision_layer(block, vision) | {f"{block}attn_gate": (1,), f"{block}ffn_gate": (1,)}
    for i in range(text.layers):
        shapes |= _text_layer(i, text)
    return shapes


def _vision_layer(block: str, c: VisionConfig) -> Shapes:
    square, vector = (c.width, c.width), (c.width,)
    shapes: Shapes = {f"{block}attn_{part}.weight": square for part in ("q", "k", "v", "output")}
    for norm in ("attn_norm", "ffn_norm"):
        shapes |= {f"{block}{norm}.weight": vector, f"{block}{norm}.bias": vector}
    shapes |= {f"{block}ffn_up.weight": (c.width, c.mlp), f"{block}ffn_up.bias": (c.mlp,)}
    return shapes | {f"{block}ffn_down.weight": (c.mlp, c.width), f"{block}ffn_down.bias": vector}


def _text_layer(i: int, c: TextConfig) -> Shapes:
    block, q, kv = f"blk.{i}.", c.heads * c.head_size, c.kv_heads * c.head_size
    shapes: Shapes = {f"{block}{norm}.weight": (c.width,) for norm in ("attn_norm", "ffn_norm")}
    shapes |= {f"{block}ffn_{part}.weight": (c.width, c.mlp) for part in ("gate", "up")}
    shapes[f"{block}ffn_down.weight"] = (c.mlp, c.width)
    name = "cross_attn_{}_proj.weight" if i in c.cross_layers else "attn_{}.weight"
    for part, shape in (("q", (c.width, q)), ("k", (c.width, kv)), ("v", (c.width, kv))):
        shapes[block + name.format(part)] = shape
    if i not in c.cross_layers:
        return shapes | {f"{block}attn_output.weight": (q, c.width)}
    shapes |= {f"{block}cross_attn_{part}_norm.weight": (c.head_size,) for part in ("q", "k")}
    shapes |= {f"{block}cross_attn_{part}_gate": (1,) for part in ("attn", "mlp")}
    return shapes | {f"{block}cross_attn_o_proj.weight": (q, c.width)}

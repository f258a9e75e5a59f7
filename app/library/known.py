"""Models to begin with: which there are, how large they are, and whether they would run here."""

from dataclasses import dataclass

_GB = 1_000_000_000
_BESIDE = 0.15
"""KV cache and working memory as a share of the files' size, roughly. What is really needed is counted on loading."""
_BANDWIDTH_A_CORE, _BANDWIDTH = 11 * _GB, 60 * _GB
"""Bytes a second that weights are read with: as measured on two cores (docs/llama-vision.md), and what common machines
have at most."""


@dataclass(frozen=True)
class Known:
    """size: bytes to fetch, the projector included, about. read: bytes of weights that are read for every token.
    repository: where it is on Hugging Face, owner and name."""

    title: str
    repository: str
    licence: str
    size: int
    read: int
    checkpoint: bool = False
    """Whether it has to be converted to GGUF first, and asks for a consent that belongs in a browser."""

    @property
    def name(self) -> str:
        """What it is called in the terminal."""
        return self.title.lower().replace(" ", "-")

    @property
    def page(self) -> str:
        return f"https://huggingface.co/{self.repository}"

    @property
    def needs(self) -> int:
        """Bytes of memory it takes, about."""
        return round(self.size * (1 + _BESIDE))

    def speed(self, cores: int) -> float:
        """Tokens a second it writes with, at a guess: weights have to come from memory for each."""
        return min(cores * _BANDWIDTH_A_CORE, _BANDWIDTH) / self.read


KNOWN: tuple[Known, ...] = (
    Known("SmolVLM2 2.2B", "ggml-org/SmolVLM2-2.2B-Instruct-GGUF", "Apache-2.0", 1_705_000_000, 1_110_000_000),
    Known("Gemma 3 4B", "ggml-org/gemma-3-4b-it-GGUF", "Gemma Terms of Use", 3_340_000_000, 2_490_000_000),
    Known("Qwen2.5-VL 7B", "ggml-org/Qwen2.5-VL-7B-Instruct-GGUF", "Apache-2.0", 5_540_000_000, 4_680_000_000),
    Known(
        "Llama 3.2 Vision 11B",
        "meta-llama/Llama-3.2-11B-Vision-Instruct",
        "Llama 3.2 Community License",
        6_800_000_000,
        4_600_000_000,
        checkpoint=True,
    ),
)
"""Smallest first; sizes in Q4_K_M with the projector, of Llama as `spyglass models convert` writes it."""

"""Llama 3.2 Vision in torch, small and readable: the architecture the starter is trained in.

Written from Meta's reference semantics; module names are those of the published checkpoints, so ``state_dict`` is a
checkpoint. Shapes: B pictures, T tiles, R rows a tile (patches + class token, padded to a multiple of 8), N text
tokens.
"""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .sizes import TextSize, VisionSize
from .text import LanguageModel
from .vision import VisionModel


class Mllama(nn.Module):
    """The whole model: tower, projector, decoder."""

    def __init__(self, vision: VisionSize, text: TextSize) -> None:
        super().__init__()
        self.vision_model = VisionModel(vision)
        self.multi_modal_projector = nn.Linear(vision.output, text.width)
        self.language_model = LanguageModel(text)
        self.apply(_initialise)

    def compile_layers(self) -> None:
        """Fuse what lies between the products, which a CPU spends half its time on. Needs a C++ compiler."""
        tower = self.vision_model
        for layer in (*tower.transformer.layers, *tower.global_transformer.layers):
            layer.compile()
        for layer in self.language_model.model.layers:
            way = "look" if layer.is_cross else "read"
            setattr(layer, way, torch.compile(getattr(layer, way)))

    def project(self, features: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
        """Tower features -> (picture rows (B, M, width), which of them belong to real tiles (B, M))."""
        t, rows = features.shape[1:3]
        real = torch.arange(t, device=count.device)[None] < count[:, None]
        return self.multi_modal_projector(features).flatten(1, 2), real.repeat_interleave(rows, 1)

    def forward(self, tiles: Tensor, arrangement: Tensor, count: Tensor, tokens: Tensor) -> Tensor:
        picture, seen_rows = self.project(self.vision_model(tiles, arrangement, count), count)
        return self.language_model(tokens, picture, seen_rows)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Conv2d):
        nn.init.trunc_normal_(module.weight, std=module.weight[0].numel() ** -0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.02 if module.weight.shape[0] < 16 else 0.5)  # tile embeddings, tokens


def sizes_from_config(config: dict[str, Any]) -> tuple[VisionSize, TextSize]:
    v, t = config["vision_config"], config["text_config"]
    rope = t["rope_parameters"]
    vision = VisionSize(
        v["hidden_size"],
        v["attention_heads"],
        v["intermediate_size"],
        v["num_hidden_layers"],
        v["num_global_layers"],
        tuple(v["intermediate_layers_indices"]),
        v["image_size"],
        v["patch_size"],
        v["max_num_tiles"],
    )
    text = TextSize(
        t["vocab_size"],
        t["hidden_size"],
        t["num_attention_heads"],
        t["num_key_value_heads"],
        t["intermediate_size"],
        t["num_hidden_layers"],
        tuple(t["cross_attention_layers"]),
        rope["rope_theta"],
        rope["factor"],
        rope["original_max_position_embeddings"],
    )
    return vision, text


def load_checkpoint(folder: Path) -> Mllama:
    """A model in Hugging Face form, for checks against other implementations."""
    from safetensors.torch import load_file

    model = Mllama(*sizes_from_config(json.loads((folder / "config.json").read_text())))
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval()

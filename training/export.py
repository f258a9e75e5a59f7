"""The trained model in Hugging Face checkpoint form, as the published ones are, and from that the starter's GGUF."""

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

from . import restart
from .model import Mllama
from .paths import CHECKPOINT, TOKENIZER
from .plans import PLANS, Plan
from .samples import MEAN, STD
from .sizes import arrangements
from .tokens import VOCABULARY
from .train import save

_CHAT_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<|image|>{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}"
    "<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
_CONTEXT = 4096
_MODEL = "mllama."
"""How the names of the model's weights begin in a training checkpoint."""


def _config(model: Mllama, tokenizer: Tokenizer) -> dict[str, Any]:
    vision, text = model.vision_model.size, model.language_model.size
    rope = {
        "rope_type": "llama3",
        "rope_theta": text.rope_base,
        "factor": text.rope_factor,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": text.rope_original,
    }
    return {
        "architectures": ["MllamaForConditionalGeneration"],
        "model_type": "mllama",
        "dtype": "float32",
        "image_token_index": text.vocabulary,
        "text_config": {
            "model_type": "mllama_text_model",
            "vocab_size": text.vocabulary,
            "hidden_size": text.width,
            "intermediate_size": text.mlp,
            "num_hidden_layers": text.layers,
            "num_attention_heads": text.heads,
            "num_key_value_heads": text.kv_heads,
            "cross_attention_layers": list(text.cross_layers),
            "hidden_act": "silu",
            "rms_norm_eps": 1e-5,
            "max_position_embeddings": _CONTEXT,
            "rope_theta": text.rope_base,
            "rope_parameters": rope,
            "rope_scaling": {key: value for key, value in rope.items() if key != "rope_theta"},
            "tie_word_embeddings": False,
            "dropout": 0.0,
            "initializer_range": 0.02,
            "use_cache": True,
            **_ends(tokenizer),
        },
        "vision_config": {
            "model_type": "mllama_vision_model",
            "hidden_size": vision.width,
            "attention_heads": vision.heads,
            "intermediate_size": vision.mlp,
            "num_hidden_layers": vision.layers,
            "num_global_layers": vision.global_layers,
            "intermediate_layers_indices": list(vision.intermediate),
            "image_size": vision.tile,
            "patch_size": vision.patch,
            "max_num_tiles": vision.tiles,
            "num_channels": 3,
            "norm_eps": 1e-5,
            "hidden_act": "gelu",
            "initializer_range": 0.02,
            "vision_output_dim": vision.output,
            "supported_aspect_ratios": [list(a) for a in arrangements(vision.tiles)],
        },
    }


def _ends(tokenizer: Tokenizer) -> dict[str, Any]:
    ends = [tokenizer.token_to_id(t) for t in ("<|end_of_text|>", "<|eom_id|>", "<|eot_id|>")]
    return {
        "bos_token_id": tokenizer.token_to_id("<|begin_of_text|>"),
        "eos_token_id": ends,
        "pad_token_id": tokenizer.token_to_id("<|finetune_right_pad_id|>"),
    }


def write_checkpoint(model: Mllama, tokenizer_file: Path, folder: Path) -> None:
    """config.json, model.safetensors, the tokenizer's and the preprocessor's files."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    if tokenizer.get_vocab_size() != VOCABULARY + 1:
        raise ValueError("the tokenizer does not fit the model")
    tensors = {name: tensor.detach().float().cpu().contiguous() for name, tensor in model.state_dict().items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    files = {
        "config.json": _config(model, tokenizer),
        "generation_config.json": _ends(tokenizer),
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": "<|begin_of_text|>",
            "eos_token": "<|eot_id|>",
            "model_max_length": _CONTEXT,
            "chat_template": _CHAT_TEMPLATE,
        },
        "preprocessor_config.json": {
            "image_processor_type": "MllamaImageProcessor",
            "do_convert_rgb": True,
            "do_normalize": True,
            "do_pad": True,
            "do_rescale": True,
            "do_resize": True,
            "rescale_factor": 1 / 255,
            "resample": 2,
            "image_mean": MEAN,
            "image_std": STD,
            "max_image_tiles": model.vision_model.size.tiles,
            "size": {"height": model.vision_model.size.tile, "width": model.vision_model.size.tile},
        },
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=1))
    (folder / "tokenizer.json").write_bytes(tokenizer_file.read_bytes())


def load_trained(checkpoint: Path, model: Mllama) -> Mllama:
    """The model's weights out of a training checkpoint."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)["model"]
    model.load_state_dict(
        {name.removeprefix(_MODEL): tensor for name, tensor in state.items() if name.startswith(_MODEL)}
    )
    return model.eval()


def weights_of(path: Path, plan: Plan) -> dict[str, torch.Tensor]:
    """What a training checkpoint learned, or of a starter's GGUF, which has no heads, the model alone."""
    if path.suffix == ".gguf":
        model = Mllama(plan.vision, plan.text)
        restart.load(model, path, Tokenizer.from_file(str(TOKENIZER)))
        return {f"{_MODEL}{name}": tensor for name, tensor in model.state_dict().items()}
    weights: dict[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)["model"]
    return weights


def average(before: Path, share: float, plan: Plan) -> None:
    """Make the checkpoint the mean of itself and what it was begun from: what both learned stays, what one of them
    learned by chance weighs less (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models")."""
    old, new = weights_of(before, plan), torch.load(CHECKPOINT, map_location="cpu", weights_only=True)
    for name, tensor in new["model"].items():
        if tensor.is_floating_point() and name in old:
            tensor.lerp_(old[name].to(tensor.dtype), 1 - share)
    save(CHECKPOINT, new)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.export", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the checkpoint goes")
    parser.add_argument("--plan", choices=sorted(PLANS), default="cpu", help="the plan it was trained by")
    parser.add_argument("--before", type=Path, help="what it began from, a checkpoint or a GGUF, to be averaged with")
    parser.add_argument("--share", type=float, default=0.6, help="this one's share in the average")
    options = parser.parse_args()
    plan = PLANS[options.plan]
    if options.before:
        average(options.before, options.share, plan)
    write_checkpoint(load_trained(CHECKPOINT, Mllama(plan.vision, plan.text)), TOKENIZER, options.folder)


if __name__ == "__main__":
    main()

"""What a checkpoint's tensors are called in a GGUF file, and whether all are there."""

import re
from collections.abc import Mapping

from app.errors import ModelError
from app.gguf.mllama import Config, expected

_TEXT_LAYER = {
    "self_attn.q_proj.weight": "attn_q.weight",
    "self_attn.k_proj.weight": "attn_k.weight",
    "self_attn.v_proj.weight": "attn_v.weight",
    "self_attn.o_proj.weight": "attn_output.weight",
    "cross_attn.q_proj.weight": "cross_attn_q_proj.weight",
    "cross_attn.k_proj.weight": "cross_attn_k_proj.weight",
    "cross_attn.v_proj.weight": "cross_attn_v_proj.weight",
    "cross_attn.o_proj.weight": "cross_attn_o_proj.weight",
    "cross_attn.q_norm.weight": "cross_attn_q_norm.weight",
    "cross_attn.k_norm.weight": "cross_attn_k_norm.weight",
    "cross_attn_attn_gate": "cross_attn_attn_gate",
    "cross_attn_mlp_gate": "cross_attn_mlp_gate",
    "input_layernorm.weight": "attn_norm.weight",
    "post_attention_layernorm.weight": "ffn_norm.weight",
    "mlp.gate_proj.weight": "ffn_gate.weight",
    "mlp.up_proj.weight": "ffn_up.weight",
    "mlp.down_proj.weight": "ffn_down.weight",
}
_VISION_LAYER = {
    "self_attn.q_proj.weight": "attn_q.weight",
    "self_attn.k_proj.weight": "attn_k.weight",
    "self_attn.v_proj.weight": "attn_v.weight",
    "self_attn.o_proj.weight": "attn_output.weight",
    "input_layernorm.weight": "attn_norm.weight",
    "input_layernorm.bias": "attn_norm.bias",
    "post_attention_layernorm.weight": "ffn_norm.weight",
    "post_attention_layernorm.bias": "ffn_norm.bias",
    "mlp.fc1.weight": "ffn_up.weight",
    "mlp.fc1.bias": "ffn_up.bias",
    "mlp.fc2.weight": "ffn_down.weight",
    "mlp.fc2.bias": "ffn_down.bias",
    "gate_attn": "attn_gate",
    "gate_ffn": "ffn_gate",
}
_SINGLE = {
    "language_model.embed_tokens.weight": "token_embd.weight",
    "language_model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
    "multi_modal_projector.weight": "mm.0.weight",
    "multi_modal_projector.bias": "mm.0.bias",
    "vision_model.patch_embedding.weight": "v.patch_embd.weight",
    "vision_model.class_embedding": "v.class_embd",
    "vision_model.gated_positional_embedding.embedding": "v.position_embd.weight",
    "vision_model.gated_positional_embedding.gate": "v.position_embd.gate",
    "vision_model.gated_positional_embedding.tile_embedding.weight": "v.tile_position_embd.weight",
    "vision_model.pre_tile_positional_embedding.embedding.weight": "v.pre_tile_position_embd.weight",
    "vision_model.pre_tile_positional_embedding.gate": "v.pre_tile_position_embd.gate",
    "vision_model.post_tile_positional_embedding.embedding.weight": "v.post_tile_position_embd.weight",
    "vision_model.post_tile_positional_embedding.gate": "v.post_tile_position_embd.gate",
    "vision_model.layernorm_pre.weight": "v.pre_ln.weight",
    "vision_model.layernorm_pre.bias": "v.pre_ln.bias",
    "vision_model.layernorm_post.weight": "v.post_ln.weight",
    "vision_model.layernorm_post.bias": "v.post_ln.bias",
}
_LAYERS = (
    (re.compile(r"language_model\.layers\.(\d+)\.(.+)"), "blk.{}.", _TEXT_LAYER),
    (re.compile(r"vision_model\.transformer\.layers\.(\d+)\.(.+)"), "v.blk.{}.", _VISION_LAYER),
    (re.compile(r"vision_model\.global_transformer\.layers\.(\d+)\.(.+)"), "v.global.blk.{}.", _VISION_LAYER),
)


def gguf_name(name: str) -> str | None:
    """The GGUF name of a checkpoint's tensor, whichever prefixes its transformers wrote; None if it is not needed."""
    name = name.removeprefix("model.").replace("language_model.model.", "language_model.")
    name = name.replace("language_model.lm_head.", "lm_head.")
    if name in _SINGLE:
        return _SINGLE[name]
    for pattern, block, parts in _LAYERS:
        found = pattern.fullmatch(name)
        if found and found[2] in parts:
            return block.format(found[1]) + parts[found[2]]
    return None


def check_tensors(found: Mapping[str, tuple[int, ...]], sizes: Config, vocabulary: int) -> dict[str, tuple[int, ...]]:
    """What is needed of `found` (GGUF names, shapes as in the checkpoint), in the shapes that the sizes ask for.

    Sides of 1 may stand anywhere. Raises ModelError naming the first tensor that is missing or has another shape.
    """
    wanted = {name: shape[::-1] for name, shape in expected(sizes).items()}
    del wanted["v.tile_position_embd.gate"]  # in a checkpoint it is one with the other positions' gate
    for name in ("token_embd.weight", "output.weight"):  # the picture's token has a row besides, others are padding
        rows = (found.get(name) or (0,))[0]
        wanted[name] = (max(rows, vocabulary), sizes.text.width)
    missing = sorted(wanted.keys() - found.keys())
    if missing:
        raise ModelError(
            "The checkpoint is incomplete.", "Download all of its files.", f"{len(missing)} missing: {missing[:3]}"
        )
    for name, shape in wanted.items():
        sides = found[name]
        if [side for side in sides if side != 1] != [side for side in shape if side != 1]:
            raise ModelError(
                "The checkpoint's tensors are not those its config.json describes.",
                "Download all of its files again.",
                f"{name} is {sides}, {shape} was expected",
            )
    return wanted

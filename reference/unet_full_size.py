"""Parameter counts and tensor shapes of the published UNets, instantiated by diffusers without memory for weights.

The names and shapes are written as a digest per top-level module: a list of thousands of names says no more, and when a
digest differs `unet_full_size.py --names MODEL` prints what it is made of.
"""

import hashlib
import json
import sys
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel

SD15 = {
    "_class_name": "UNet2DConditionModel",
    "_diffusers_version": "0.6.0.dev0",
    "act_fn": "silu",
    "attention_head_dim": 8,
    "block_out_channels": [320, 640, 1280, 1280],
    "center_input_sample": False,
    "cross_attention_dim": 768,
    "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
    "downsample_padding": 1,
    "flip_sin_to_cos": True,
    "freq_shift": 0,
    "in_channels": 4,
    "layers_per_block": 2,
    "mid_block_scale_factor": 1,
    "norm_eps": 1e-05,
    "norm_num_groups": 32,
    "out_channels": 4,
    "sample_size": 64,
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
}

SDXL = {
    "_class_name": "UNet2DConditionModel",
    "_diffusers_version": "0.21.0.dev0",
    "act_fn": "silu",
    "addition_embed_type": "text_time",
    "addition_embed_type_num_heads": 64,
    "addition_time_embed_dim": 256,
    "attention_head_dim": [5, 10, 20],
    "attention_type": "default",
    "block_out_channels": [320, 640, 1280],
    "center_input_sample": False,
    "class_embed_type": None,
    "class_embeddings_concat": False,
    "conv_in_kernel": 3,
    "conv_out_kernel": 3,
    "cross_attention_dim": 2048,
    "cross_attention_norm": None,
    "decay": 0.9999,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "downsample_padding": 1,
    "dual_cross_attention": False,
    "encoder_hid_dim": None,
    "encoder_hid_dim_type": None,
    "flip_sin_to_cos": True,
    "freq_shift": 0,
    "in_channels": 9,
    "inv_gamma": 1.0,
    "layers_per_block": 2,
    "mid_block_only_cross_attention": None,
    "mid_block_scale_factor": 1,
    "mid_block_type": "UNetMidBlock2DCrossAttn",
    "min_decay": 0.0,
    "norm_eps": 1e-05,
    "norm_num_groups": 32,
    "num_attention_heads": None,
    "num_class_embeds": None,
    "only_cross_attention": False,
    "optimization_step": 37000,
    "out_channels": 4,
    "power": 0.6666666666666666,
    "projection_class_embeddings_input_dim": 2816,
    "resnet_out_scale_factor": 1.0,
    "resnet_skip_time_act": False,
    "resnet_time_scale_shift": "default",
    "sample_size": 128,
    "time_cond_proj_dim": None,
    "time_embedding_act_fn": None,
    "time_embedding_dim": None,
    "time_embedding_type": "positional",
    "timestep_post_act": None,
    "transformer_layers_per_block": [1, 2, 10],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "upcast_attention": None,
    "update_after_step": 0,
    "use_ema_warmup": False,
    "use_linear_projection": True,
}

# Members as in the config.json published with each model.
MODELS = {
    "stable-diffusion-v1-5": SD15,
    "stable-diffusion-inpainting": SD15 | {"in_channels": 9},
    "stable-diffusion-xl-base-1.0": {k: v for k, v in SDXL.items()} | {"in_channels": 4},
    "stable-diffusion-xl-1.0-inpainting-0.1": SDXL,
}


def shapes_of(config: dict) -> dict[str, list[int]]:
    with torch.device("meta"):
        model = UNet2DConditionModel.from_config(config)
    return {name: list(tensor.shape) for name, tensor in model.state_dict().items()}


def digests(shapes: dict[str, list[int]]) -> dict[str, str]:
    """SHA-256 of the sorted lines `name [dims]` of every top-level module."""
    lines: dict[str, list[str]] = {}
    for name, shape in sorted(shapes.items()):
        lines.setdefault(name.split(".")[0], []).append(f"{name} [{','.join(map(str, shape))}]\n")
    return {module: hashlib.sha256("".join(found).encode()).hexdigest() for module, found in lines.items()}


def save_unet_full_size(path: Path) -> None:
    models = {}
    for name, config in MODELS.items():
        shapes = shapes_of(config)
        models[name] = {
            "config": config,
            "parameters": sum(torch.Size(shape).numel() for shape in shapes.values()),
            "tensors": len(shapes),
            "digests": digests(shapes),
        }
    path.write_text(json.dumps(models, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--names"]:
        for name, shape in sorted(shapes_of(MODELS[sys.argv[2]]).items()):
            print(name, shape)
    else:
        save_unet_full_size(Path(__file__).parent / "fixtures" / "unet_full_size.json")

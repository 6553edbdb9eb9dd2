"""Tensor names, shapes and parameter counts of full-size PASD and of a plain ControlNet, from their configuration alone."""

from pathlib import Path

import torch
from diffusers import ControlNetModel

from pasd import pasd_controlnet, pasd_unet
from tiny_tokenizer import write_json

DOWN = ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"]
UP = ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"]

# What the config.json of Stable Diffusion 1.5's UNet says; PASD's UNet has the same and is told apart by its tensors alone.
COMMON = {
    "act_fn": "silu",
    "attention_head_dim": 8,
    "block_out_channels": [320, 640, 1280, 1280],
    "cross_attention_dim": 768,
    "down_block_types": DOWN,
    "downsample_padding": 1,
    "flip_sin_to_cos": True,
    "freq_shift": 0,
    "in_channels": 4,
    "layers_per_block": 2,
    "mid_block_scale_factor": 1,
    "norm_eps": 1e-05,
    "norm_num_groups": 32,
}
UNET = COMMON | {"center_input_sample": False, "out_channels": 4, "sample_size": 64, "up_block_types": UP}
# lllyasviel/sd-controlnet-*; and PASD's, whose class also registers the two last members.
CONTROLNET = COMMON | {
    "class_embed_type": None,
    "conditioning_embedding_out_channels": [16, 32, 96, 256],
    "controlnet_conditioning_channel_order": "rgb",
    "num_class_embeds": None,
    "only_cross_attention": False,
    "projection_class_embeddings_input_dim": None,
    "resnet_time_scale_shift": "default",
    "upcast_attention": False,
    "use_linear_projection": False,
}
PASD_CONTROLNET = CONTROLNET | {"return_rgbs": True, "use_rrdb": False}
PASD_RRDB_CONTROLNET = CONTROLNET | {"return_rgbs": True, "use_rrdb": True}

MODELS = {
    "controlnet": ("ControlNetModel", CONTROLNET, ControlNetModel),
    "pasd/unet": ("UNet2DConditionModel", UNET, pasd_unet),
    "pasd/controlnet": ("ControlNetModel", PASD_CONTROLNET, pasd_controlnet),
    "pasd-rrdb/controlnet": ("ControlNetModel", PASD_RRDB_CONTROLNET, pasd_controlnet),
}


def save_full_size(path: Path) -> None:
    result = {}
    for name, (class_name, config, make) in MODELS.items():
        with torch.device("meta"):
            model = make(**config)
        state = model.state_dict()
        result[name] = {
            "config": {"_class_name": class_name} | config,
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "tensors": {key: list(state[key].shape) for key in sorted(state)},
        }
    write_json(path, result, indent=None)

"""Tiny ControlNet and PASD checkpoints in diffusers' own layout, seeded random weights.

`controlnet-sd-tiny/` is a plain ControlNetModel. `pasd-tiny/unet` and `pasd-tiny/controlnet` are PASD's pair as its repository
saves it: half precision, the classes called as diffusers' (only tensors tell them apart), the training heads `to_rgbs`
present. Three levels: a plain up block, one whose last residual has other channels than the block, and a last one.
"""

import json
import math
import shutil
from pathlib import Path

import torch
from diffusers import ControlNetModel, ModelMixin
from torch import Tensor

from pasd import pasd_controlnet, pasd_unet
from tiny_tokenizer import write_json

COMMON = {
    "attention_head_dim": 2,
    "block_out_channels": (16, 32, 32),
    "cross_attention_dim": 32,
    "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
    "in_channels": 4,
    "layers_per_block": 1,
    "norm_num_groups": 4,
}
UNET = COMMON | {
    "out_channels": 4,
    "sample_size": 8,
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
}
CONTROLNET = COMMON | {"conditioning_embedding_out_channels": (8, 8, 16, 16)}

# As the scheduler_config.json of Stable Diffusion 1.5; PASD reads it with UniPCMultistepScheduler.
SCHEDULER = {
    "_class_name": "UniPCMultistepScheduler",
    "_diffusers_version": "0.18.0",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "trained_betas": None,
}

# Squared gains. Below 1 for what is added to a stream, so that the noise of 4-bit weights does not pile up from block to
# block faster than in a trained model; above 1 for queries and keys, so that attention is peaked.
GAINS = {
    "to_q": 2.0,
    "to_k": 2.0,
    "to_out.0": 0.5,
    "ff.net.2": 0.5,
    "proj_out": 0.5,
    "conv2": 0.5,
}


@torch.no_grad()
def reinitialise(model: ModelMixin, seed: int) -> None:
    """The zero convolutions too: zeros would hide every mistake behind them."""
    generator = torch.Generator().manual_seed(seed)

    def normal(parameter: Tensor, std: float, mean: float = 0.0) -> None:
        parameter.copy_(torch.randn(parameter.shape, generator=generator) * std + mean)

    for name, parameter in model.named_parameters():
        if "norm" in name:
            normal(parameter, *((0.1, 1.0) if name.endswith("weight") else (0.2, 0.0)))
        elif name.endswith("bias"):
            normal(parameter, 0.1)
        else:
            gain = next((gain for layer, gain in GAINS.items() if f".{layer}." in f".{name}"), 1.0)
            normal(parameter, math.sqrt(gain / parameter[0].numel()))
    if isinstance(model, ControlNetModel):
        scale_condition(model.controlnet_cond_embedding, generator)


def scale_condition(embedding: torch.nn.Module, generator: torch.Generator) -> None:
    """A picture's neighbours are alike: their sums may fade or grow on the way down. Channels get standard deviation 1."""
    coarse = torch.rand(1, 3, 8, 8, generator=generator)
    picture = torch.nn.functional.interpolate(coarse, scale_factor=8, mode="bilinear")
    embedding.conv_out.weight.div_(embedding(picture).std(dim=(2, 3)).mean())


def save(model: ModelMixin, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    # PASD's repository calls its UNet as diffusers calls its own.
    config["_class_name"] = config["_class_name"].removeprefix("Pasd")
    write_json(folder / "config.json", config)
    for path in folder.iterdir():
        path.chmod(0o644)


def save_pasd_checkpoints(fixtures: Path) -> None:
    models = {
        "controlnet-sd-tiny": ControlNetModel(**CONTROLNET),
        "pasd-tiny/unet": pasd_unet(**UNET),
        "pasd-tiny/controlnet": pasd_controlnet(**CONTROLNET),
    }
    for seed, (name, model) in enumerate(models.items(), start=41):
        reinitialise(model, seed)
        save(model.half() if name.startswith("pasd") else model, fixtures / name)
    (fixtures / "pasd-tiny" / "scheduler").mkdir(exist_ok=True)
    write_json(fixtures / "pasd-tiny" / "scheduler" / "scheduler_config.json", SCHEDULER)

"""Tiny UNets of the two inpainting pipelines, seeded, in diffusers' own layout, half precision as they are published.

`sd-inpainting-tiny/unet` is as Stable Diffusion 1.5's: convolutions around transformers, one text encoder.
`sdxl-inpainting-tiny/unet` is as SDXL's: linear projections, the pooled text and sizes in the time embedding, no attention at
the first level, and another number of transformer blocks at each level.
"""

import shutil
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel

from tiny_pasd import reinitialise

SD = {
    "attention_head_dim": 2,
    "block_out_channels": (16, 32, 32),
    "cross_attention_dim": 32,
    "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
    "in_channels": 9,
    "layers_per_block": 2,
    "norm_num_groups": 4,
    "sample_size": 8,
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
}
SDXL = {
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8,
    "attention_head_dim": (1, 2, 2),
    "block_out_channels": (16, 32, 32),
    "cross_attention_dim": 64,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "in_channels": 9,
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "projection_class_embeddings_input_dim": 32 + 6 * 8,
    "sample_size": 8,
    "transformer_layers_per_block": (1, 1, 2),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "use_linear_projection": True,
}
TINY_UNETS = {"sd-inpainting-tiny": SD, "sdxl-inpainting-tiny": SDXL}


# SDXL's linear layers are all quantised and its transformers are the larger part: against random weights, whose rounding noise
# nothing averages out, eleven blocks in a row have to add less and to look less sharply for 4 bits to keep the direction.
CALM = {
    "sd-inpainting-tiny": {},
    "sdxl-inpainting-tiny": {"to_q": 0.7, "to_k": 0.7, "proj_out": 0.7},
}


@torch.no_grad()
def calm(model: UNet2DConditionModel, factors: dict[str, float]) -> None:
    for name, parameter in model.named_parameters():
        parameter.mul_(factors.get(name.split(".")[-2], 1.0) if name.endswith("weight") else 1.0)


def save_tiny_unets(fixtures: Path) -> None:
    for seed, (name, config) in enumerate(TINY_UNETS.items(), start=61):
        model = UNet2DConditionModel(**config).eval()
        reinitialise(model, seed)
        calm(model, CALM[name])
        folder = fixtures / name / "unet"
        shutil.rmtree(folder, ignore_errors=True)
        model.half().save_pretrained(folder)
        for path in folder.iterdir():
            path.chmod(0o644)


def load_tiny_unet(fixtures: Path, name: str) -> UNet2DConditionModel:
    """The checkpoint as saved, in double precision: what goldens are computed with."""
    return UNet2DConditionModel.from_pretrained(fixtures / name / "unet").double().eval()

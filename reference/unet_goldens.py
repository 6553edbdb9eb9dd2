"""Golden tensors of the tiny UNets: the prediction, and what some of its blocks take and give on the way to it.

Computed in double precision from the stored weights and rounded to float32 once. Batch 2 with texts of their own, latents
that are not square, a timestep between two whole ones.
"""

from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor, nn

from tiny_unet import TINY_UNETS, load_tiny_unet

HEIGHT, WIDTH, TOKENS, BATCH = 8, 16, 77, 2
TIMESTEP = 613.25
# Blocks of every kind: without and with a change of channels, of every depth, both changes of size.
BLOCKS = {
    "sd-inpainting-tiny": [
        "down_blocks.0.resnets.0",
        "down_blocks.0.attentions.0",
        "down_blocks.0.downsamplers.0",
        "down_blocks.1.resnets.0",
        "mid_block",
        "up_blocks.0.upsamplers.0",
        "up_blocks.2.resnets.2",
    ],
    "sdxl-inpainting-tiny": ["down_blocks.2.attentions.0", "up_blocks.0.resnets.1"],
}


def latents(generator: torch.Generator, channels: int) -> Tensor:
    """Smooth in space, as latents of pictures are, with noise on top."""
    coarse = torch.randn(1, channels, HEIGHT // 4, WIDTH // 4, generator=generator)
    smooth = nn.functional.interpolate(coarse, size=(HEIGHT, WIDTH), mode="bilinear")
    return smooth + 0.5 * torch.randn(1, channels, HEIGHT, WIDTH, generator=generator)


def inputs_of(model: UNet2DConditionModel, seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.zeros(1, 1, HEIGHT, WIDTH)
    mask[:, :, 2:6, 3:11] = 1
    inputs = {
        "sample": latents(generator, 4),
        "mask": mask,
        "masked_image_latents": latents(generator, 4) * (1 - mask),
        "timestep": torch.tensor([TIMESTEP]),
        "encoder_hidden_states": torch.randn(BATCH, TOKENS, model.config.cross_attention_dim, generator=generator),
    }
    if model.config.addition_embed_type == "text_time":
        inputs["text_embeds"] = torch.randn(BATCH, 32, generator=generator)
        inputs["time_ids"] = torch.tensor([[1024, 768, 0, 0, 1024, 768], [512, 1024, 16, 128, 512, 1024]])
    return {name: tensor.double() for name, tensor in inputs.items()}


@torch.no_grad()
def run(model: UNet2DConditionModel, inputs: dict[str, Tensor], blocks: list[str]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    handles = []
    for name in blocks:

        def keep(_module: nn.Module, args: tuple, kwargs: dict, output: object, name: str = name) -> None:
            found[f"{name}.in"] = args[0] if args else kwargs["hidden_states"]
            found[f"{name}.out"] = output if isinstance(output, Tensor) else output[0]

        handles.append(model.get_submodule(name).register_forward_hook(keep, with_kwargs=True))
    planes = [inputs[name] for name in ("sample", "mask", "masked_image_latents")]
    added = {name: inputs[name] for name in ("text_embeds", "time_ids") if name in inputs}
    output = model(
        torch.cat(planes, dim=1).expand(BATCH, -1, -1, -1),
        inputs["timestep"][0],
        inputs["encoder_hidden_states"],
        added_cond_kwargs=added or None,
    )
    for handle in handles:
        handle.remove()
    return found | {"prediction": output.sample}


def make_unet_goldens(fixtures: Path) -> None:
    for seed, name in enumerate(TINY_UNETS, start=71):
        model = load_tiny_unet(fixtures, name)
        inputs = inputs_of(model, seed)
        found = inputs | run(model, inputs, BLOCKS[name])
        tensors = {key: tensor.float().contiguous() for key, tensor in found.items()}
        save_file(tensors, fixtures / "golden" / f"{name}.unet.safetensors")

"""The peer of `npm run bench:unet`: diffusers' UNet2DConditionModel, exported by torch.onnx.

python bench/unet/export_torch.py FOLDER --model narrow --precision fp32

makes FOLDER/MODEL (a UNet with seeded random weights, hub layout), unless it is there, and FOLDER/MODEL-fp32.onnx with the
inputs and output of our graph. Random weights are as good as real ones here: no kernel's time depends on them.

In one thing the export is helped: its first convolution has 12 input channels instead of 9, the last three with weights of
zero. onnxruntime's WebGPU provider computes a convolution of 9 wrongly, and times of wrong results say nothing.
"""

import argparse
import json
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel

OPSET = 20
TOKENS = 77
# onnxruntime's WebGPU kernel computes convolutions of 9 channels wrongly, and those of a multiple of four rightly.
FILLED_CHANNELS = 12

# What both share with stable-diffusion-inpainting's own config.
COMMON = {
    "in_channels": 9,
    "out_channels": 4,
    "attention_head_dim": 8,
    "cross_attention_dim": 768,
    "norm_num_groups": 32,
}
MODELS = {
    # Stable Diffusion 1.5's shape, all blocks of it, at a fifth of its width.
    "narrow": {"block_out_channels": [64, 128, 256, 256], "sample_size": 32},
    # Its first two levels at the real width, one layer each.
    "wide": {
        "block_out_channels": [320, 640],
        "layers_per_block": 1,
        "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
        "sample_size": 16,
    },
}


class Unet(torch.nn.Module):
    """Inputs and output as our graph has them: float32 at the edges, the channels joined and filled up inside."""

    def __init__(self, model: UNet2DConditionModel) -> None:
        super().__init__()
        self.model = model
        self.filling = FILLED_CHANNELS - model.conv_in.in_channels
        weight = torch.nn.functional.pad(model.conv_in.weight.data, (0, 0, 0, 0, 0, self.filling))
        model.conv_in.weight = torch.nn.Parameter(weight)

    def forward(self, sample, mask, masked_image_latents, timestep, encoder_hidden_states):
        batch = encoder_hidden_states.shape[0]
        planes = [sample, mask, masked_image_latents] + [mask] * self.filling
        joined = torch.cat(planes, dim=1).expand(batch, -1, -1, -1)
        return self.model(
            joined.to(self.model.dtype),
            timestep.expand(batch),
            encoder_hidden_states=encoder_hidden_states.to(self.model.dtype),
            return_dict=False,
        )[0].float()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", choices=list(MODELS), required=True)
    parser.add_argument("--precision", choices=["fp32", "fp16"], default="fp32")
    parser.add_argument("--batch", type=int, default=2)
    arguments = parser.parse_args()
    checkpoint = arguments.folder / arguments.model
    if not (checkpoint / "config.json").exists():
        torch.manual_seed(5)
        UNet2DConditionModel(**COMMON, **MODELS[arguments.model]).save_pretrained(checkpoint)
    dtype = torch.float16 if arguments.precision == "fp16" else torch.float32
    model = UNet2DConditionModel.from_pretrained(checkpoint, torch_dtype=dtype).eval()
    side = model.config.sample_size
    # Tensors of their own: one passed twice becomes one input to the exporter.
    sample, mask, masked = (torch.zeros(1, channels, side, side) for channels in (4, 1, 4))
    name = f"{arguments.model}-{arguments.precision}"
    torch.onnx.export(
        Unet(model).eval(),
        (sample, mask, masked, torch.tensor([500.0]), torch.zeros(arguments.batch, TOKENS, 768)),
        arguments.folder / f"{name}.onnx",
        input_names=["sample", "mask", "masked_image_latents", "timestep", "encoder_hidden_states"],
        output_names=["prediction"],
        opset_version=OPSET,
        external_data=False,
    )
    (arguments.folder / f"{name}.json").write_text(
        json.dumps({"side": side, "batch": arguments.batch, "tokens": TOKENS, "parameters": model.num_parameters()})
    )


if __name__ == "__main__":
    main()

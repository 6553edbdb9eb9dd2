"""The peer of `npm run bench:clip`: the two-path CLIP image encoder of reference/clip_surgery.py, exported by torch.onnx.

python bench/clip/export_torch.py FOLDER --size 224 --precision fp32

makes FOLDER/checkpoint (a ViT-B/16 with seeded random weights, hub layout), unless it is there, and
FOLDER/torch-224-fp32.onnx with the inputs and outputs of our graph. Random weights are as good as real ones here: no
kernel's time depends on them.
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "reference"))

import torch  # noqa: E402
from transformers import CLIPConfig, CLIPModel  # noqa: E402

from clip_surgery import encode_image  # noqa: E402
from tiny_clip import reinitialise  # noqa: E402

NAME = "openai/clip-vit-base-patch16"
OPSET = 20


class ImageEncoder(torch.nn.Module):
    """float32 in and out, as our graph; inside, the model's own type."""

    def __init__(self, model: CLIPModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = encode_image(self.model, pixel_values.to(self.model.dtype))
        return features.cls[0].float(), features.patches[0].float()


def save_checkpoint(folder: Path) -> None:
    published = json.loads((ROOT / "reference/fixtures/clip_full_size.json").read_text(encoding="utf-8"))
    model = CLIPModel(CLIPConfig(**published[NAME]["config"]))
    with torch.no_grad():
        reinitialise(model, seed=3)
    model.save_pretrained(folder)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--precision", choices=["fp32", "fp16"], default="fp32")
    arguments = parser.parse_args()
    checkpoint = arguments.folder / "checkpoint"
    if not (checkpoint / "config.json").exists():
        save_checkpoint(checkpoint)
    dtype = torch.float16 if arguments.precision == "fp16" else torch.float32
    model = CLIPModel.from_pretrained(checkpoint, dtype=dtype).eval()
    torch.onnx.export(
        ImageEncoder(model).eval(),
        (torch.zeros(1, 3, arguments.size, arguments.size),),
        arguments.folder / f"torch-{arguments.size}-{arguments.precision}.onnx",
        input_names=["pixel_values"],
        output_names=["cls", "patch_features"],
        opset_version=OPSET,
        external_data=False,
    )


if __name__ == "__main__":
    main()

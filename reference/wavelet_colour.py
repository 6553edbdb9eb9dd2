"""Wavelet colour correction as StableSR and PASD publish it: torch's conv2d, level by level, high and low frequencies of
both images apart. Written anew from the description; the published code is not a dependency."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn import functional as F

LEVELS = 5
SIZES = {"odd": (37, 53), "narrow": (3, 50), "pixel": (1, 1)}


def blur(image: torch.Tensor, dilation: int) -> torch.Tensor:
    """[N,C,H,W] with the à-trous kernel, borders replicated."""
    row = torch.tensor([1.0, 2.0, 1.0], dtype=image.dtype) / 4
    channels = image.shape[1]
    kernel = torch.outer(row, row)[None, None].repeat(channels, 1, 1, 1)
    padded = F.pad(image, (dilation,) * 4, mode="replicate")
    return F.conv2d(padded, kernel, groups=channels, dilation=dilation)


def decompose(image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """High and low frequencies; their sum is the image."""
    high = torch.zeros_like(image)
    low = image
    for level in range(LEVELS):
        blurred = blur(low, 2**level)
        high = high + low - blurred
        low = blurred
    return high, low


def wavelet_colour(made: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
    return decompose(made)[0] + decompose(source)[1]


def make_wavelet_goldens(fixtures: Path) -> None:
    """Computed in double precision and rounded once, so that what differs is ours."""
    generator = torch.Generator().manual_seed(20)
    tensors = {}
    for name, (height, width) in SIZES.items():
        made, source = (torch.rand(1, 3, height, width, generator=generator) * 2 - 1 for _ in range(2))
        tensors[f"{name}.made"] = made[0]
        tensors[f"{name}.source"] = source[0]
        tensors[f"{name}.result"] = wavelet_colour(made.double(), source.double())[0].float()
    save_file(tensors, fixtures / "golden" / "wavelet.safetensors")


if __name__ == "__main__":
    make_wavelet_goldens(Path(__file__).parent / "fixtures")

"""Small image files of every awkward kind, and what CLIP's preprocessing makes of them.

For every input two goldens: `upright`, the 8-bit sRGB picture a viewer shows (orientation applied, profile converted,
alpha over white), in its own size; and `224`, that picture through transformers' CLIPImageProcessor (the Pillow one: the
published reference resizes with Pillow) with the project's settings: square, no centre crop, bicubic with antialiasing.

Roundings, where there is a choice:
* 16 bits become 8 as round(v * 255 / 65535). Pillow itself would cut the low byte off or clip.
* Alpha over white: round((c * a + max * (max - a)) / max), computed before going from 16 to 8 bits.
* Profiles: Little CMS without its 8-bit shortcuts (relative colorimetric), before alpha. Decoders differ by 1.
* JPEG decoders differ by 1 or 2; the `upright` of a JPEG is what libjpeg-turbo gives.
"""

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageCms, ImageOps
from safetensors.torch import save_file
from torch.nn import functional as F
from transformers import CLIPImageProcessorPil

from icc_profiles import gamma_profile, wide_gamut_profile
from png_16_bit import read_png16, write_png
from tiny_tokenizer import write_json

TARGET = 224


def make_image_goldens(fixtures: Path) -> None:
    folder = fixtures / "images"
    for part in ("input", "upright", "224", "resize"):
        (folder / part).mkdir(parents=True, exist_ok=True)
        for old in (folder / part).iterdir():
            old.unlink()
    cases = [*png_cases(folder / "input"), *jpeg_cases(folder / "input")]
    # Goldens are named after the stem.
    assert len({Path(case["file"]).stem for case in cases}) == len(cases)
    for case in cases:
        upright = to_srgb(folder / "input" / case["file"], case)
        stem = Path(case["file"]).stem
        case["upright"] = f"upright/{stem}.png"
        upright.save(folder / case["upright"], optimize=True)
        if case.pop("resized", True):
            case["224"] = f"224/{stem}.png"
            processed(upright).save(folder / case["224"], optimize=True)
    manifest = {
        "command": "python reference/make_fixtures.py",
        "roundings": __doc__.split("Roundings, where there is a choice:\n")[1].strip().splitlines(),
        "cases": [case | {"file": f"input/{case['file']}"} for case in cases],
        "noise": NOISE_FORMULA,
        "resize": resize_cases(folder / "resize"),
    }
    write_json(folder / "images.json", manifest)
    save_file(normalised_sample(folder), folder / "normalised.safetensors")
    save_file(bicubic_grids(), fixtures / "golden" / "bicubic.safetensors")


# ---- inputs


def picture(width: int, height: int, seed: int, levels: int = 255) -> np.ndarray:
    """[height, width, 3] in 0..levels: gradients, a disc right of the middle, a bar at the top left, a little grain."""
    v, u = np.mgrid[0:height, 0:width]
    u, v = (u + 0.5) / width, (v + 0.5) / height
    grain = np.random.default_rng(seed).uniform(-0.02, 0.02, (height, width, 3))
    base = np.stack([u, v, 0.5 + 0.4 * np.sin(9 * u + 4 * v)], -1)
    disc = ((u - 0.68) ** 2 + (v - 0.6) ** 2 < 0.04)[..., None]
    bar = ((u < 0.45) & (v < 0.22))[..., None]
    image = np.where(disc, [0.95, 0.15, 0.1], np.where(bar, [0.05, 0.75, 0.2], base)) + grain
    return np.round(np.clip(image, 0, 1) * levels).astype(np.uint16 if levels > 255 else np.uint8)


def alpha_ramp(width: int, height: int, levels: int) -> np.ndarray:
    ramp = np.linspace(0, levels, width).round().astype(np.uint16 if levels > 255 else np.uint8)
    return np.broadcast_to(ramp[None, :, None], (height, width, 1))


def png_cases(folder: Path) -> list[dict]:
    write_png(folder / "rgb-wide.png", picture(100, 36, 1))
    write_png(folder / "rgb-tall.png", picture(31, 95, 2))
    write_png(folder / "rgb-one-pixel.png", picture(1, 1, 3))
    write_png(folder / "gray.png", picture(50, 40, 4)[..., 2:])
    write_png(folder / "gray-alpha.png", np.dstack([picture(50, 40, 5)[..., 2:], alpha_ramp(50, 40, 255)]))
    write_png(folder / "rgba.png", np.dstack([picture(64, 48, 6), alpha_ramp(64, 48, 255)]))
    write_png(folder / "rgb16.png", picture(60, 44, 7, 65535))
    write_png(folder / "gray16.png", picture(60, 44, 8, 65535)[..., 2:])
    write_png(folder / "rgba16.png", np.dstack([picture(60, 44, 9, 65535), alpha_ramp(60, 44, 65535)]))
    write_png(folder / "icc-wide-gamut.png", picture(60, 44, 10), wide_gamut_profile())
    write_png(folder / "icc-gamma.png", picture(60, 44, 11), gamma_profile())
    palette = Image.fromarray(picture(60, 44, 12)).quantize(32)
    palette.save(folder / "palette.png")
    palette.save(folder / "palette-alpha.png", transparency=bytes(min(255, i * 9) for i in range(32)))
    return [
        {"file": "rgb-wide.png", "about": "8-bit RGB, wide"},
        {"file": "rgb-tall.png", "about": "8-bit RGB, tall"},
        {"file": "rgb-one-pixel.png", "about": "a single pixel"},
        {"file": "gray.png", "about": "8-bit gray"},
        {"file": "gray-alpha.png", "about": "8-bit gray with an alpha ramp", "resized": False},
        {"file": "rgba.png", "about": "8-bit RGBA, alpha 0 at the left to 255 at the right"},
        {"file": "rgb16.png", "about": "16-bit RGB"},
        {"file": "gray16.png", "about": "16-bit gray"},
        {"file": "rgba16.png", "about": "16-bit RGBA with an alpha ramp", "resized": False},
        {"file": "icc-wide-gamut.png", "about": "RGB with a profile like Display P3, version 4"},
        {"file": "icc-gamma.png", "about": "RGB with a profile like Adobe RGB, version 2"},
        {"file": "palette.png", "about": "palette of 32", "resized": False},
        {"file": "palette-alpha.png", "about": "palette of 32 with alpha per entry (tRNS)"},
    ]


def jpeg_cases(folder: Path) -> list[dict]:
    """One upright picture stored in all eight orientations, and two with a profile."""
    upright = Image.fromarray(picture(56, 40, 20))
    # What has to be done to the upright picture so that a viewer, applying the tag, gets it back.
    stored = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    cases = []
    for orientation, transpose in stored.items():
        name = f"orientation-{orientation}.jpg"
        image = upright if transpose is None else upright.transpose(transpose)
        exif = Image.Exif()
        exif[0x0112] = orientation
        image.save(folder / name, quality=95, subsampling=0, exif=exif)
        shown = np.asarray(ImageOps.exif_transpose(Image.open(folder / name))).astype(int)
        assert np.abs(shown - np.asarray(upright)).mean() < 4, orientation
        cases.append({"file": name, "about": f"EXIF orientation {orientation}", "resized": orientation in (1, 6)})
    Image.fromarray(picture(60, 44, 21)).save(
        folder / "icc-wide-gamut-jpeg.jpg", quality=95, subsampling=0, icc_profile=wide_gamut_profile()
    )
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(picture(44, 60, 22)).save(
        folder / "icc-gamma-orientation-6.jpg", quality=92, icc_profile=gamma_profile(), exif=exif
    )
    Image.fromarray(picture(60, 44, 23)).convert("L").save(folder / "gray-jpeg.jpg", quality=95)
    return [
        *cases,
        {"file": "icc-wide-gamut-jpeg.jpg", "about": "JPEG with a profile like Display P3"},
        {"file": "icc-gamma-orientation-6.jpg", "about": "JPEG, chroma at half size, profile and orientation", "resized": False},
        {"file": "gray-jpeg.jpg", "about": "gray JPEG", "resized": False},
    ]


# ---- goldens


def to_srgb(path: Path, case: dict) -> Image.Image:
    """What a viewer shows, 8-bit RGB."""
    image = ImageOps.exif_transpose(Image.open(path))
    icc = image.info.get("icc_profile")
    case["width"], case["height"] = image.size
    if "16" in path.stem:
        return Image.fromarray(flatten(read_png16(path), 65535))
    if image.mode in ("P", "LA"):
        image = image.convert("RGBA")
    if icc is not None:
        # Read by decoders that know profiles; the reference is Little CMS at full precision.
        flags = ImageCms.Flags.NOOPTIMIZE
        source, target = ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB")
        image = ImageCms.profileToProfile(image, source, target, ImageCms.Intent.RELATIVE_COLORIMETRIC, flags=flags)
        image.info.pop("icc_profile", None)
    pixels = np.asarray(image)
    return Image.fromarray(flatten(pixels if pixels.ndim == 3 else pixels[..., None], 255))


def flatten(pixels: np.ndarray, levels: int) -> np.ndarray:
    """Alpha over white, gray to RGB, rounded once to 8 bits."""
    values = pixels.astype(np.float64)
    if values.shape[-1] in (2, 4):
        colour, alpha = values[..., :-1], values[..., -1:]
        values = (colour * alpha + levels * (levels - alpha)) / levels
    if values.shape[-1] == 1:
        values = np.repeat(values, 3, -1)
    return np.floor(values * 255 / levels + 0.5).astype(np.uint8)


def processed(image: Image.Image, size: int = TARGET) -> Image.Image:
    """CLIPImageProcessor up to and without the scaling to 0..1: [size, size, 3] uint8."""
    processor = CLIPImageProcessorPil(
        size={"height": size, "width": size}, do_center_crop=False, do_rescale=False, do_normalize=False
    )
    pixels = np.asarray(processor(image, return_tensors="np")["pixel_values"][0])
    assert pixels.shape == (3, size, size) and np.array_equal(pixels, pixels.round())
    return Image.fromarray(pixels.transpose(1, 2, 0).astype(np.uint8))


def normalised_sample(folder: Path) -> dict[str, torch.Tensor]:
    """The whole preprocessing of one file, scaling and normalisation included; every 8th row and column."""
    processor = CLIPImageProcessorPil(size={"height": TARGET, "width": TARGET}, do_center_crop=False)
    image = Image.open(folder / "upright" / "rgb-wide.png")
    values = torch.from_numpy(np.asarray(processor(image, return_tensors="np")["pixel_values"][0]))
    return {"rgb-wide.pixel_values_every_8th": values[:, ::8, ::8].float().contiguous()}


NOISE_FORMULA = (
    "RGB noise, row by row, R G B: state = (state * 1664525 + 1013904223) mod 2^32 before every value, "
    "value = state >> 24, starting from state = width * 65536 + height"
)


def noise(width: int, height: int) -> np.ndarray:
    state = width * 65536 + height
    values = bytearray()
    for _ in range(width * height * 3):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values.append(state >> 24)
    return np.frombuffer(bytes(values), np.uint8).reshape(height, width, 3)


def resize_cases(folder: Path) -> list[dict]:
    """Pillow's bicubic alone, on noise, which shows every error; small inputs are stored, all follow from the formula."""
    cases = []
    for width, height, to_width, to_height in [
        (97, 61, 224, 224),
        (50, 40, 224, 224),
        (640, 480, 224, 224),
        (300, 500, 224, 224),
        (97, 61, 40, 30),
        (224, 224, 224, 224),
    ]:
        image = Image.fromarray(noise(width, height))
        output = f"resize/noise-{width}x{height}-to-{to_width}x{to_height}.png"
        case = {"width": width, "height": height, "toWidth": to_width, "toHeight": to_height}
        if width * height < 10_000:
            case["input"] = f"resize/noise-{width}x{height}.png"
            image.save(folder.parent / case["input"], optimize=True)
        if (width, height) != (to_width, to_height):
            resized = image.resize((to_width, to_height), Image.Resampling.BICUBIC)
            resized.save(folder.parent / output, optimize=True)
            if to_width == to_height == TARGET:
                assert np.array_equal(np.asarray(resized), np.asarray(processed(image)))
            case["output"] = output
            cases.append(case)
    return cases


def bicubic_grids() -> dict[str, torch.Tensor]:
    """torch's bicubic without antialiasing (a = -0.75), [height, width]; what maps are drawn with."""
    generator = torch.Generator().manual_seed(5)
    tensors = {}
    for width, height, to_width, to_height in [(14, 14, 100, 75), (3, 2, 7, 5), (1, 1, 4, 3), (16, 16, 40, 64), (28, 28, 11, 9)]:
        grid = torch.rand(height, width, generator=generator)
        resized = F.interpolate(grid[None, None].double(), (to_height, to_width), mode="bicubic", align_corners=False)
        key = f"{width}x{height}-to-{to_width}x{to_height}"
        tensors[f"{key}.input"] = grid
        tensors[f"{key}.output"] = resized[0, 0].float().contiguous()
    return tensors

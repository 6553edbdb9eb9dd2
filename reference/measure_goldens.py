"""Golden values of the classic measures, on pictures that are a formula of whole numbers: golden/measures.json

Picture k, at x, y, channel c, all in unsigned 32-bit arithmetic:

    hash  = (1 + x + 4096 y + 2^24 c + k) * 2654435761;  hash ^= hash >> 15;  hash *= 2246822519;  hash ^= hash >> 13
    noise = (hash & 63) + ((hash >> 8) & 63) - 63
    wave  = |((3 x + (1 + k) y) mod 256) - 128| + |((x + (4 - k) y) mod 90) - 45|
    value = 20 + wave + c * 8 + floor(noise * (1 + ((x >> 5) + (y >> 5)) mod 3) / 4), clipped to 0..255

`measured` has, for each, what the fitted models of `src/measures/models` say (made again when they are fitted anew) and, without models: NIQE's features of every block, BRISQUE's of the image, and every 37th value of the halved luminance; `compared`: SSIM
(luminance, as Wang 2004) and PSNR (all channels) of picture 0 and itself with a formula's changes, by scikit-image.
"""

import json
from pathlib import Path

import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from image_measures import brisque_features, halved, luminance, niqe, niqe_features

SIZES = ((230, 205), (301, 402))
MODELS = Path(__file__).parent.parent / "src" / "measures" / "models"


def picture(k: int, width: int, height: int) -> np.ndarray:
    """[height, width, 3] uint8."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    word = (1 + x + 4096 * y + (c << 24) + k).astype(np.uint32)
    with np.errstate(over="ignore"):
        word = word * np.uint32(2654435761)
        word ^= word >> np.uint32(15)
        word = word * np.uint32(2246822519)
        word ^= word >> np.uint32(13)
    noise = (word & 63).astype(int) + ((word >> np.uint32(8)) & 63).astype(int) - 63
    wave = abs((3 * x + (1 + k) * y) % 256 - 128) + abs((x + (4 - k) * y) % 90 - 45)
    strength = 1 + ((x >> 5) + (y >> 5)) % 3
    return np.clip(20 + wave + c * 8 + (noise * strength) // 4, 0, 255).astype(np.uint8)


def changed(image: np.ndarray) -> np.ndarray:
    """Darker by a sixteenth in every second square of 32 pixels."""
    y, x = np.indices(image.shape[:2])
    dark = (((x >> 5) + (y >> 5)) % 2 == 1)[:, :, None]
    return np.where(dark, image - image // 16, image)


def make_measure_goldens(fixtures: Path) -> None:
    niqe_model, brisque_model = (json.loads((MODELS / f"{name}.json").read_text()) for name in ("niqe", "brisque"))
    gaussian = (np.array(niqe_model["mean"]), np.array(niqe_model["covariance"]).reshape(36, 36))
    measured = []
    for k, (width, height) in enumerate(SIZES):
        gray = luminance(picture(k, width, height))
        features, sharpness = niqe_features(gray)
        measured.append(
            {
                "width": width,
                "height": height,
                "luminance": int(gray.sum()),
                "halved": rounded(halved(gray).ravel()[::37]),
                "niqe": [rounded(row) for row in features],
                "sharpness": rounded(sharpness),
                "brisque": rounded(brisque_features(gray)),
                "fitted": {"niqe": niqe(gray, gaussian), "brisque": severity_of(brisque_features(gray), brisque_model)},
            }
        )
    before = picture(0, *SIZES[0])
    after = changed(before)
    ssim = structural_similarity(
        luminance(before), luminance(after), gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    psnr = peak_signal_noise_ratio(before, after, data_range=255)
    golden = {"command": "python reference/make_fixtures.py", "measured": measured, "compared": {"ssim": ssim, "psnr": psnr}}
    (fixtures / "golden" / "measures.json").write_text(json.dumps(golden) + "\n", encoding="utf-8")


def severity_of(features: np.ndarray, model: dict) -> float:
    """libsvm's regression with a Gaussian kernel."""
    low, high = np.array(model["low"]), np.array(model["high"])
    scaled = 2 * (features - low) / (high - low) - 1
    kernel = np.exp(-model["gamma"] * ((np.array(model["vectors"]) - scaled) ** 2).sum(axis=1))
    return float(kernel @ np.array(model["coefficients"]) + model["intercept"])


def rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.9g}") for value in values]

"""Photographs made worse, each by one cause at a known level: what BRISQUE's regression is trained on."""

import io

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

# Levels run from barely visible to ruined. JPEG 2000 has ratios of compression, JPEG qualities, noise and blur sigmas in grey levels and pixels.
LEVELS: dict[str, tuple[float, ...]] = {
    "blur": (0.5, 0.8, 1.2, 1.7, 2.5, 4.0, 7.0),
    "noise": (3, 6, 11, 18, 28, 45, 80),
    "jpeg": (92, 75, 50, 32, 20, 11, 5),
    "jpeg2000": (8, 16, 28, 48, 80, 140, 260),
}


def degraded(image: np.ndarray, cause: str, level: float, rng: np.random.Generator) -> np.ndarray:
    """[h, w, 3] uint8 -> the same shape."""
    if cause == "blur":
        return to_bytes(gaussian_filter(image.astype(float), (level, level, 0), mode="nearest"))
    if cause == "noise":
        return to_bytes(image + rng.normal(0, level, image.shape))
    if cause == "jpeg":
        return recoded(image, "JPEG", quality=int(level))
    return recoded(image, "JPEG2000", quality_mode="rates", quality_layers=[level], irreversible=True)


def recoded(image: np.ndarray, codec: str, **options: object) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, codec, **options)
    return np.asarray(Image.open(file).convert("RGB"))


def to_bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)

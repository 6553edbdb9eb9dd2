"""Test images as a formula, so that other languages can compute the same pixels instead of reading megabytes.

With u = (x + 0.5) / size, v = (y + 0.5) / size, image k = 0 or 1 and channel c = 0, 1, 2, all in double precision:

    wave  = sin(2 pi ((1 + k) u + (2 - c) v) + c)
    weave = sin(2 pi 23 u) sin(2 pi (17 + 4 k) v) exp(-18 ((u - 0.3 - 0.4 k)^2 + (v - 0.65)^2))
    disc  = tanh(14 (0.2 - sqrt((u - 0.68 + 0.3 k)^2 + (v - 0.3)^2)))
    value = 0.5 + 0.2 wave + 0.22 weave + 0.15 (c - 1 + 0.5 k) disc
    pixel = (value - mean[c]) / std[c], rounded to float32
"""

import math

import numpy as np

from tiny_clip import CLIP_MEAN, CLIP_STD

FORMULA = __doc__


def synthetic_pixels(k: int, size: int) -> np.ndarray:
    """pixel_values [3, size, size], float32."""
    axis = (np.arange(size, dtype=np.float64) + 0.5) / size
    u, v = axis[None, :], axis[:, None]
    weave = np.sin(2 * math.pi * 23 * u) * np.sin(2 * math.pi * (17 + 4 * k) * v)
    weave = weave * np.exp(-18 * ((u - 0.3 - 0.4 * k) ** 2 + (v - 0.65) ** 2))
    disc = np.tanh(14 * (0.2 - np.sqrt((u - 0.68 + 0.3 * k) ** 2 + (v - 0.3) ** 2)))
    channels = []
    for c in range(3):
        wave = np.sin(2 * math.pi * ((1 + k) * u + (2 - c) * v) + c)
        value = 0.5 + 0.2 * wave + 0.22 * weave + 0.15 * (c - 1 + 0.5 * k) * disc
        channels.append((value - CLIP_MEAN[c]) / CLIP_STD[c])
    return np.stack(channels).astype(np.float32)

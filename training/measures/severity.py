"""How bad a degraded photograph is, from the photograph it was: the target of BRISQUE's regression, in place of people's opinions."""

import numpy as np
from scipy.ndimage import uniform_filter

from image_measures import blurred, gaussian

# Wang, Simoncelli, Bovik 2003: weights of the five scales.
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
# Opinion falls fast at first: with this exponent, 0.98 is 27 of 100 and 0.8 is 58, about where people put such pictures.
EXPONENT = 1 / 3


def severity(before: np.ndarray, after: np.ndarray) -> float:
    """0 for equal pictures, towards 100 for ruined ones; luminances [h, w]."""
    return 100 * (1 - multi_scale_ssim(before, after)) ** EXPONENT


def multi_scale_ssim(a: np.ndarray, b: np.ndarray) -> float:
    result = 1.0
    for scale, weight in enumerate(WEIGHTS):
        luminance, contrast = ssim_terms(a, b)
        is_last = scale == len(WEIGHTS) - 1
        result *= max(0.0, float(np.mean(luminance * contrast if is_last else contrast))) ** weight
        a, b = (uniform_filter(image, 2)[1::2, 1::2] for image in (a, b))
    return result


def ssim_terms(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    window = gaussian(11, 1.5)
    inside = (slice(5, -5), slice(5, -5))
    mean_a, mean_b, aa, bb, ab = (blurred(x, window, "nearest")[inside] for x in (a, b, a * a, b * b, a * b))
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    contrast = (2 * (ab - mean_a * mean_b) + c2) / (aa - mean_a**2 + bb - mean_b**2 + c2)
    return luminance, contrast

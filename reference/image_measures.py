"""NIQE (Mittal 2013) and BRISQUE (Mittal 2012) features, SSIM (Wang 2004) and PSNR with numpy, written from their papers.

Where a paper leaves a detail open, what its authors' published MATLAB release computes is followed: luminance rounded to whole
numbers, a 7 x 7 Gaussian of 7/6 pixels, C = 1, shape parameters from a table of 0.2..10 in steps of 0.001, neighbours wrapping
around the block (the image, in BRISQUE), and imresize by 0.5: bicubic (a = -0.5) of twice the width, edges mirrored.
BRISQUE's local mean sees zeros outside the image (filter2), NIQE's the nearest pixel (imfilter 'replicate').
"""

import numpy as np
from scipy.ndimage import correlate1d
from scipy.special import gamma

LUMA = (0.298936021293775, 0.587043074451121, 0.114020904255103)
BLOCK = 96
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))

SHAPES = np.arange(0.2, 10.0005, 0.001)
# r(a) = E|x|^2 / E x^2 of a generalised Gaussian, for matching moments.
RATIOS = gamma(2 / SHAPES) ** 2 / (gamma(1 / SHAPES) * gamma(3 / SHAPES))


def luminance(rgb: np.ndarray) -> np.ndarray:
    """[h, w, 3] uint8 -> [h, w] whole numbers 0..255."""
    return np.floor(rgb.astype(np.float64) @ np.array(LUMA) + 0.5)


def gaussian(size: int, sigma: float) -> np.ndarray:
    axis = np.arange(size) - (size - 1) / 2
    window = np.exp(-(axis**2) / (2 * sigma**2))
    return window / window.sum()


def blurred(image: np.ndarray, window: np.ndarray, mode: str) -> np.ndarray:
    return correlate1d(correlate1d(image, window, axis=0, mode=mode), window, axis=1, mode=mode)


def normalised(image: np.ndarray, mode: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean-subtracted contrast-normalised coefficients and the local standard deviation."""
    window = gaussian(7, 7 / 6)
    mean = blurred(image, window, mode)
    deviation = np.sqrt(np.abs(blurred(image * image, window, mode) - mean * mean))
    return (image - mean) / (deviation + 1), deviation


def cubic(x: np.ndarray) -> np.ndarray:
    x = np.abs(x)
    return np.where(x <= 1, 1.5 * x**3 - 2.5 * x**2 + 1, np.where(x < 2, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2, 0))


def halved(image: np.ndarray) -> np.ndarray:
    taps = cubic(np.arange(-3.5, 4) / 2) / 2
    taps = taps / taps.sum()
    for axis in (0, 1):
        size = image.shape[axis]
        at = 2 * np.arange(-(-size // 2))[:, None] + np.arange(-3, 5)[None, :]
        # Mirrored with the edge repeated: -1 is 0, size is size - 1.
        at = np.mod(at, 2 * size)
        at = np.where(at < size, at, 2 * size - 1 - at)
        gathered = np.take(image, at, axis=axis)
        image = np.tensordot(gathered, taps, axes=([axis + 1], [0]))
    return image


def generalised_gaussian(values: np.ndarray) -> tuple[float, float]:
    """Shape and variance."""
    variance = np.mean(values**2)
    ratio = variance / np.mean(np.abs(values)) ** 2
    return SHAPES[np.argmin(np.abs(ratio - 1 / RATIOS))], variance


def asymmetric_gaussian(values: np.ndarray) -> tuple[float, float, float]:
    """Shape and the standard deviations left and right of zero."""
    below, above = np.minimum(values, 0).ravel(), np.maximum(values, 0).ravel()
    squares = np.array([below @ below, above @ above])
    with np.errstate(invalid="ignore", divide="ignore"):
        left, right = np.sqrt(squares / (np.count_nonzero(below), np.count_nonzero(above)))
        quotient = left / right
        ratio = np.mean(above - below) ** 2 / (squares.sum() / values.size)
        ratio = ratio * (quotient**3 + 1) * (quotient + 1) / (quotient**2 + 1) ** 2
    if not np.isfinite(ratio):
        return np.nan, np.nan, np.nan
    return SHAPES[np.argmin((RATIOS - ratio) ** 2)], left, right


def neighbour_products(block: np.ndarray) -> list[np.ndarray]:
    return [(block * np.roll(block, shift, (0, 1))).ravel() for shift in NEIGHBOURS]


def niqe_block(block: np.ndarray) -> list[float]:
    """18 features."""
    shape, left, right = asymmetric_gaussian(block.ravel())
    scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    features = [shape, (left + right) * scale / 2]
    for product in neighbour_products(block):
        shape, left, right = asymmetric_gaussian(product)
        scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
        left, right = left * scale, right * scale
        features += [shape, (right - left) * gamma(2 / shape) / gamma(1 / shape), left, right]
    return features


def niqe_features(gray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of every whole block of 96 x 96, row by row: features [blocks, 36], sharpness [blocks]."""
    rows, columns = gray.shape[0] // BLOCK, gray.shape[1] // BLOCK
    image = gray[: rows * BLOCK, : columns * BLOCK]
    scales, sharpness = [], None
    for side in (BLOCK, BLOCK // 2):
        values, deviation = normalised(image, "nearest")
        blocks = [(slice(r * side, (r + 1) * side), slice(c * side, (c + 1) * side)) for r in range(rows) for c in range(columns)]
        scales.append(np.array([niqe_block(values[block]) for block in blocks]))
        if sharpness is None:
            sharpness = np.array([deviation[block].mean() for block in blocks])
        image = halved(image)
    return np.concatenate(scales, axis=1), sharpness


def mean_and_covariance(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Over the rows in which every feature is a number."""
    whole = features[np.isfinite(features).all(axis=1)]
    return whole.mean(axis=0), np.cov(whole, rowvar=False)


def niqe(gray: np.ndarray, model: tuple[np.ndarray, np.ndarray]) -> float:
    """Distance between the Gaussians of the image and of `model`: mean [36], covariance [36, 36]."""
    mean, covariance = mean_and_covariance(niqe_features(gray)[0])
    away = model[0] - mean
    return float(np.sqrt(away @ np.linalg.pinv((model[1] + covariance) / 2) @ away))


def brisque_features(gray: np.ndarray) -> np.ndarray:
    """36 features of a whole image."""
    features = []
    for _ in range(2):
        values, _ = normalised(gray, "constant")
        features += generalised_gaussian(values)
        for product in neighbour_products(values):
            shape, left, right = asymmetric_gaussian(product)
            away = (right - left) * gamma(2 / shape) / gamma(1 / shape) * np.sqrt(gamma(1 / shape) / gamma(3 / shape))
            features += [shape, away, left**2, right**2]
        gray = halved(gray)
    return np.array(features)

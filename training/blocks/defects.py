"""Damage with a known place: a picture in [0, 1] becomes worse inside a mask, by a strength from 0.25 (seen at a glance) to 1.

Three factors, as PQ-Map has them: technical (blur, noise, JPEG blocks, banding), rationality (melted, sheared, half-missing,
duplicated solids) and naturalness (colour cast, plastic over-saturation, flat light). `damage` gives the damaged picture and
the truth: which factor, which pixels, how strongly.
"""

import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from world import Dice

FACTORS = ("technical", "rationality", "naturalness")
KINDS = {
    "technical": ("blur", "noise", "jpeg", "banding"),
    "rationality": ("melted", "sheared", "half-missing", "duplicated"),
    "naturalness": ("colour cast", "over-saturation", "flat light"),
}
WEAKEST = 0.25


@dataclass
class Damage:
    image: np.ndarray  # float32 [height, width, 3]
    mask: np.ndarray  # float32 [height, width]: share of each pixel that is damaged
    factor: str
    kind: str
    strength: float


def damage(
    image: np.ndarray,
    owner: np.ndarray,
    dice: Dice,
    *,
    without: tuple[np.ndarray, int] | None = None,
    factor: str | None = None,
    kind: str | None = None,
    strength: float | None = None,
) -> Damage | None:
    """Damages a picture in one place.

    `image` float32 [h, w, 3] and `owner` as rendered; `without`: the picture without one solid, and the solid's index: what lies
    behind it. None: there is no solid that this damage could befall.
    """
    factor = factor or dice.pick(FACTORS)
    kind = kind or dice.pick(KINDS[factor])
    strength = dice.between(WEAKEST, 1.0) if strength is None else strength
    if factor == "rationality":
        if without is None or (owner == without[1]).sum() < 60:
            return None
        result, mask = deform(image, owner == without[1], without[0], dice, kind, strength)
        if mask.sum() < 25.0:
            return None
    else:
        mask = region(owner, dice)
        worse = (TECHNICAL if factor == "technical" else NATURALNESS)[kind](image, strength, dice)
        result = image + mask[..., None] * (np.clip(worse, 0.0, 1.0) - image)
    return Damage(result.astype(np.float32), mask.astype(np.float32), factor, kind, strength)


def region(owner: np.ndarray, dice: Dice) -> np.ndarray:
    """Where: a solid with a margin, or a soft-edged blob; float [h, w]."""
    height, width = owner.shape
    solids = [i for i in np.unique(owner) if i != 255 and (owner == i).sum() > 150]
    if solids and dice.chance(0.5):
        mask = ndimage.binary_dilation(owner == dice.pick(solids), iterations=2 + dice.below(8)).astype(np.float32)
        return ndimage.gaussian_filter(mask, 1.5)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    if solids and dice.chance(0.5):
        rows, columns = np.nonzero(owner == dice.pick(solids))
        at = dice.below(len(rows))
        centre = float(columns[at]), float(rows[at])
    else:
        centre = dice.between(0.1, 0.9) * width, dice.between(0.1, 0.9) * height
    radius = dice.between(0.1, 0.32) * width
    squeeze, turn = dice.between(0.6, 1.0), dice.between(0.0, math.pi)
    dx, dy = x - centre[0], y - centre[1]
    u, v = math.cos(turn) * dx + math.sin(turn) * dy, math.cos(turn) * dy - math.sin(turn) * dx
    angle = np.arctan2(v, u)
    wobble = 1.0 + 0.18 * np.sin(2 * angle + dice.between(0, 6.28)) + 0.12 * np.sin(3 * angle + dice.between(0, 6.28))
    reach = np.sqrt(u**2 + (v / squeeze) ** 2) / (radius * wobble)
    return np.clip((1.12 - reach) / 0.24, 0.0, 1.0).astype(np.float32)


# --- technical ---------------------------------------------------------------------------------------------------------


def blur(image: np.ndarray, strength: float, dice: Dice) -> np.ndarray:
    return ndimage.gaussian_filter(image, (0.9 + 4.2 * strength,) * 2 + (0,))


def noise(image: np.ndarray, strength: float, dice: Dice) -> np.ndarray:
    # A sum of uniform numbers: nearly normal, from `random()` alone.
    grain = sum(dice.array(*image.shape) for _ in range(4)) - 2.0
    if dice.chance(0.4):
        grain = np.repeat(grain[..., :1], 3, axis=2)
    return image + (0.05 + 0.24 * strength) * 1.73 * grain


def jpeg(image: np.ndarray, strength: float, dice: Dice) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray((np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)).save(
        buffer, "JPEG", quality=max(1, round(13 - 12 * strength)), subsampling=2
    )
    return np.asarray(Image.open(io.BytesIO(buffer.getvalue())), np.float32) / 255.0


def banding(image: np.ndarray, strength: float, dice: Dice) -> np.ndarray:
    levels = 8.0 - 5.2 * strength
    return np.round(image * levels) / levels


TECHNICAL = {"blur": blur, "noise": noise, "jpeg": jpeg, "banding": banding}


# --- naturalness -------------------------------------------------------------------------------------------------------


def grey(image: np.ndarray) -> np.ndarray:
    return (image @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]


def colour_cast(image: np.ndarray, strength: float, dice: Dice) -> np.ndarray:
    cast = np.array(
        dice.pick([(1, 0, 0.7), (0, 1, 0.2), (0.1, 0.9, 1), (1, 0.15, 0.05), (0.25, 0.2, 1), (0.95, 0.95, 0)]), np.float32
    )
    gain = 1.0 + (0.35 + 0.75 * strength) * (cast - 0.5)
    tinted = image * gain + 0.14 * strength * (cast - 0.4)
    return tinted * (1 - 0.35 * strength) + 0.35 * strength * grey(image) * (0.45 + 0.9 * cast)


def over_saturation(image: np.ndarray, strength: float, dice: Dice) -> np.ndarray:
    """As of plastic: texture smoothed away, colours and contrast far too strong, highlights blown."""
    smooth = ndimage.gaussian_filter(image, (0.7 + 1.1 * strength,) * 2 + (0,))
    vivid = grey(smooth) + (1.5 + 2.4 * strength) * (smooth - grey(smooth))
    contrast = 0.5 + (1.15 + 0.6 * strength) * (vivid - 0.46)
    glare = np.clip(grey(smooth) - 0.62, 0, 1) * 1.6 * strength
    return contrast + glare


def flat_light(image: np.ndarray, strength: float, dice: Dice) -> np.ndarray:
    """No shadows, no highlights: brightness pulled to one level, colours washed out."""
    level = dice.between(0.5, 0.68)
    luminance = grey(image)
    colour = image / np.maximum(luminance, 0.05)
    pale = 1.0 + (colour - 1.0) * (1.0 - 0.45 * strength)
    flattened = luminance + (0.42 + 0.5 * strength) * (level - luminance)
    return flattened * np.clip(pale, 0.0, 2.2)


NATURALNESS = {"colour cast": colour_cast, "over-saturation": over_saturation, "flat light": flat_light}


# --- rationality -------------------------------------------------------------------------------------------------------


def deform(
    image: np.ndarray, solid: np.ndarray, behind: np.ndarray, dice: Dice, kind: str, strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """The solid taken off the picture, deformed and put back over what lies behind it. Mask: the pixels that changed."""
    matte = ndimage.gaussian_filter(ndimage.binary_dilation(solid).astype(np.float32), 0.7)
    rows, columns = np.nonzero(solid)
    top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
    height, width = max(bottom - top, 8), max(right - left, 8)
    # Shadows stay with the picture that has the solid; around it the two hardly differ.
    if kind == "duplicated":
        # A copy that grows out of the original.
        side = 1 if dice.chance(0.5) else -1
        shift = (dice.between(-0.35, 0.1) * height, side * dice.between(0.3, 0.75) * (0.6 + 0.4 * strength) * width)
        copy = ndimage.shift(image, (*shift, 0), order=1, mode="nearest")
        cover = ndimage.shift(matte, shift, order=1, cval=0.0)
        result = image + cover[..., None] * (copy - image)
        return result, changed(image, result, cover)
    if kind == "half-missing":
        y, x = np.mgrid[0 : image.shape[0], 0 : image.shape[1]]
        turn = dice.between(0.0, 2 * math.pi)
        along = (x - 0.5 * (left + right)) / width * math.cos(turn) + (y - 0.5 * (top + bottom)) / height * math.sin(turn)
        ragged = 0.06 * np.sin((x * math.sin(turn) - y * math.cos(turn)) * 0.5)
        # How much of it is gone: a quarter to two thirds.
        gone = np.clip((along + ragged - (0.28 - 0.4 * strength)) / 0.04, 0.0, 1.0) * matte
        result = image + gone[..., None] * (behind - image)
        return result, changed(image, result, gone)
    y, x = np.mgrid[0 : image.shape[0], 0 : image.shape[1]].astype(np.float32)
    depth = np.clip((y - top) / height, -0.2, 1.4)
    if kind == "melted":
        # Drips: columns sag by different amounts, the more the lower.
        phase = dice.between(0.0, 6.28)
        wave = 0.5 + 0.5 * np.sin((x - left) / width * dice.between(7.0, 12.0) + phase)
        sag = strength * height * (0.10 + 0.42 * wave) * np.clip(depth, 0.0, 1.4)
        spread = 1.0 + 0.5 * strength * depth**2
        middle = 0.5 * (left + right)
        source = np.stack([y - sag, middle + (x - middle) / spread + 0.1 * width * strength * np.sin(y * 0.25 + phase)])
    else:
        # Slices slid sideways.
        slices = 3 + dice.below(3)
        index = np.clip(np.floor((y - top) / height * slices), 0, slices - 1).astype(np.int64)
        amounts = np.array([dice.between(-1.0, 1.0) for _ in range(slices)], np.float32)
        amounts[1::2] = -np.abs(amounts[1::2]) - 0.3
        amounts[::2] = np.abs(amounts[::2])
        source = np.stack([y, x + (0.12 + 0.4 * strength) * width * amounts[index]])
    layer = np.stack(
        [ndimage.map_coordinates(image[..., c], source, order=1, mode="nearest") for c in range(3)], axis=-1
    )
    cover = ndimage.map_coordinates(matte, source, order=1, cval=0.0)
    uncovered = image + matte[..., None] * (behind - image)
    result = uncovered + cover[..., None] * (layer - uncovered)
    return result, changed(image, result, np.maximum(cover, matte))


def changed(before: np.ndarray, after: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Pixels that differ visibly, closed to a region."""
    differs = (np.abs(after - before).max(-1) > 0.06) & (where > 0.1)
    closed = ndimage.binary_fill_holes(ndimage.binary_closing(np.pad(differs, 6), iterations=3))[6:-6, 6:-6]
    return ndimage.gaussian_filter(closed.astype(np.float32), 0.8)

"""What the two models are fitted to: features of good photographs, and of photographs made worse with how bad they are."""

from pathlib import Path

import numpy as np
from PIL import Image

from degrade import LEVELS, degraded
from image_measures import brisque_features, luminance, niqe_features
from severity import severity

SEED = 20
# Photographs made smaller are good photographs, too, and have finer detail to the pixel, as generated pictures have.
SCALES = (1, 0.75, 0.5)
# Blocks begin here as well, right and down: every part of a photograph is seen in four ways.
SHIFTS = (0, 48)
# The middle of a photograph is enough for the features of the whole.
CROP = (480, 384)


def photo_features(paths: list[Path]) -> dict[str, np.ndarray]:
    """NIQE: features, sharpness within the picture (1 is its sharpest block), size; BRISQUE: features, severity, condition, photograph."""
    niqe, sharp, scales = [], [], []
    brisque, severities, conditions, groups = [], [], [], []
    for group, path in enumerate(paths):
        photo = Image.open(path).convert("RGB")
        for scale in SCALES:
            size = (round(photo.width * scale), round(photo.height * scale))
            gray = luminance(np.asarray(photo.resize(size, Image.Resampling.LANCZOS) if scale != 1 else photo))
            for down in SHIFTS:
                for right in SHIFTS:
                    features, sharpness = niqe_features(gray[down:, right:])
                    niqe.append(features)
                    sharp.append(sharpness / sharpness.max())
                    scales.append(np.full(len(features), scale))
        left, top = (photo.width - CROP[0]) // 2, (photo.height - CROP[1]) // 2
        image = np.asarray(photo)[top : top + CROP[1], left : left + CROP[0]]
        gray = luminance(image)
        cases = [("none", image)]
        for cause, levels in LEVELS.items():
            for level in levels:
                rng = np.random.default_rng([SEED, group, int(level * 1000)])
                cases.append((f"{cause} {level}", degraded(image, cause, level, rng)))
        for condition, worse in cases:
            now = luminance(worse)
            brisque.append(brisque_features(now))
            severities.append(0.0 if condition == "none" else severity(gray, now))
            conditions.append(condition)
            groups.append(group)
        print(f"{path.name}: {len(cases)} pictures", flush=True)
    return {
        "niqe": np.concatenate(niqe),
        "sharpness": np.concatenate(sharp),
        "scales": np.concatenate(scales),
        "brisque": np.array(brisque),
        "severity": np.array(severities),
        "condition": np.array(conditions),
        "group": np.array(groups),
    }

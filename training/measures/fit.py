"""Fits this project's models of NIQE and BRISQUE: python training/measures/fit.py (see README.md)

    --photos FOLDER   undistorted photographs; ../shared/data/photos by default
    --keep FILE       where the features are kept: a second run reads them from there
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr
from sklearn.model_selection import GroupKFold
from sklearn.svm import SVR

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "reference"))

from features import photo_features  # noqa: E402
from image_measures import mean_and_covariance  # noqa: E402

MODELS = ROOT / "src" / "measures" / "models"
# Mittal 2013: blocks sharper than this share of their picture's sharpest are what a good photograph is known by.
SHARP = 0.75
# The regression's settings are those of BRISQUE's authors; half as much or twice as much of either predicts unseen photographs no better.
SVR_SETTINGS = {"kernel": "rbf", "C": 1024, "gamma": 0.05, "epsilon": 2}


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--photos", type=Path, default=ROOT.parent / "shared" / "data" / "photos")
    options.add_argument("--keep", type=Path)
    chosen = options.parse_args()
    if chosen.keep and chosen.keep.exists():
        found = dict(np.load(chosen.keep))
    else:
        photos = sorted(chosen.photos.glob("*.png"))
        if not photos:
            raise SystemExit(f"There are no .png photographs in {chosen.photos}")
        found = photo_features(photos)
        if chosen.keep:
            np.savez(chosen.keep, **found)
    MODELS.mkdir(exist_ok=True)
    write(MODELS / "niqe.json", fit_niqe(found))
    write(MODELS / "brisque.json", fit_brisque(found))


def fit_niqe(found: dict[str, np.ndarray]) -> dict:
    sharp = found["sharpness"] > SHARP
    mean, covariance = mean_and_covariance(found["niqe"][sharp])
    print(f"NIQE: {sharp.sum()} sharp blocks of {len(sharp)}; condition {np.linalg.cond(covariance):.0f}")
    return {"mean": rounded(mean), "covariance": rounded(covariance.ravel())}


def fit_brisque(found: dict[str, np.ndarray]) -> dict:
    features, group, condition = found["brisque"], found["group"], found["condition"]
    # A condition is as bad as it is on the mean of all photographs: so are opinions asked for, and it keeps out what a single picture
    # happens to hide or show.
    conditions, index = np.unique(condition, return_inverse=True)
    target = np.array([found["severity"][index == i].mean() for i in range(len(conditions))])[index]
    low, high = features.min(axis=0), features.max(axis=0)
    scaled = 2 * (features - low) / (high - low) - 1
    unseen = np.zeros(len(target))
    for seen, rest in GroupKFold(6).split(scaled, target, group):
        unseen[rest] = SVR(**SVR_SETTINGS).fit(scaled[seen], target[seen]).predict(scaled[rest])
    error = np.sqrt(np.mean((unseen - target) ** 2))
    print(f"BRISQUE: of photographs left out, Spearman {spearmanr(unseen, target)[0]:.3f}, error {error:.1f} of 100")
    model = SVR(**SVR_SETTINGS).fit(scaled, target)
    print(f"BRISQUE: {len(model.support_)} vectors of {len(target)} pictures")
    return {
        "low": rounded(low),
        "high": rounded(high),
        "gamma": SVR_SETTINGS["gamma"],
        "intercept": round(float(model.intercept_[0]), 5),
        "coefficients": rounded(model.dual_coef_[0]),
        "vectors": [rounded(vector) for vector in model.support_vectors_],
    }


def rounded(values: np.ndarray) -> list[float]:
    """Seven digits: what is lost moves a prediction by less than a thousandth."""
    return [float(f"{value:.7g}") for value in values]


def write(path: Path, model: dict) -> None:
    lines = ",\n".join(f'"{key}": {json.dumps(value, separators=(",", ":"))}' for key, value in model.items())
    path.write_text("{\n" + lines + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""What the CLIP of Blocks can do, on validation seeds, with the app's own formulas: `evaluate` is called by train_clip.py.

A stand-in in Python for the app's `npm run evaluate`, to steer training by: detection of absent and of wrongly described solids
(evidence of the class token and of the best patches, eq. 5), whether the map's peak lies on the solid, damaged pixels (eq. 3),
the score's rank correlation with the strength of the damage, and captions against wrong captions.
"""

import numpy as np
import torch
from scipy import stats
from torch import Tensor
from torch.nn import functional as F

from captions import ELSEWHERE, Phrase, absent_phrase, caption, phrase_of, wrong_phrase
from clip_features import PQ_FACTORS, encode_image, pixel_values
from dataset import Pictures
from defects import FACTORS, damage
from world import Dice

# B_k of eq. 3: technical, rationality, naturalness.
BOUNDS = (0.935, 0.535, 0.661)
BEST_SHARE = 0.01


def auroc(values: np.ndarray, truth: np.ndarray) -> float:
    """Area under the ROC curve of `values` for `truth`, ties counted half."""
    positives = int(truth.sum())
    negatives = truth.size - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    ranks = stats.rankdata(values.ravel())
    return float((ranks[truth.ravel()].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def balanced_accuracy(high: list[float], low: list[float]) -> float:
    """Boundary chosen on one half of each list, measured on the other."""
    high, low = np.array(high), np.array(low)
    chosen = np.unique(np.concatenate([high[::2], low[::2]]))
    scores = [(np.mean(high[::2] >= b) + np.mean(low[::2] < b)) / 2 for b in chosen]
    boundary = chosen[int(np.argmax(scores))]
    return float((np.mean(high[1::2] >= boundary) + np.mean(low[1::2] < boundary)) / 2)


def evidence(cls: Tensor, patches: Tensor, direction: Tensor) -> tuple[float, float, Tensor]:
    """Of the class token, of the best patches, and every patch's: the app's alignmentEvidence."""
    similarity = patches @ direction
    best = max(1, round(BEST_SHARE * len(similarity)))
    return float(cls @ direction), float(similarity.topk(best).values.mean()), similarity


@torch.no_grad()
def evaluate(model, contexts, texts, pictures: Pictures, device: torch.device, size: int, count: int = 120) -> dict[str, float]:
    model.eval()

    def encode(image: np.ndarray) -> tuple[Tensor, Tensor]:
        pixels = torch.from_numpy(image).to(device).permute(2, 0, 1)[None].float()
        cls, patches, _ = encode_image(model, pixel_values(pixels, size))
        return cls[0], patches[0]

    result = alignment(encode, texts, pictures, count)
    result.update(quality(encode, contexts(model, texts), model.logit_scale.exp(), pictures, count, size // 16))
    return {name: round(value, 3) for name, value in result.items()}


def alignment(encode, texts, pictures: Pictures, count: int) -> dict[str, float]:
    empty = texts([""])[0]
    reference = texts(list(ELSEWHERE[:40])) - empty
    there, absent, right, wrong, peaks, retrieved, preferred = [], [], [], [], [], [], []
    every_cls, every_caption = [], []
    for i in range(count):
        dice = Dice(77, i)
        scene, images, owners, _ = pictures[(i * 4) % len(pictures)]
        cls, patches = encode(images[0].astype(np.float32) / 255.0)
        # Patches are brought to the level of the class token by texts that are never true.
        offset = float(np.median([(e[1] - e[0]) for e in (evidence(cls, patches, r) for r in reference)]))

        def score(phrase: Phrase) -> tuple[float, Tensor]:
            whole, best, similarity = evidence(cls, patches, texts([phrase.text()])[0] - empty)
            return max(whole, best - offset), similarity

        solid = dice.pick(scene.solids)
        missing = absent_phrase(scene, dice)
        present_shapes = {s.shape for s in scene.solids}
        there.append(score(Phrase(shape=solid.shape))[0])
        if missing.shape not in present_shapes:
            absent.append(score(missing.bare())[0])
        phrase = Phrase(shape=solid.shape, colour=solid.colour, size=solid.size, material=solid.material)
        phrase = Phrase(**{**phrase.__dict__, dice.pick(("size", "material")): None})
        other = None
        for _ in range(8):
            candidate = wrong_phrase(scene, phrase, dice)
            if candidate and candidate.shape == solid.shape:
                other = candidate
        right.append(score(phrase)[0])
        if other:
            value, similarity = score(other)
            wrong.append(value)
            alone = [k for k, s in enumerate(scene.solids) if s.shape == solid.shape]
            grid = round(len(similarity) ** 0.5)
            if len(alone) == 1:
                at = int(similarity.argmax())
                y, x = (int((v + 0.5) / grid * 256) for v in divmod(at, grid))
                peaks.append(bool((owners[0][max(y - 4, 0) : y + 5, max(x - 4, 0) : x + 5] == alone[0]).any()))
        text = caption(scene, dice, complete=True)
        changed = scene.with_solid(0, colour="red" if scene.solids[0].colour != "red" else "blue")
        pair = texts([text, caption(changed, Dice(78, i), complete=True)])
        preferred.append(float(cls @ pair[0]) > float(cls @ pair[1]))
        every_cls.append(cls)
        every_caption.append(pair[0])
    nearest = (torch.stack(every_cls) @ torch.stack(every_caption).T).argmax(1).cpu().numpy()
    retrieved = nearest == np.arange(count)
    return {
        "absent noun": balanced_accuracy(there, absent),
        "wrong attribute": balanced_accuracy(right, wrong),
        "peak on solid": float(np.mean(peaks)),
        f"caption among {count}": float(np.mean(retrieved)),
        "caption over wrong colour": float(np.mean(preferred)),
    }


def combined(factors: Tensor) -> Tensor:
    """Eq. 3 on the last axis of [4, ...]: overall times what each factor lacks."""
    value = factors[0]
    for factor, bound in zip(factors[1:], BOUNDS):
        value = value * (factor / bound).clamp(max=1)
    return value


def quality(encode, pairs: Tensor, kappa: Tensor, pictures: Pictures, count: int, grid: int) -> dict[str, float]:
    direction = pairs[:, 0] - pairs[:, 1]
    areas: dict[str, list[float]] = {factor: [] for factor in FACTORS}
    of_factor: dict[str, list[float]] = {factor: [] for factor in FACTORS}
    scores, strengths, clean = [], [], []
    for i in range(count):
        dice = Dice(79, i)
        scene, images, owners, removed = pictures[(i * 4 + 1) % len(pictures)]
        image, behind = (images[k].astype(np.float32) / 255.0 for k in (0, 1))
        cls, _ = encode(image)
        clean.append(float(combined(torch.sigmoid(kappa * direction @ cls))))
        hurt = damage(image, owners[0], dice, without=(behind, removed), factor=FACTORS[i % 3])
        if hurt is None:
            continue
        cls, patches = encode(hurt.image)
        scores.append(float(combined(torch.sigmoid(kappa * direction @ cls))))
        strengths.append(hurt.strength)
        maps = torch.sigmoid(kappa * direction @ patches.T)
        truth = hurt.mask > 0.5
        for kept, values in ((areas, combined(maps)), (of_factor, maps[1 + FACTORS.index(hurt.factor)])):
            large = F.interpolate(values.view(1, 1, grid, grid), size=(256, 256), mode="bicubic")[0, 0].cpu().numpy()
            kept[hurt.factor].append(auroc(-large, truth))
    result = {f"pixels {factor}": float(np.nanmean(values)) for factor, values in areas.items()}
    result |= {f"pixels {factor} alone": float(np.nanmean(values)) for factor, values in of_factor.items()}
    result["score, strength"] = -float(stats.spearmanr(scores, strengths).statistic)
    result["score, strength and clean"] = -float(
        stats.spearmanr(scores + clean, strengths + [0.0] * len(clean)).statistic
    )
    result["clean score"] = float(np.mean(clean))
    result["damaged score"] = float(np.mean(scores))
    return result

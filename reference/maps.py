"""PQ-Map and AQ-Map from CLIP features, as ../shared/spec of the project states them (tags [paper], [code], [ours] there).

All of it on plain tensors: cls [dim] and patches [n, dim] of unit length, text features of unit length.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

FACTORS = ["overall", "technical", "rationality", "naturalness"]
# AGIN means 0.935, 0.892, 0.826 times the importance 1, 0.6, 0.8 of technical, rationality, naturalness.
BOUNDS = [0.935, 0.535, 0.661]


@dataclass
class PerceptualQuality:
    factors: Tensor  # q_k [4]: probability of the good text, class token
    factor_maps: Tensor  # P_k [4, n]: the same for every patch
    score: Tensor  # Q_P []
    values: Tensor  # M_P [n]


def perceptual_quality(cls: Tensor, patches: Tensor, pairs: Tensor, logit_scale: Tensor) -> PerceptualQuality:
    """G-Refine eq. 2 and 3. pairs [4, 2, dim]: per factor the good and the bad text; logit_scale is kappa, exp applied."""
    tokens = torch.cat([cls[None], patches])
    logits = logit_scale * torch.einsum("nd,kpd->knp", tokens, pairs)
    good = logits.softmax(-1)[..., 0]
    bounds = torch.tensor(BOUNDS, dtype=good.dtype)[:, None]
    combined = good[0] * torch.clamp(good[1:] / bounds, max=1).prod(0)
    return PerceptualQuality(good[:, 0], good[:, 1:], combined[0], combined[1:])


@dataclass
class ReleasedQuality:
    values: Tensor  # [n] min-max of the overall pair's good logit over the patches
    score: Tensor  # [] the factors' product, every one divided by technical's bound


def released_quality(cls: Tensor, patches: Tensor, pairs: Tensor, logit_scale: Tensor) -> ReleasedQuality:
    """The project's `mode: 'released'`: what PQ-Map.py of Q-Future/Q-Refine draws, with two of its oddities.

    Kept: only the good logit of the overall pair is drawn, stretched to 0..1 over the image; all three factors are divided
    by technical's bound. Not kept: those of `released_quality_literally`, and bilinear resizing with width and height swapped.
    """
    factors = perceptual_quality(cls, patches, pairs, logit_scale).factors
    score = factors[0] * torch.clamp(factors[1:] / BOUNDS[0], max=1).prod()
    return ReleasedQuality(min_max(patches @ pairs[0, 0]), score)


def released_quality_literally(projected: Tensor, pairs_unnormalised: Tensor) -> ReleasedQuality:
    """The released code's arithmetic to the letter, before resizing, to show how far `mode: 'released'` is from it.

    projected [1 + n, dim] and pairs_unnormalised [4, 2, dim] are features before any normalisation. On top of the above: image
    features are divided by their norm over dim=1, which is the token axis, so that channels are scaled instead of
    tokens; text features keep their length; there is no logit scale.
    """
    odd = projected / projected.norm(dim=0, keepdim=True)
    factors = torch.softmax(torch.einsum("d,kpd->kp", odd[0], pairs_unnormalised), -1)[:, 0]
    score = factors[0] * torch.clamp(factors[1:] / BOUNDS[0], max=1).prod()
    return ReleasedQuality(min_max(odd[1:] @ pairs_unnormalised[0, 0]), score)


def min_max(values: Tensor) -> Tensor:
    return (values - values.min()) / (values.max() - values.min())


def zero_shot_pairs(encode, prompts: dict) -> Tensor:
    """[4, 2, dim] from zero_shot_prompts.json; `encode` maps texts to unnormalised features [n, dim]."""
    rows = []
    for factor in FACTORS:
        for side in range(2):
            texts = [template.replace("{}", pair[side]) for pair in prompts["factors"][factor] for template in prompts["templates"]]
            mean = F.normalize(encode(texts), dim=-1).mean(0)
            rows.append(F.normalize(mean, dim=-1))
    return torch.stack(rows).reshape(len(FACTORS), 2, -1)


def alignment_maps(patches: Tensor, phrases: Tensor, empty: Tensor) -> Tensor:
    """G-Refine eq. 5 before any scaling: C_I (C_T(p_i) - C_T("")), [count, n]. phrases [count, dim], empty [dim], unit."""
    return (phrases - empty) @ patches.T

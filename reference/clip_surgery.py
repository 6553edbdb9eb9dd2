"""CLIP Surgery (arXiv 2304.05653) on the weights of transformers' CLIPModel, as G-Refine eq. 1 uses it.

Written from the paper's description of the architecture surgery:

* two paths run side by side through the last 6 blocks; below them there is one path, CLIP as published;
* the original path stays CLIP as published;
* the surgery path replaces query and key by the value ("consistent self-attention"): at every one of those blocks
  `x_s <- x_s + out_proj(softmax(V V^T / sqrt(d_head)) V)`, where V is computed from LN1 of the *original* path's input
  to the block, and the feed-forward network is left out;
* the class token is taken from the original path, the patches from the surgery path; the final norm (post_layernorm)
  and the visual projection are then applied to every token, not to the class token alone.

Image sizes other than the training size: the grid is floor(size / patch) on a side (the convolution drops the rest), and
the position embedding of the patches is resized bilinearly (align_corners=False, no antialiasing); at the training size it
is used untouched. transformers' own interpolate_pos_encoding is bicubic, so the two differ off the training size.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import CLIPModel

SURGERY_BLOCKS = 6


@dataclass
class ImageFeatures:
    """Of one batch. `projected` is before, the others after scaling to unit length."""

    grid: int
    cls: Tensor  # [batch, dim]
    patches: Tensor  # [batch, grid * grid, dim], row by row
    projected: Tensor  # [batch, 1 + grid * grid, dim], class token first
    early_hidden: Tensor  # [batch, 1 + grid * grid, width], the stream after the second block
    original_hidden: Tensor  # [batch, 1 + grid * grid, width], end of the original path, before post_layernorm
    surgery_hidden: Tensor  # the same of the surgery path


@torch.no_grad()
def encode_image(model: CLIPModel, pixel_values: Tensor) -> ImageFeatures:
    """pixel_values [batch, 3, size, size], normalised with the model's mean and standard deviation."""
    vision = model.vision_model
    stream = vision.pre_layrnorm(embed(model, pixel_values))
    layers = vision.encoder.layers
    surgery = None
    early = None
    for index, layer in enumerate(layers):
        if index >= len(layers) - SURGERY_BLOCKS:
            start = stream if surgery is None else surgery
            surgery = start + consistent_attention(layer.self_attn, layer.layer_norm1(stream))
        stream = layer(stream, attention_mask=None)
        if index == 1:
            early = stream
    tokens = torch.cat([stream[:, :1], surgery[:, 1:]], dim=1)
    projected = model.visual_projection(vision.post_layernorm(tokens))
    unit = F.normalize(projected, dim=-1)
    return ImageFeatures(
        grid=pixel_values.shape[-1] // vision.config.patch_size,
        cls=unit[:, 0],
        patches=unit[:, 1:],
        projected=projected,
        early_hidden=early,
        original_hidden=stream,
        surgery_hidden=surgery,
    )


def embed(model: CLIPModel, pixel_values: Tensor) -> Tensor:
    """Class token and patches with the resized position embedding, [batch, 1 + grid * grid, width]."""
    embeddings = model.vision_model.embeddings
    patches = embeddings.patch_embedding(pixel_values)
    grid = patches.shape[-1]
    patches = patches.flatten(2).transpose(1, 2)
    classes = embeddings.class_embedding.expand(pixel_values.shape[0], 1, -1)
    positions = embeddings.position_embedding.weight
    side = round((positions.shape[0] - 1) ** 0.5)
    if side != grid:
        square = positions[1:].T.reshape(1, -1, side, side)
        resized = F.interpolate(square, size=(grid, grid), mode="bilinear", align_corners=False, antialias=False)
        positions = torch.cat([positions[:1], resized.flatten(2)[0].T])
    return torch.cat([classes, patches], dim=1) + positions


def consistent_attention(attention: torch.nn.Module, normed: Tensor) -> Tensor:
    """softmax(V V^T / sqrt(d_head)) V per head, then out_proj with its bias."""
    batch, count, width = normed.shape
    heads = attention.num_heads
    value = attention.v_proj(normed).view(batch, count, heads, width // heads).transpose(1, 2)
    weights = torch.softmax(value @ value.transpose(-1, -2) * (width // heads) ** -0.5, dim=-1)
    mixed = (weights @ value).transpose(1, 2).reshape(batch, count, width)
    return attention.out_proj(mixed)

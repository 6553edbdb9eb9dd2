"""The CLIP's two encoders for training: CLIP Surgery's patches beside CLIP's own class token (reference/clip_surgery.py, here with
gradients and the values shared between both paths), texts cut to the longest of a batch, and learned contexts."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPModel

import tokenizer as blocks_tokenizer
from models import FEATURE_MEAN, FEATURE_STD

SURGERY_BLOCKS = 6
LOOKING_BLOCKS = 3
CONTEXT = 16
NAME_TOKENS = 3
PQ_FACTORS = ("overall", "technical", "rationality", "naturalness")
PQ_FILES = {"overall": "overall", "technical": "technical", "rationality": "rational", "naturalness": "natural"}


def pixel_values(images: Tensor, size: int) -> Tensor:
    """[batch, 3, h, w] in 0..1 → normalised, `size` on a side, bicubic as the app resizes."""
    if images.shape[-1] != size:
        images = F.interpolate(images, size=(size, size), mode="bicubic", antialias=True).clamp(0, 1)
    mean, std = (torch.tensor(v, device=images.device).view(1, 3, 1, 1) for v in (FEATURE_MEAN, FEATURE_STD))
    return (images - mean) / std


def encode_image(model: CLIPModel, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Unit features: class token [batch, dim] and patches [batch, grid², dim] of the surgery path (eq. 1); and where the class
    token's first head looks in the last blocks, as log shares [batch, LOOKING_BLOCKS, grid²]."""
    vision = model.vision_model
    stream = vision.pre_layrnorm(_embedded(model, pixels))
    layers = vision.encoder.layers
    surgery = stream
    looks = []
    for index, layer in enumerate(layers):
        attention = layer.self_attn
        normed = layer.layer_norm1(stream)
        query, key, value = (_heads(p(normed), attention.num_heads) for p in (attention.q_proj, attention.k_proj, attention.v_proj))
        if index >= len(layers) - LOOKING_BLOCKS:
            alike = query[:, 0, :1] @ key[:, 0].transpose(1, 2) * query.shape[-1] ** -0.5
            looks.append(alike.log_softmax(-1)[:, 0, 1:])
        in_surgery = index >= len(layers) - SURGERY_BLOCKS
        if index == len(layers) - SURGERY_BLOCKS:
            surgery = stream
        if in_surgery:
            consistent = F.scaled_dot_product_attention(value, value, value)
            surgery = surgery + attention.out_proj(_joined(consistent))
        stream = stream + attention.out_proj(_joined(F.scaled_dot_product_attention(query, key, value)))
        stream = stream + layer.mlp(layer.layer_norm2(stream))
    tokens = torch.cat([stream[:, :1], surgery[:, 1:]], dim=1)
    unit = F.normalize(model.visual_projection(vision.post_layernorm(tokens)), dim=-1)
    return unit[:, 0], unit[:, 1:], torch.stack(looks, 1)


def _embedded(model: CLIPModel, pixels: Tensor) -> Tensor:
    embeddings = model.vision_model.embeddings
    patches = embeddings.patch_embedding(pixels)
    grid = patches.shape[-1]
    patches = patches.flatten(2).transpose(1, 2)
    positions = embeddings.position_embedding.weight
    side = round((positions.shape[0] - 1) ** 0.5)
    if side != grid:
        square = positions[1:].T.reshape(1, -1, side, side)
        resized = F.interpolate(square, size=(grid, grid), mode="bilinear", align_corners=False)
        positions = torch.cat([positions[:1], resized.flatten(2)[0].T])
    classes = embeddings.class_embedding.expand(pixels.shape[0], 1, -1)
    return torch.cat([classes, patches], dim=1) + positions


def _heads(x: Tensor, heads: int) -> Tensor:
    batch, count, width = x.shape
    return x.view(batch, count, heads, width // heads).transpose(1, 2)


def _joined(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(2)


def _text_tower(model: CLIPModel, hidden: Tensor) -> Tensor:
    text = model.text_model
    length = hidden.shape[1]
    mask = torch.full((length, length), torch.finfo(hidden.dtype).min, device=hidden.device).triu(1)[None, None]
    for layer in text.encoder.layers:
        hidden = layer(hidden, attention_mask=mask)
    return text.final_layer_norm(hidden)


class Texts:
    """Encodes texts with the pruned tokenizer."""

    def __init__(self, model: CLIPModel):
        self.model, self.tokens = model, blocks_tokenizer.load()
        self._known: dict[str, list[int]] = {}

    def ids(self, texts: list[str]) -> list[list[int]]:
        for text in texts:
            if text not in self._known:
                if len(self._known) > 50_000:
                    self._known.clear()
                self._known[text] = self.tokens(text, truncation=True, max_length=77).input_ids
        return [self._known[text] for text in texts]

    def __call__(self, texts: list[str]) -> Tensor:
        """Unit features [count, dim]. Attention is causal: cutting the padding changes nothing."""
        rows = self.ids(texts)
        longest = max(map(len, rows))
        end = self.tokens.eos_token_id
        device = self.model.logit_scale.device
        ids = torch.tensor([row + [end] * (longest - len(row)) for row in rows], device=device)
        last = torch.tensor([len(row) - 1 for row in rows], device=device)
        hidden = _text_tower(self.model, self.model.text_model.embeddings(input_ids=ids))
        pooled = hidden[torch.arange(len(rows), device=device), last]
        return F.normalize(self.model.text_projection(pooled), dim=-1)


class Contexts(nn.Module):
    """PQ-Map's learned contexts: per factor a good and a bad prompt of 16 vectors around "Good photo." and "Bad photo."."""

    def __init__(self, width: int):
        super().__init__()
        self.ctx = nn.Parameter(torch.randn(len(PQ_FACTORS), 2, CONTEXT, width) * 0.02)

    def forward(self, model: CLIPModel, texts: Texts) -> Tensor:
        """Unit features [4, 2, dim]: factor, then good and bad."""
        device = self.ctx.device
        rows = torch.tensor(texts.ids(["Good photo.", "Bad photo."]), device=device)
        if rows.shape[1] != NAME_TOKENS + 2:
            raise ValueError(f"the names have {rows.shape[1] - 2} tokens, expected {NAME_TOKENS}")
        embedded = model.text_model.embeddings.token_embedding(rows)[None].expand(len(PQ_FACTORS), -1, -1, -1)
        half = CONTEXT // 2
        parts = [embedded[:, :, :1], self.ctx[:, :, :half], embedded[:, :, 1:4], self.ctx[:, :, half:], embedded[:, :, 4:]]
        sequence = torch.cat(parts, dim=2).flatten(0, 1)
        hidden = _text_tower(model, model.text_model.embeddings(inputs_embeds=sequence))
        features = F.normalize(model.text_projection(hidden[:, -1]), dim=-1)
        return features.view(len(PQ_FACTORS), 2, -1)

    @torch.no_grad()
    def save(self, model: CLIPModel, texts: Texts, folder) -> None:
        """PQ-*.pth as Q-Future/Q-Refine publishes them: {'params': state of the prompt learner}."""
        table = model.text_model.embeddings.token_embedding.weight.detach().float().cpu()
        ids = torch.zeros(2, 77, dtype=torch.long)
        for row, tokens in enumerate(texts.ids(["Good photo.", "Bad photo."])):
            ids[row, : len(tokens)] = torch.tensor(tokens)
        embedded = table[ids]
        for index, factor in enumerate(PQ_FACTORS):
            state = {
                "prompt_learner.ctx": self.ctx[index].detach().float().cpu().clone(),
                "prompt_learner.token_prefix": embedded[:, :1].clone(),
                "prompt_learner.token_suffix": embedded[:, 1 : 77 - CONTEXT].clone(),
            }
            torch.save({"params": state}, folder / f"PQ-{PQ_FILES[factor]}.pth")

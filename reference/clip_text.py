"""CLIP's text tower entered with token embeddings instead of ids: how learned contexts are encoded."""

import torch
from torch import Tensor
from transformers import CLIPModel

NAME_TOKENS = 3
HALF_CONTEXT = 8
EOT_INDEX = 20


def learned_sequence(state: dict[str, Tensor]) -> Tensor:
    """[2, 77, width] of one PQ file's 'params': start, ctx[0:8], "Good photo." / "Bad photo.", ctx[8:16], end at 20, padding."""
    context = state["prompt_learner.ctx"]
    suffix = state["prompt_learner.token_suffix"]
    parts = [
        state["prompt_learner.token_prefix"],
        context[:, :HALF_CONTEXT],
        suffix[:, :NAME_TOKENS],
        context[:, HALF_CONTEXT:],
        suffix[:, NAME_TOKENS:],
    ]
    return torch.cat(parts, dim=1)


@torch.no_grad()
def encode_embeddings(model: CLIPModel, embeddings: Tensor, eot_index: int) -> Tensor:
    """Projected features [count, dim], not normalised; the position embedding is added here. Causal attention."""
    text = model.text_model
    hidden = text.embeddings(inputs_embeds=embeddings)
    length = hidden.shape[1]
    mask = torch.full((length, length), torch.finfo(hidden.dtype).min, dtype=hidden.dtype).triu(1)
    for layer in text.encoder.layers:
        hidden = layer(hidden, attention_mask=mask[None, None])
    return model.text_projection(text.final_layer_norm(hidden)[:, eot_index])

"""Tensor names, shapes and parameter counts of full-size CLIPs, from their configuration alone (no weights)."""

from pathlib import Path

import torch
from transformers import CLIPConfig, CLIPModel

from tiny_tokenizer import write_json

# What the config.json files of openai's repositories say, as far as it decides shapes and names.
TEXT = {"vocab_size": 49408, "max_position_embeddings": 77, "num_hidden_layers": 12, "hidden_act": "quick_gelu", "eos_token_id": 2}
MODELS = {
    "openai/clip-vit-base-patch16": {
        "projection_dim": 512,
        "text_config": TEXT | {"hidden_size": 512, "intermediate_size": 2048, "num_attention_heads": 8},
        "vision_config": {
            "image_size": 224,
            "patch_size": 16,
            "hidden_size": 768,
            "intermediate_size": 3072,
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
            "hidden_act": "quick_gelu",
        },
    },
    "openai/clip-vit-large-patch14": {
        "projection_dim": 768,
        "text_config": TEXT | {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12},
        "vision_config": {
            "image_size": 224,
            "patch_size": 14,
            "hidden_size": 1024,
            "intermediate_size": 4096,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "hidden_act": "quick_gelu",
        },
    },
}


def save_full_size(path: Path) -> None:
    """Parameters of CLIPModel on the meta device; `buffers` are stored by openai's files but not by transformers today."""
    result = {}
    for name, given in MODELS.items():
        projection = given["projection_dim"]
        config = {
            "model_type": "clip",
            "projection_dim": projection,
            "text_config": given["text_config"] | {"projection_dim": projection},
            "vision_config": given["vision_config"] | {"projection_dim": projection},
        }
        with torch.device("meta"):
            model = CLIPModel(CLIPConfig(**config))
        state = model.state_dict()
        parameters = dict(model.named_parameters())
        assert sorted(state) == sorted(parameters)
        vision = config["vision_config"]
        result[name] = {
            "config": config,
            "parameters": sum(p.numel() for p in parameters.values()),
            "vision_parameters": count(parameters, ("vision_model.", "visual_projection.")),
            "text_parameters": count(parameters, ("text_model.", "text_projection.")),
            "tensors": {key: list(state[key].shape) for key in sorted(state)},
            "buffers": {
                "text_model.embeddings.position_ids": [1, 77],
                "vision_model.embeddings.position_ids": [1, (vision["image_size"] // vision["patch_size"]) ** 2 + 1],
            },
        }
    write_json(path, result, indent=1)


def count(parameters: dict[str, torch.nn.Parameter], prefixes: tuple[str, ...]) -> int:
    return sum(p.numel() for key, p in parameters.items() if key.startswith(prefixes))

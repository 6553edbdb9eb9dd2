"""Parameter counts and tensor shapes of published autoencoders and text encoders, instantiated without memory for weights.

Names and shapes are written as a digest per top-level module, as unet_full_size.py does; when one differs,
`codec_full_size.py --names MODEL` prints what it is made of. Text encoders are named as published, `text_model.…`; today's
transformers names CLIPTextModel's tensors without that prefix.
"""

import hashlib
import json
import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from tiny_tokenizer import write_json

VAE = {
    "_class_name": "AutoencoderKL",
    "act_fn": "silu",
    "block_out_channels": [128, 256, 512, 512],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "in_channels": 3,
    "latent_channels": 4,
    "layers_per_block": 2,
    "norm_num_groups": 32,
    "out_channels": 3,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
}
TEXT = {
    "attention_dropout": 0.0,
    "bos_token_id": 0,
    "dropout": 0.0,
    "eos_token_id": 2,
    "initializer_factor": 1.0,
    "initializer_range": 0.02,
    "layer_norm_eps": 1e-05,
    "max_position_embeddings": 77,
    "model_type": "clip_text_model",
    "pad_token_id": 1,
    "vocab_size": 49408,
}
VIT_L = TEXT | {
    "architectures": ["CLIPTextModel"],
    "hidden_act": "quick_gelu",
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "projection_dim": 768,
}
# As far as they decide shapes, names and arithmetic, what the published config.json files say.
MODELS = {
    "stable-diffusion-v1-5/vae": VAE | {"_diffusers_version": "0.6.0", "sample_size": 512},
    "stable-diffusion-xl-base-1.0/vae": VAE
    | {
        "_diffusers_version": "0.20.0.dev0",
        "_name_or_path": "../sdxl-vae/",
        "force_upcast": True,
        "sample_size": 1024,
        "scaling_factor": 0.13025,
    },
    "sdxl-vae-fp16-fix": VAE
    | {
        "_diffusers_version": "0.18.0.dev0",
        "_name_or_path": ".",
        "force_upcast": False,
        "sample_size": 512,
        "scaling_factor": 0.13025,
    },
    "stable-diffusion-v1-5/text_encoder": VIT_L,
    "stable-diffusion-xl-base-1.0/text_encoder_2": TEXT
    | {
        "architectures": ["CLIPTextModelWithProjection"],
        "hidden_act": "gelu",
        "hidden_size": 1280,
        "intermediate_size": 5120,
        "num_attention_heads": 20,
        "num_hidden_layers": 32,
        "projection_dim": 1280,
    },
}
TEXT_CLASSES = {"CLIPTextModel": CLIPTextModel, "CLIPTextModelWithProjection": CLIPTextModelWithProjection}


def tensors_of(config: dict) -> dict[str, list[int]]:
    with torch.device("meta"):
        model: nn.Module
        if config.get("_class_name") == "AutoencoderKL":
            model, prefix = AutoencoderKL.from_config(config), ""
        else:
            model = TEXT_CLASSES[config["architectures"][0]](CLIPTextConfig(**config))
            prefix = "text_model." if isinstance(model, CLIPTextModel) else ""
    return {prefix + name: list(tensor.shape) for name, tensor in model.state_dict().items()}


def described(config: dict) -> dict:
    tensors = tensors_of(config)
    modules: dict[str, list[str]] = {}
    for name in sorted(tensors):
        line = f"{name} [{','.join(map(str, tensors[name]))}]\n"
        modules.setdefault(name.split(".")[0], []).append(line)
    return {
        "config": config,
        "parameters": sum(torch.Size(shape).numel() for shape in tensors.values()),
        "tensors": len(tensors),
        "digests": {module: hashlib.sha256("".join(lines).encode()).hexdigest() for module, lines in modules.items()},
    }


def save_codec_full_size(path: Path) -> None:
    write_json(path, {name: described(config) for name, config in MODELS.items()})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--names"]:
        print(json.dumps(tensors_of(MODELS[sys.argv[2]]), indent=1))
    else:
        save_codec_full_size(Path(__file__).parent / "fixtures" / "codec_full_size.json")

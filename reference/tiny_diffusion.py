"""Tiny diffusion pipelines in the published (hub) layout: everything but the denoisers, seeded random weights.

What differs between the three is what differs between published files:

| folder | text encoder(s) | autoencoder | files |
|---|---|---|---|
| sd-inpainting-tiny | quick_gelu, names with `text_model.` and an int64 buffer, legacy `eos_token_id` 2 | an early config.json without scaling_factor | fp32 |
| sdxl-inpainting-tiny | the same; and a second, gelu, with a projection, tokenizer_2 pads with "!" | force_upcast, its own scaling_factor, two resnets a block | fp16 variant |
| pasd-tiny | names as transformers 5 writes them, the tokenizer's own eos id | old attention names, weights shaped as 1x1 convolutions | fp32 |

Weights are scaled by hand, as in tiny_clip.py and for the same reason: with the libraries' own initialisation attention is
uniform and nearly every mistake passes. unet/, controlnet/ and pasd-tiny/scheduler/ are written by other generators.
"""

import json
import math
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizerFast

from synthetic_image import synthetic_pixels
from tiny_clip import CLIP_MEAN, CLIP_STD
from tiny_tokenizer import CONTEXT_LENGTH, build_tokenizer, save_tokenizer, write_json

CHANNELS = [8, 8, 16, 16]
GROUPS = 2
LEGACY_IDS = {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1}
SD, SDXL, PASD = "sd-inpainting-tiny", "sdxl-inpainting-tiny", "pasd-tiny"
# An autoencoder alone, with all that later models do otherwise.
LATER = "autoencoder-tiny"
# diffusers' names for the attention of the autoencoder's middle, and those before version 0.12.
OLD_ATTENTION_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}

AUTOENCODER_CONFIG = {
    "_class_name": "AutoencoderKL",
    "act_fn": "silu",
    "block_out_channels": CHANNELS,
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "in_channels": 3,
    "latent_channels": 4,
    "norm_num_groups": GROUPS,
    "out_channels": 3,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
}
AUTOENCODERS = {
    # As runwayml/stable-diffusion-v1-5 has it: what later versions added is left out, and the defaults apply.
    SD: AUTOENCODER_CONFIG | {"_diffusers_version": "0.6.0", "layers_per_block": 1, "sample_size": 64},
    # As stabilityai's SDXL has it.
    SDXL: AUTOENCODER_CONFIG
    | {
        "_diffusers_version": "0.21.0.dev0",
        "force_upcast": True,
        "latents_mean": None,
        "latents_std": None,
        "layers_per_block": 2,
        "sample_size": 128,
        "scaling_factor": 0.13025,
    },
    PASD: AUTOENCODER_CONFIG
    | {
        "_diffusers_version": "0.18.0",
        "force_upcast": False,
        "layers_per_block": 1,
        "sample_size": 64,
        "scaling_factor": 0.18215,
    },
    LATER: AUTOENCODER_CONFIG
    | {
        "_diffusers_version": "0.30.0",
        "block_out_channels": [8, 16],
        "down_block_types": ["DownEncoderBlock2D"] * 2,
        "force_upcast": False,
        "latent_channels": 8,
        "latents_mean": None,
        "latents_std": None,
        "layers_per_block": 1,
        "mid_block_add_attention": True,
        "sample_size": 64,
        "scaling_factor": 0.3611,
        "shift_factor": 0.5159,
        "up_block_types": ["UpDecoderBlock2D"] * 2,
        "use_post_quant_conv": False,
        "use_quant_conv": False,
    },
}

SCHEDULERS = {
    SD: {
        "_class_name": "DDIMScheduler",
        "_diffusers_version": "0.6.0",
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "clip_sample": False,
        "num_train_timesteps": 1000,
        "set_alpha_to_one": False,
        "skip_prk_steps": True,
        "steps_offset": 1,
        "trained_betas": None,
    },
    SDXL: {
        "_class_name": "EulerDiscreteScheduler",
        "_diffusers_version": "0.21.0.dev0",
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "clip_sample": False,
        "interpolation_type": "linear",
        "num_train_timesteps": 1000,
        "prediction_type": "epsilon",
        "sample_max_value": 1.0,
        "set_alpha_to_one": False,
        "skip_prk_steps": True,
        "steps_offset": 1,
        "timestep_spacing": "leading",
        "trained_betas": None,
        "use_karras_sigmas": False,
    },
}


def text_config(tokenizer: CLIPTokenizerFast, **changes: object) -> CLIPTextConfig:
    """32 wide, two heads of 16, three blocks: so that the one before the last is neither the first nor the last."""
    return CLIPTextConfig(
        **{
            "vocab_size": len(tokenizer),
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 3,
            "num_attention_heads": 2,
            "max_position_embeddings": CONTEXT_LENGTH,
            "hidden_act": "quick_gelu",
            "projection_dim": 32,
            **LEGACY_IDS,
            **changes,
        }
    )


def normal(parameter: Tensor, generator: torch.Generator, *, std: float, mean: float = 0.0) -> None:
    parameter.copy_(torch.randn(parameter.shape, generator=generator) * std + mean)


@torch.no_grad()
def reinitialise_text(model: nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    # Squared gains by layer; below 1 for what is added to the stream, so that 4-bit noise does not pile up.
    gains = {"q_proj": 2.0, "k_proj": 2.0, "v_proj": 1.0, "out_proj": 0.5, "fc1": 1.0, "fc2": 0.5, "text_projection": 1.0}
    for name, parameter in model.named_parameters():
        layer = name.split(".")[-2]
        if "norm" in layer:
            normal(parameter, generator, **({"std": 0.1, "mean": 1.0} if name.endswith("weight") else {"std": 0.2}))
        elif name.endswith("bias"):
            normal(parameter, generator, std=0.1)
        elif layer == "token_embedding":
            normal(parameter, generator, std=1.0)
        elif layer == "position_embedding":
            normal(parameter, generator, std=0.3)
        else:
            normal(parameter, generator, std=math.sqrt(gains[layer] / parameter[0].numel()))


@torch.no_grad()
def reinitialise_autoencoder(model: AutoencoderKL, seed: int) -> None:
    """Latents of a picture get standard deviation 1 once scaled, and pictures of such latents one of 0.5."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        layer = name.removesuffix(".weight").removesuffix(".bias").removesuffix(".0").split(".")[-1]
        if "norm" in layer:
            normal(parameter, generator, **({"std": 0.1, "mean": 1.0} if name.endswith("weight") else {"std": 0.2}))
        elif name.endswith("bias"):
            normal(parameter, generator, std=0.1)
        elif layer in ("to_q", "to_k"):
            normal(parameter, generator, std=math.sqrt(2.0 / parameter[0].numel()))
        else:
            normal(parameter, generator, std=math.sqrt(1.0 / parameter[0].numel()))
    pixels = picture(0, 64)
    last, first = model.quant_conv or model.encoder.conv_out, model.post_quant_conv or model.decoder.conv_in
    last.weight.mul_(1 / model.config.scaling_factor / model.encode(pixels).latent_dist.mean.std())
    # So that what enters the decoder does not outweigh all that its blocks add.
    first.weight.mul_(model.config.scaling_factor)
    latents = torch.randn(1, model.config.latent_channels, 16, 16, generator=generator) / model.config.scaling_factor
    model.decoder.conv_out.weight.mul_(0.5 / model.decode(latents).sample.std())


def picture(k: int, size: int) -> Tensor:
    """[1, 3, size, size]: the test image of synthetic_image.py as the autoencoder reads it, about -1..1."""
    std, mean = (torch.tensor(values)[:, None, None] for values in (CLIP_STD, CLIP_MEAN))
    return (2 * (torch.from_numpy(synthetic_pixels(k, size)) * std + mean) - 1)[None]


def text_encoders(tokenizer: CLIPTokenizerFast) -> dict[str, nn.Module]:
    """By folder: the models whose weights are stored, in fp32."""
    own_end = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    models = {
        f"{SD}/text_encoder": CLIPTextModel(text_config(tokenizer)),
        f"{SDXL}/text_encoder": CLIPTextModel(text_config(tokenizer)),
        f"{SDXL}/text_encoder_2": CLIPTextModelWithProjection(text_config(tokenizer, hidden_act="gelu")),
        f"{PASD}/text_encoder": CLIPTextModel(text_config(tokenizer, **own_end)),
    }
    for seed, model in enumerate(models.values(), start=21):
        reinitialise_text(model, seed)
    return models


def autoencoders() -> dict[str, AutoencoderKL]:
    """By pipeline: the models whose weights are stored, in fp32."""
    models = {}
    for seed, (name, config) in enumerate(AUTOENCODERS.items(), start=31):
        model = AutoencoderKL.from_config(config).eval()
        reinitialise_autoencoder(model, seed)
        models[name] = model
    return models


def save_weights(state: dict[str, Tensor], folder: Path, stem: str, *, half: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: (t.half() if half and t.is_floating_point() else t).contiguous() for name, t in state.items()}
    file = f"{stem}.fp16.safetensors" if half else f"{stem}.safetensors"
    save_file(tensors, folder / file, metadata={"format": "pt"})
    (folder / file).chmod(0o644)


def save_text_encoder(model: nn.Module, folder: Path) -> None:
    """In the naming of the published files, `text_model.…` everywhere, but for PASD's."""
    state = dict(model.state_dict())
    projected = isinstance(model, CLIPTextModelWithProjection)
    if not projected and PASD not in folder.parts:
        state = {f"text_model.{name}": tensor for name, tensor in state.items()}
        state["text_model.embeddings.position_ids"] = torch.arange(CONTEXT_LENGTH)[None]
    save_weights(state, folder, "model", half=SDXL in folder.parts)
    config = {
        key: value
        for key, value in json.loads(model.config.to_json_string(use_diff=False)).items()
        if key in TEXT_CONFIG_MEMBERS
    }
    write_json(folder / "config.json", {"architectures": [type(model).__name__], **config, "torch_dtype": "float32"})


# Members of the published text encoders' config.json.
TEXT_CONFIG_MEMBERS = """attention_dropout bos_token_id eos_token_id hidden_act hidden_size initializer_factor
initializer_range intermediate_size layer_norm_eps max_position_embeddings model_type num_attention_heads num_hidden_layers
pad_token_id projection_dim vocab_size""".split()


def save_autoencoder(name: str, model: AutoencoderKL, folder: Path) -> None:
    state = dict(model.state_dict())
    if name == PASD:
        for new, old in OLD_ATTENTION_NAMES.items():
            for key in [key for key in state if f".attentions.0.{new}." in key]:
                tensor = state.pop(key)
                state[key.replace(f".{new}.", f".{old}.")] = tensor[..., None, None] if tensor.ndim == 2 else tensor
    save_weights(state, folder, "diffusion_pytorch_model", half=name == SDXL)
    write_json(folder / "config.json", AUTOENCODERS[name])


def save_diffusers_tokenizer(tokenizer: CLIPTokenizerFast, folder: Path, *, pad: str = "<|endoftext|>") -> None:
    """The four files published diffusion models have: no tokenizer.json, special tokens written out as objects."""
    folder.mkdir(parents=True, exist_ok=True)
    save_tokenizer(tokenizer, folder)
    (folder / "tokenizer.json").unlink()

    def token(content: str) -> dict:
        return {"content": content, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}

    start, end = token(tokenizer.bos_token), token(tokenizer.eos_token)
    write_json(
        folder / "special_tokens_map.json",
        {"bos_token": start, "eos_token": end, "pad_token": pad, "unk_token": end},
    )

    def typed(content: dict) -> dict:
        return {"__type": "AddedToken", **content}

    write_json(
        folder / "tokenizer_config.json",
        {
            "add_prefix_space": False,
            "bos_token": typed(start),
            "do_lower_case": True,
            "eos_token": typed(end),
            "errors": "replace",
            "model_max_length": CONTEXT_LENGTH,
            "pad_token": pad,
            "tokenizer_class": "CLIPTokenizer",
            "unk_token": typed(end),
        },
    )


def model_indices() -> dict[str, dict]:
    clip = ["transformers", "CLIPTextModel"]
    tokenizer = ["transformers", "CLIPTokenizer"]
    common = {"text_encoder": clip, "tokenizer": tokenizer, "unet": ["diffusers", "UNet2DConditionModel"]}
    autoencoder = {"vae": ["diffusers", "AutoencoderKL"]}
    unchecked = {"feature_extractor": [None, None], "requires_safety_checker": False, "safety_checker": [None, None]}
    return {
        SD: {
            "_class_name": "StableDiffusionInpaintPipeline",
            "_diffusers_version": "0.6.0",
            "scheduler": ["diffusers", "DDIMScheduler"],
            **unchecked,
            **common,
            **autoencoder,
        },
        SDXL: {
            "_class_name": "StableDiffusionXLInpaintPipeline",
            "_diffusers_version": "0.21.0.dev0",
            "force_zeros_for_empty_prompt": True,
            "requires_aesthetics_score": False,
            "scheduler": ["diffusers", "EulerDiscreteScheduler"],
            **common,
            "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
            "tokenizer_2": tokenizer,
            **autoencoder,
        },
        # The published repository has no pipeline class of diffusers; this is what diffusers writes for its parts.
        PASD: {
            "_class_name": "StableDiffusionControlNetPipeline",
            "_diffusers_version": "0.18.0",
            "controlnet": ["models.pasd.controlnet", "ControlNetModel"],
            "scheduler": ["diffusers", "UniPCMultistepScheduler"],
            **unchecked,
            "text_encoder": clip,
            "tokenizer": tokenizer,
            "unet": ["models.pasd.unet_2d_condition", "UNet2DConditionModel"],
            **autoencoder,
        },
    }


def save_diffusion_checkpoints(fixtures: Path) -> None:
    for name in (SD, SDXL, PASD, LATER):
        for part in ("vae", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2"):
            shutil.rmtree(fixtures / name / part, ignore_errors=True)
    tokenizer = build_tokenizer()
    for path, model in text_encoders(tokenizer).items():
        save_text_encoder(model, fixtures / path)
    for name, model in autoencoders().items():
        save_autoencoder(name, model, fixtures / name / "vae")
    for name in (SD, SDXL, PASD):
        save_diffusers_tokenizer(tokenizer, fixtures / name / "tokenizer")
    save_diffusers_tokenizer(tokenizer, fixtures / SDXL / "tokenizer_2", pad="!")
    for name, index in model_indices().items():
        write_json(fixtures / name / "model_index.json", index)
    for name, scheduler in SCHEDULERS.items():
        (fixtures / name / "scheduler").mkdir(exist_ok=True)
        write_json(fixtures / name / "scheduler" / "scheduler_config.json", scheduler)


if __name__ == "__main__":
    save_diffusion_checkpoints(Path(__file__).parent / "fixtures")

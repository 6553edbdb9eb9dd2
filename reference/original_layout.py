"""Names of single-file checkpoints (the layout of the original Stable Diffusion programs) beside diffusers' names.

For the tiny inpainting pipelines, and for the published ones (without memory for weights), every tensor of a single file: its
name and shape there, and the published tensors it is made of. diffusers converts single files to its own layout; the list here
goes the other way and was written without it, so the two check each other: `save_original_layout` fails unless diffusers' own
functions make the same tensors again, for the tiny ones bit by bit.

    original_layout.py --file PIPELINE PATH    writes a tiny pipeline as one file, .safetensors or .ckpt

The list is `models → name → [original name, shape, how, [part/published name, …]]`, where `how` is `same`; `rows`: stacked;
`transposed`; or `conv`: a matrix as the weight of a 1×1 convolution.
"""

import gzip
import json
import re
import sys
from pathlib import Path

import torch
from diffusers.loaders.single_file_utils import (
    convert_ldm_clip_checkpoint,
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
    convert_open_clip_checkpoint,
)
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import CLIPTextConfig

import codec_full_size
import unet_full_size

FIXTURES = Path(__file__).parent / "fixtures"
TINY = ("sd-inpainting-tiny", "sdxl-inpainting-tiny")

Entry = tuple[str, list[int], str, list[str]]
Parts = dict[str, dict[str, Tensor]]
Configs = dict[str, dict]


def unet_name(name: str, config: dict, names: set[str]) -> str:
    """LDM numbers all layers of a way in a row: its convolution, then the layers of a level and what changes the size."""
    steps = config["layers_per_block"] + 1
    for new, old in {
        "time_embedding.linear_1": "time_embed.0",
        "time_embedding.linear_2": "time_embed.2",
        "add_embedding.linear_1": "label_emb.0.0",
        "add_embedding.linear_2": "label_emb.0.2",
        "conv_in": "input_blocks.0.0",
        "conv_norm_out": "out.0",
        "conv_out": "out.2",
    }.items():
        if name.startswith(new + "."):
            return old + name[len(new) :]
    way, kind, layer = re.match(r"(\w+?)_block", name)[1], *re.search(r"\.(\w+?s)\.(\d+)\.", name).groups()
    rest = name.split(f".{kind}.{layer}.", 1)[1]
    if kind == "resnets":
        for new, old in {
            "norm1": "in_layers.0",
            "conv1": "in_layers.2",
            "time_emb_proj": "emb_layers.1",
            "norm2": "out_layers.0",
            "conv2": "out_layers.3",
            "conv_shortcut": "skip_connection",
        }.items():
            if rest.startswith(new + "."):
                rest = old + rest[len(new) :]
                break
    if way == "mid":
        return f"middle_block.{1 if kind == 'attentions' else 2 * int(layer)}.{rest}"
    block = int(name.split(".")[1])
    if kind == "downsamplers":
        return f"input_blocks.{(block + 1) * steps}.0.op.{rest.removeprefix('conv.')}"
    if kind == "upsamplers":
        place = 2 if f"up_blocks.{block}.attentions.0.norm.weight" in names else 1
        return f"output_blocks.{block * steps + steps - 1}.{place}.{rest}"
    index = block * steps + int(layer) + (1 if way == "down" else 0)
    return f"{'input' if way == 'down' else 'output'}_blocks.{index}.{1 if kind == 'attentions' else 0}.{rest}"


def vae_name(name: str, config: dict) -> str:
    """LDM numbers the decoder's levels by resolution, the finest first."""
    last = len(config["block_out_channels"]) - 1
    half, *rest = name.split(".")
    if half not in ("encoder", "decoder"):
        return name
    tail = ".".join(rest)
    tail = re.sub(r"^conv_norm_out", "norm_out", tail)
    tail = re.sub(r"^mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", tail)
    if tail.startswith("mid_block.attentions.0."):
        layer = tail.removeprefix("mid_block.attentions.0.").rsplit(".", 1)[0]
        old = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}[layer]
        tail = f"mid.attn_1.{old}.{rest[-1]}"
    tail = re.sub(r"^down_blocks\.(\d)", r"down.\1", tail)
    tail = re.sub(r"^up_blocks\.(\d)", lambda m: f"up.{last - int(m[1])}", tail)
    tail = tail.replace(".resnets.", ".block.").replace("samplers.0.conv", "sample.conv")
    return f"{half}.{tail.replace('conv_shortcut', 'nin_shortcut')}"


def open_clip_entries(tensors: dict[str, Tensor]) -> list[tuple[str, str, list[str]]]:
    """(original name, how, published names)"""
    entries = []
    for name in tensors:
        if name == "text_projection.weight":
            entries.append(("text_projection", "transposed", [name]))
            continue
        old = name.removeprefix("text_model.")
        old = old.replace("embeddings.position_embedding.weight", "positional_embedding")
        old = old.replace("embeddings.token_embedding", "token_embedding")
        old = old.replace("final_layer_norm", "ln_final").replace("encoder.layers", "transformer.resblocks")
        old = old.replace("layer_norm", "ln_").replace("fc1", "c_fc").replace("fc2", "c_proj")
        old = old.replace("self_attn", "attn")
        if "q_proj" in old:
            published = [name.replace("q_proj", part) for part in ("q_proj", "k_proj", "v_proj")]
            entries.append((old.replace("q_proj.", "in_proj_"), "rows", published))
        elif "k_proj" not in old and "v_proj" not in old:
            entries.append((old, "same", [name]))
    return entries


def entries_of(parts: Parts, configs: Configs) -> list[tuple[str, str, list[str]]]:
    xl = "text_encoder_2" in parts
    entries = [
        (f"model.diffusion_model.{unet_name(name, configs['unet'], set(parts['unet']))}", "same", [f"unet/{name}"])
        for name in parts["unet"]
    ]
    for name, tensor in parts["vae"].items():
        how = "conv" if ".attentions." in name and tensor.ndim == 2 else "same"
        entries.append((f"first_stage_model.{vae_name(name, configs['vae'])}", how, [f"vae/{name}"]))
    clip = "conditioner.embedders.0.transformer." if xl else "cond_stage_model.transformer."
    entries += [(clip + name, "same", [f"text_encoder/{name}"]) for name in parts["text_encoder"]]
    if xl:
        entries += [
            (f"conditioner.embedders.1.model.{old}", how, [f"text_encoder_2/{name}" for name in names])
            for old, how, names in open_clip_entries(parts["text_encoder_2"])
        ]
    return entries


def single_file(parts: Parts, configs: Configs) -> tuple[dict[str, Tensor], list[Entry]]:
    """A pipeline as one state dict, and how each tensor of it was made."""
    state, listed = {}, []
    for original, how, published in entries_of(parts, configs):
        tensors = [parts[name.split("/", 1)[0]][name.split("/", 1)[1]] for name in published]
        tensor = torch.cat(tensors)
        if how == "transposed":
            tensor = tensor.T.contiguous()
        if how == "conv":
            tensor = tensor[..., None, None]
        state[original] = tensor
        listed.append((original, list(tensor.shape), how, published))
    return state, listed


def converted(state: dict[str, Tensor], configs: Configs) -> Parts:
    """What diffusers makes of a single file."""
    parts = {
        "unet": convert_ldm_unet_checkpoint(dict(state), configs["unet"]),
        "vae": convert_ldm_vae_checkpoint(dict(state), configs["vae"]),
        "text_encoder": convert_ldm_clip_checkpoint(dict(state)),
    }
    if "text_encoder_2" in configs:
        model = torch.nn.Module()
        model.config = CLIPTextConfig(**configs["text_encoder_2"])
        prefix = "conditioner.embedders.1.model."
        parts["text_encoder_2"] = convert_open_clip_checkpoint(model, dict(state), prefix=prefix)
    return parts


def check(parts: Parts, state: dict[str, Tensor], configs: Configs) -> None:
    for part, tensors in converted(state, configs).items():
        assert tensors.keys() == parts[part].keys(), (part, tensors.keys() ^ parts[part].keys())
        for name, tensor in tensors.items():
            expected = parts[part][name]
            assert tensor.shape == expected.shape and tensor.dtype == expected.dtype, (part, name)
            assert tensor.is_meta or torch.equal(tensor, expected), (part, name)


def tiny(pipeline: str) -> tuple[Parts, Configs]:
    folder = FIXTURES / pipeline
    names = ["unet", "vae", "text_encoder"] + (["text_encoder_2"] if (folder / "text_encoder_2").exists() else [])
    parts = {name: load_file(next((folder / name).glob("*.safetensors"))) for name in names}
    return parts, {name: json.loads((folder / name / "config.json").read_text()) for name in names}


def full_size() -> dict[str, tuple[Parts, Configs]]:
    codecs, unets = codec_full_size.MODELS, unet_full_size.MODELS
    sd = {
        "unet": unets["stable-diffusion-inpainting"],
        "vae": codecs["stable-diffusion-v1-5/vae"],
        "text_encoder": codecs["stable-diffusion-v1-5/text_encoder"],
    }
    xl = {
        "unet": unets["stable-diffusion-xl-1.0-inpainting-0.1"],
        "vae": codecs["stable-diffusion-xl-base-1.0/vae"],
        "text_encoder": codecs["stable-diffusion-v1-5/text_encoder"],
        "text_encoder_2": codecs["stable-diffusion-xl-base-1.0/text_encoder_2"],
    }
    models = {}
    for model, configs in {"sd-inpainting": sd, "sdxl-inpainting": xl}.items():
        shapes = {
            part: unet_full_size.shapes_of(config) if part == "unet" else codec_full_size.tensors_of(config)
            for part, config in configs.items()
        }
        parts = {
            part: {name: torch.empty(shape, device="meta") for name, shape in tensors.items()}
            for part, tensors in shapes.items()
        }
        models[model] = (parts, configs)
    return models


def save_original_layout(path: Path) -> None:
    models = {}
    for name, (parts, configs) in ({name: tiny(name) for name in TINY} | full_size()).items():
        state, models[name] = single_file(parts, configs)
        check(parts, state, configs)
    # Thousands of names that repeat themselves; without a time, so that the bytes stay the same.
    text = json.dumps(models, separators=(",", ":"))
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--file"]:
        state, _ = single_file(*tiny(sys.argv[2]))
        if sys.argv[3].endswith(".safetensors"):
            save_file({name: tensor.contiguous() for name, tensor in state.items()}, sys.argv[3])
        else:
            torch.save({"global_step": 1, "state_dict": state}, sys.argv[3])
    else:
        save_original_layout(FIXTURES / "original_layout.json.gz")

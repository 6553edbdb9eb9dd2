"""Two tiny CLIP checkpoints in the published (hub) layout, with seeded random weights.

`clip-tiny` looks as openai/clip-vit-base-patch16 does: quick_gelu, patch 16, fp32, one file, the legacy `eos_token_id` 2
(transformers then pools text at the highest id). `clip-tiny-gelu` has the other choice everywhere: gelu, patch 14,
bfloat16, several files with an index, the eos id of its tokenizer (text is pooled at the first such id).

The weights are scaled by hand because transformers' own initialisation (std 0.02) gives uniform attention and features
that hardly depend on the input: against such a model nearly every mistake passes.
"""

import json
import math
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPConfig, CLIPModel, CLIPTokenizerFast

from tiny_tokenizer import CONTEXT_LENGTH, build_tokenizer, save_tokenizer, write_json

CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073]
CLIP_STD = [0.26862954, 0.26130258, 0.27577711]
FACTORS = ["overall", "technical", "rational", "natural"]
CONTEXT_COUNT = 16


def tiny_config(tokenizer: CLIPTokenizerFast) -> CLIPConfig:
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "max_position_embeddings": CONTEXT_LENGTH,
        "hidden_act": "quick_gelu",
        "projection_dim": 32,
        # As openai published it. The ids are wrong, and readers of real checkpoints have to cope.
        "bos_token_id": 0,
        "eos_token_id": 2,
        "pad_token_id": 1,
    }
    vision = {
        "image_size": 224,
        "patch_size": 16,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 8,
        "num_attention_heads": 4,
        "hidden_act": "quick_gelu",
        "projection_dim": 32,
    }
    return CLIPConfig(text_config=text, vision_config=vision, projection_dim=32)


def tiny_gelu_config(tokenizer: CLIPTokenizerFast) -> CLIPConfig:
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "max_position_embeddings": CONTEXT_LENGTH,
        "hidden_act": "gelu",
        "projection_dim": 24,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = {
        "image_size": 224,
        "patch_size": 14,
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_hidden_layers": 7,
        "num_attention_heads": 3,
        "hidden_act": "gelu",
        "projection_dim": 24,
    }
    return CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)


@torch.no_grad()
def reinitialise(model: CLIPModel, seed: int) -> None:
    """Draws all weights so that attention is peaked, biases matter, and features depend visibly on their input."""
    generator = torch.Generator().manual_seed(seed)

    def normal(parameter: torch.Tensor, std: float, mean: float = 0.0) -> None:
        parameter.copy_(torch.randn(parameter.shape, generator=generator) * std + mean)

    for name, parameter in model.named_parameters():
        fan_in = parameter[0].numel() if parameter.ndim > 1 else 1
        layer = name.split(".")[-2] if "." in name else name
        if name == "logit_scale":
            parameter.fill_(math.log(100.0))
        elif layer in ("final_layer_norm",):
            # Texts of a real CLIP lie close together (cosine 0.7 to 0.95): a large common part, a small own part.
            # Without it 100 x the difference of two cosines saturates every softmax of the quality maps.
            normal(parameter, *((0.03, 0.25) if name.endswith("weight") else (1.0, 0.0)))
        elif "norm" in layer or "layrnorm" in layer:
            normal(parameter, *((0.1, 1.0) if name.endswith("weight") else (0.2, 0.0)))
        elif name.endswith("bias"):
            normal(parameter, 0.1)
        elif layer in ("q_proj", "k_proj"):
            # Attention logits get standard deviation gain^2 = 2.
            normal(parameter, math.sqrt(2.0 / fan_in))
        elif layer == "v_proj":
            # In the surgery path a token's logit with itself is then about 4, with others 1 around 0.
            normal(parameter, math.sqrt(1.0 / fan_in))
        elif layer == "fc1":
            normal(parameter, math.sqrt(1.0 / fan_in))
        elif layer in ("out_proj", "fc2"):
            # Well below the size of what they are added to, so that the noise of 4-bit weights does not pile up from block to
            # block faster than in a trained model.
            normal(parameter, math.sqrt((0.25 if layer == "out_proj" else 0.5) / fan_in))
        elif layer == "patch_embedding":
            # Pixels of a patch are alike, so their weighted sum is larger than for independent ones.
            normal(parameter, math.sqrt(2.0 / fan_in))
        elif layer == "token_embedding":
            normal(parameter, 1.0)
        elif layer == "position_embedding":
            normal(parameter, 0.3)
        elif name.endswith("class_embedding"):
            normal(parameter, 1.0)
        elif layer in ("visual_projection", "text_projection"):
            normal(parameter, math.sqrt(1.0 / fan_in))
        else:
            raise ValueError(f"no scale chosen for {name}")


def save_preprocessor(folder: Path, modern: bool) -> None:
    """The two spellings in use: openai's 2021 file has plain numbers, later ones have named sizes."""
    common = {
        "do_center_crop": True,
        "do_normalize": True,
        "do_resize": True,
        "image_mean": CLIP_MEAN,
        "image_std": CLIP_STD,
        "resample": 3,
    }
    if modern:
        extra = {
            "crop_size": {"height": 224, "width": 224},
            "do_convert_rgb": True,
            "do_rescale": True,
            "image_processor_type": "CLIPImageProcessor",
            "rescale_factor": 1 / 255,
            "size": {"shortest_edge": 224},
        }
    else:
        extra = {"crop_size": 224, "feature_extractor_type": "CLIPFeatureExtractor", "size": 224}
    write_json(folder / "preprocessor_config.json", dict(sorted((common | extra).items())))


@torch.no_grad()
def save_prompt_contexts(model: CLIPModel, tokenizer: CLIPTokenizerFast, folder: Path) -> None:
    """PQ-*.pth with the structure of the files published by Q-Future/Q-Refine: {'params': state dict of the prompt learner}.

    Index 0 is good, 1 is bad. Prefix: the start token. Suffix: the three tokens of "Good photo." / "Bad photo.", the end
    token, padding with token 0. The contexts of a pair differ little, so that the softmax over the pair is not saturated.
    """
    table = model.text_model.embeddings.token_embedding.weight
    width = table.shape[1]
    ids = torch.zeros(2, CONTEXT_LENGTH, dtype=torch.long)
    for row, text in enumerate(["Good photo.", "Bad photo."]):
        tokens = tokenizer(text).input_ids
        assert len(tokens) == 5, tokens
        ids[row, :5] = torch.tensor(tokens)
    embedded = table[ids]
    for index, factor in enumerate(FACTORS):
        generator = torch.Generator().manual_seed(100 + index)
        common = torch.randn(1, CONTEXT_COUNT, width, generator=generator)
        own = torch.randn(2, CONTEXT_COUNT, width, generator=generator) * 0.25
        state = OrderedDict(
            {
                "prompt_learner.ctx": (common + own).contiguous(),
                "prompt_learner.token_prefix": embedded[:, :1].clone(),
                "prompt_learner.token_suffix": embedded[:, 1 : 1 + CONTEXT_LENGTH - 1 - CONTEXT_COUNT].clone(),
            }
        )
        state._metadata = OrderedDict({"": {"version": 1}, "prompt_learner": {"version": 1}})
        # torch.save names the folder inside the zip after the file; the published files were saved under this name.
        torch.save({"params": state}, folder / "net_best.pth")
        (folder / "net_best.pth").rename(folder / f"PQ-{factor}.pth")


def save_checkpoints(fixtures: Path) -> None:
    tokenizer = build_tokenizer()

    folder = prepared(fixtures / "clip-tiny")
    model = CLIPModel(tiny_config(tokenizer)).eval()
    reinitialise(model, seed=1)
    model.save_pretrained(folder)
    add_position_ids(folder / "model.safetensors", model)
    save_tokenizer(tokenizer, folder)
    save_preprocessor(folder, modern=False)
    save_prompt_contexts(model, tokenizer, folder)

    folder = prepared(fixtures / "clip-tiny-gelu")
    model = CLIPModel(tiny_gelu_config(tokenizer)).eval()
    reinitialise(model, seed=2)
    model.to(torch.bfloat16).save_pretrained(folder, max_shard_size="200KB")
    save_tokenizer(tokenizer, folder)
    save_preprocessor(folder, modern=True)


def add_position_ids(path: Path, model: CLIPModel) -> None:
    """Stores the two int64 buffers that openai's published files carry and that transformers no longer writes."""
    tensors = load_file(path)
    for tower in ("text_model", "vision_model"):
        tensors[f"{tower}.embeddings.position_ids"] = getattr(model, tower).embeddings.position_ids.clone().contiguous()
    save_file(tensors, path, metadata={"format": "pt"})


def prepared(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    return folder


def load(folder: Path) -> tuple[CLIPModel, CLIPTokenizerFast]:
    """The checkpoint as saved, in fp32 and with plain (eager) attention: what goldens are computed with."""
    model = CLIPModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    return model, CLIPTokenizerFast.from_pretrained(folder)


def config_of(folder: Path) -> dict:
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))

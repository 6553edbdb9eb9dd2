"""Golden tensors of the tiny diffusion pipelines' text encoders and autoencoders.

Computed by transformers and diffusers in double precision from the weights as stored, and rounded to float32 once.
"""

from pathlib import Path

import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import CLIPTextModelWithProjection, CLIPTokenizerFast

from tiny_diffusion import SD, SDXL, autoencoders, picture, text_encoders
from tiny_tokenizer import CONTEXT_LENGTH, build_tokenizer, write_json

PROMPTS = [
    "a photo of a red cat, sitting on a wooden table",
    "",
    "a very long description of a beautiful detailed painting " * 12,
]
# Neither square nor symmetric: mistaken axes show.
HEIGHT, WIDTH = 32, 48
DOWNSCALE = 8


def stored(models: dict[str, nn.Module]) -> dict[str, nn.Module]:
    """The models with the numbers their files hold, in double precision: SDXL's files are halves."""
    return {name: (model.half() if name.startswith(SDXL) else model).double().eval() for name, model in models.items()}


def padded_ids(tokenizer: CLIPTokenizerFast, prompts: list[str], pad: str | None = None) -> Tensor:
    if pad is not None:
        tokenizer.pad_token = pad
    options = {"padding": "max_length", "max_length": CONTEXT_LENGTH, "truncation": True, "return_tensors": "pt"}
    return tokenizer(prompts, **options).input_ids


@torch.no_grad()
def text_goldens() -> dict[str, Tensor]:
    """`<folder>.` + `ids` int32, `hidden`, `skipped` (diffusers' clip_skip 1), `pooled`: what encode_prompt makes of them."""
    golden = {}
    for name, model in stored(text_encoders(build_tokenizer())).items():
        second = isinstance(model, CLIPTextModelWithProjection)
        ids = padded_ids(build_tokenizer(), PROMPTS, "!" if second else None)
        found = model(ids, output_hidden_states=True)
        golden[f"{name}.ids"] = ids.int()
        states = found.hidden_states
        if name.startswith(SDXL):
            golden[f"{name}.hidden"], golden[f"{name}.skipped"] = states[-2], states[-3]
        else:
            golden[f"{name}.hidden"] = found.last_hidden_state
            golden[f"{name}.skipped"] = model.final_layer_norm(states[-2])
        if second:
            golden[f"{name}.pooled"] = found.text_embeds
    return golden


ITEM = "a photo of a red cat sitting on a wooden table, "
CHUNK = CONTEXT_LENGTH - 2
# Prompts in A1111's syntax, and by hand what it means: chunks of pieces with their weights.
WEIGHTED = [
    (
        "a (red cat:1.3) on a ((wooden)) table, [blurry] \\(photo\\) <lora:x:1>",
        [[("a ", 1), ("red cat", 1.3), (" on a ", 1), ("wooden", 1.21), (" table, ", 1), ("blurry", 1 / 1.1), (" (photo) ", 1)]],
    ),
    ("a dog BREAK (a (cat:1.5):0.5) in a house", [[("a dog", 1)], [("a ", 0.5), ("cat", 0.75), (" in a house", 1)]]),
    ("plain words alone, of weight one", [[("plain words alone, of weight one", 1)]]),
]


def long_case(tokenizer: CLIPTokenizerFast) -> tuple[str, list]:
    """Longer than a chunk: broken after the last comma that fits, if few enough tokens follow it."""
    length = len(tokenizer(ITEM).input_ids) - 2
    fitting = CHUNK // length
    assert 0 < CHUNK - fitting * length < 20, length
    text = ITEM * (fitting - 1)
    return f"{text}({ITEM * 3}:1.2)", [[(text, 1), (ITEM, 1.2)], [(ITEM * 2, 1.2)]]


@torch.no_grad()
def weighted_goldens() -> tuple[dict[str, Tensor], list[str]]:
    """`weighted.<i>`: hidden states of each prompt by sd-inpainting-tiny, z_empty + w (z - z_empty); and the prompts."""
    tokenizer = build_tokenizer()
    model = stored(text_encoders(tokenizer))[f"{SD}/text_encoder"]
    empty = model(padded_ids(tokenizer, [""])).last_hidden_state[0]
    cases = [*WEIGHTED, long_case(tokenizer)]
    golden = {}
    for i, (_prompt, chunks) in enumerate(cases):
        states = []
        for pieces in chunks:
            pairs = [(token, weight) for text, weight in pieces for token in tokenizer(text).input_ids[1:-1]]
            assert len(pairs) <= CHUNK
            tokens = [tokenizer.bos_token_id, *(token for token, _ in pairs)]
            tokens += [tokenizer.eos_token_id] * (CONTEXT_LENGTH - len(tokens))
            weights = torch.ones(CONTEXT_LENGTH, 1, dtype=torch.double)
            weights[1 : len(pairs) + 1, 0] = torch.tensor([weight for _, weight in pairs], dtype=torch.double)
            state = model(torch.tensor([tokens])).last_hidden_state[0]
            states.append(empty + weights * (state - empty))
        golden[f"weighted.{i}"] = torch.cat(states)
    return golden, [prompt for prompt, _chunks in cases]


def record(model: AutoencoderKL, into: dict[str, Tensor]) -> None:
    """Keeps what every block gives, under its name in diffusers."""
    blocks = {"encoder.conv_in": model.encoder.conv_in, "decoder.conv_in": model.decoder.conv_in}
    blocks |= {f"encoder.down_blocks.{i}": block for i, block in enumerate(model.encoder.down_blocks)}
    blocks |= {f"decoder.up_blocks.{i}": block for i, block in enumerate(model.decoder.up_blocks)}
    blocks |= {"encoder.mid_block": model.encoder.mid_block, "decoder.mid_block": model.decoder.mid_block}
    for name, block in blocks.items():
        block.register_forward_hook(lambda _module, _inputs, output, name=name: into.__setitem__(name, output))


@torch.no_grad()
def autoencoder_goldens() -> dict[str, Tensor]:
    """`<pipeline>.` + `latents` of `pixels`, `decoded` of `sample`; of the first pipeline every block's output as well."""
    generator = torch.Generator().manual_seed(41)
    golden = {
        "pixels": picture(0, WIDTH)[:, :, :HEIGHT],
        "sample": torch.randn(1, 4, HEIGHT // DOWNSCALE, WIDTH // DOWNSCALE, generator=generator),
    }
    for name, model in stored(autoencoders()).items():
        blocks: dict[str, Tensor] = {}
        if name == SD:
            record(model, blocks)
        scale = model.config.scaling_factor
        shift = model.config.shift_factor or 0.0
        channels = model.config.latent_channels
        sample = golden["sample"] if channels == 4 else golden["sample"].repeat(1, channels // 4, 1, 1).cumsum(1)
        golden[f"{name}.latents"] = (model.encode(golden["pixels"].double()).latent_dist.mean - shift) * scale
        golden[f"{name}.decoded"] = model.decode(sample.double() / scale + shift).sample
        golden |= {f"{name}.sample": sample} if channels != 4 else {}
        golden |= {f"{name}.{block}": output for block, output in blocks.items()}
    return golden


def save(tensors: dict[str, Tensor], path: Path) -> None:
    """Floats as float32; `ids` stay int32."""
    save_file({k: (v.float() if v.is_floating_point() else v).contiguous() for k, v in tensors.items()}, path)
    path.chmod(0o644)


def make_diffusion_goldens(fixtures: Path) -> None:
    weighted, prompts = weighted_goldens()
    save(text_goldens() | weighted, fixtures / "golden" / "text-encoders.safetensors")
    write_json(fixtures / "golden" / "weighted-prompts.json", {"prompts": prompts})
    save(autoencoder_goldens(), fixtures / "golden" / "autoencoders.safetensors")


if __name__ == "__main__":
    make_diffusion_goldens(Path(__file__).parent / "fixtures")

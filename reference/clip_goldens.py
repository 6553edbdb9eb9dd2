"""Golden tensors of the tiny checkpoints: image and text features, and the quality maps made of them.

Everything is computed in double precision from the stored weights and rounded to float32 once, so that the goldens carry
no rounding of their own; the same features by transformers' own methods in float32 are stored beside them and compared.
"""

import json
import platform
from pathlib import Path

import safetensors
import torch
import transformers
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F
from transformers import CLIPModel, CLIPTokenizerFast

import maps
from clip_surgery import encode_image
from clip_text import EOT_INDEX, encode_embeddings, learned_sequence
from synthetic_image import FORMULA, synthetic_pixels
from tiny_clip import CONTEXT_LENGTH, load, write_json

TEXTS = [
    "",
    "a photo of a red cat",
    "a photo of a blue dog",
    "Good photo.",
    "Bad photo.",
    "an oil painting of a river, a small house and two trees at night",
    "Qzxv!? 3.14 — ﬁligree naïve 雪 🎨",
    "a very long description of a beautiful detailed painting " * 12,
]
PHRASES = ["red cat", "wooden table", "blue sky", "small house"]
# (image, size). Image 1 only at two sizes, to keep the files small.
CASES = [(0, 224), (1, 224), (0, 336), (0, 448), (1, 448), (0, 512)]
MAP_CASES = [(0, 224), (1, 224), (0, 448)]
PQ_FILES = ["overall", "technical", "rational", "natural"]


def make_goldens(fixtures: Path) -> None:
    folder = fixtures / "golden"
    folder.mkdir(exist_ok=True)
    for name in ("clip-tiny", "clip-tiny-gelu"):
        model, tokenizer = load(fixtures / name)
        make_one(name, model, tokenizer, fixtures)
    write_json(folder / "tokenizations.json", tokenizations(fixtures / "clip-tiny"))


@torch.no_grad()
def make_one(name: str, model: CLIPModel, tokenizer: CLIPTokenizerFast, fixtures: Path) -> None:
    single, model = model, load(fixtures / name)[0].double()
    folder = fixtures / "golden"
    patch = model.vision_model.config.patch_size

    images, features = {}, {}
    for k, size in CASES:
        pixels = torch.from_numpy(synthetic_pixels(k, size))
        found = encode_image(model, pixels[None].double())
        features[k, size] = found
        key = f"image{k}.{size}"
        # One pixel in every 16th row and column, to check one's own version of the formula.
        images[f"{key}.pixel_samples"] = pixels[:, ::16, ::16]
        images[f"{key}.cls"] = found.cls[0]
        images[f"{key}.patches"] = found.patches[0]
        if size == 224:
            images[f"{key}.projected"] = found.projected[0]
            published = single.get_image_features(pixels[None]).pooler_output[0]
            images[f"{key}.published_image_features"] = published
            agree(published, found.projected[0, 0], f"{name} {key}: original path and get_image_features")
    base = features[0, 224]
    for field in ("early_hidden", "original_hidden", "surgery_hidden"):
        images[f"image0.224.{field}"] = getattr(base, field)[0, ::7]
    save(images, folder / f"{name}.image.safetensors")
    save(unpositioned_goldens(name, single, model, tokenizer), folder / f"{name}.unpositioned.safetensors")

    encode = text_encoder(model, tokenizer)
    ids = padded(tokenizer, TEXTS)
    projected = encode(TEXTS)
    published = single.get_text_features(ids).pooler_output
    agree(published, projected, f"{name}: text features")
    texts = {
        "input_ids": ids.int(),
        "projected": projected,
        "unit": F.normalize(projected, dim=-1),
        "published_text_features": published,
        "last_hidden_state": model.text_model(ids).last_hidden_state[1],
    }
    generator = torch.Generator().manual_seed(7)
    width = model.text_model.config.hidden_size
    sequences = torch.randn(2, CONTEXT_LENGTH, width, generator=generator)
    pairs_unnormalised = None
    if (fixtures / name / "PQ-overall.pth").exists():
        states = [torch.load(fixtures / name / f"PQ-{f}.pth", weights_only=True)["params"] for f in PQ_FILES]
        learned = [learned_sequence(state) for state in states]
        pairs_unnormalised = torch.stack([encode_embeddings(model, s.double(), EOT_INDEX) for s in learned])
        texts["learned.embeddings.overall"] = learned[0]
        texts["learned.projected"] = pairs_unnormalised
        texts["learned.unit"] = F.normalize(pairs_unnormalised, dim=-1)
    else:
        texts["embeddings"] = sequences
        texts["embeddings.projected"] = encode_embeddings(model, sequences.double(), EOT_INDEX)
        texts["embeddings.unit"] = F.normalize(texts["embeddings.projected"], dim=-1)
    # The way in by embeddings, fed with the tokens' own embeddings, is the way in by ids.
    own = model.text_model.embeddings.token_embedding(ids[1:2])
    end = ids[1].tolist().index(tokenizer.eos_token_id)
    agree(encode_embeddings(model, own, end)[0], projected[1], f"{name}: embeddings path")
    save(texts, folder / f"{name}.text.safetensors")

    prompts = json.loads((fixtures / "zero_shot_prompts.json").read_text(encoding="utf-8"))
    zero_shot = maps.zero_shot_pairs(encode, prompts)
    phrases = F.normalize(encode([*PHRASES, ""]), dim=-1)
    golden = {"zeroShot.pairs": zero_shot, "phrases.unit": phrases[:-1], "empty.unit": phrases[-1]}
    if pairs_unnormalised is not None:
        golden["learned.pairs"] = F.normalize(pairs_unnormalised, dim=-1)
    scale = model.logit_scale.exp()
    for k, size in MAP_CASES:
        found = features[k, size]
        square = (found.grid, found.grid)
        modes = {"zeroShot": zero_shot} | ({"learned": golden["learned.pairs"]} if pairs_unnormalised is not None else {})
        for mode, pairs in modes.items():
            quality = maps.perceptual_quality(found.cls[0], found.patches[0], pairs, scale)
            key = f"image{k}.{size}.{mode}"
            golden[f"{key}.factors"] = quality.factors
            golden[f"{key}.score"] = quality.score
            golden[f"{key}.factor_maps"] = quality.factor_maps.reshape(-1, *square)
            golden[f"{key}.map"] = quality.values.reshape(square)
        if pairs_unnormalised is not None:
            learned_pairs = golden["learned.pairs"]
            released = maps.released_quality(found.cls[0], found.patches[0], learned_pairs, scale)
            literal = maps.released_quality_literally(found.projected[0], pairs_unnormalised)
            for mode, quality in (("released", released), ("released_literally", literal)):
                golden[f"image{k}.{size}.{mode}.map"] = quality.values.reshape(square)
                golden[f"image{k}.{size}.{mode}.score"] = quality.score
        alignment = maps.alignment_maps(found.patches[0], phrases[:-1], phrases[-1])
        golden[f"image{k}.{size}.alignment"] = alignment.reshape(-1, *square)
    save(golden, folder / f"{name}.maps.safetensors")

    write_json(
        folder / f"{name}.json",
        {
            "command": "python reference/make_fixtures.py",
            "versions": versions(),
            "checkpoint": f"reference/fixtures/{name}",
            "logit_scale": scale.item(),
            "patch_size": patch,
            "image_formula": [line.strip() for line in FORMULA.splitlines() if line.strip()],
            "images": [{"image": k, "size": size, "grid": features[k, size].grid} for k, size in CASES],
            "hidden_rows": "the hidden states hold every 7th token, the class token first (rows 0, 7, 14, ...)",
            "texts": TEXTS,
            "phrases": PHRASES,
            "eot_index": EOT_INDEX,
            "factors": maps.FACTORS,
            "bounds": maps.BOUNDS,
        },
    )


@torch.no_grad()
def unpositioned_goldens(name: str, single: CLIPModel, model: CLIPModel, tokenizer: CLIPTokenizerFast) -> dict[str, Tensor]:
    """CLIP-IQA (arXiv 2207.12396): no position embedding, so no square image; CLIPScore (arXiv 2104.08718) with positions."""
    patch = model.vision_model.config.patch_size
    goldens = {}
    encode = text_encoder(model, tokenizer)
    pair = F.normalize(encode(["Good photo.", "Bad photo."]), dim=-1)
    text = F.normalize(encode(TEXTS[1:2]), dim=-1)[0]
    embeddings = (single.vision_model.embeddings, model.vision_model.embeddings)
    kept = [one.position_embedding.weight.clone() for one in embeddings]
    for down, across, size in ((10, 14, 224), (21, 14, 336)):
        whole = torch.from_numpy(synthetic_pixels(0, size))
        pixels = whole[None, :, : down * patch, : across * patch]
        for one in embeddings:
            one.position_embedding.weight.zero_()
        features = model.get_image_features(pixels.double(), interpolate_pos_encoding=True).pooler_output[0]
        published = single.get_image_features(pixels, interpolate_pos_encoding=True).pooler_output[0]
        for one, weight in zip(embeddings, kept, strict=True):
            one.position_embedding.weight.copy_(weight)
        agree(published, features, f"{name} {across}x{down}: without positions, by transformers in both precisions")
        key = f"{across}x{down}.{size}"
        goldens[f"{key}.cls"] = F.normalize(features, dim=-1)
        goldens[f"{key}.clip_iqa"] = torch.softmax(model.logit_scale.exp() * (pair @ goldens[f"{key}.cls"]), dim=-1)[:1]
    cls = encode_image(model, torch.from_numpy(synthetic_pixels(0, 224))[None].double()).cls[0]
    goldens["image0.224.clip_score"] = 2.5 * (cls @ text).clamp(min=0)[None]
    return goldens


def text_encoder(model: CLIPModel, tokenizer: CLIPTokenizerFast):
    return lambda texts: model.get_text_features(padded(tokenizer, texts)).pooler_output


def padded(tokenizer: CLIPTokenizerFast, texts: list[str]) -> Tensor:
    options = {"padding": "max_length", "max_length": CONTEXT_LENGTH, "truncation": True, "return_tensors": "pt"}
    return tokenizer(texts, **options).input_ids


def agree(single: Tensor, double: Tensor, what: str) -> None:
    """The goldens claim to be CLIP as published; float32 by transformers' own code must say so too."""
    error = ((single.double() - double).abs().max() / double.abs().max()).item()
    print(f"{what}: largest difference {error:.1e} of the largest value")
    if error > 2e-6:
        raise AssertionError(f"{what} disagree: {error}")


def save(tensors: dict[str, Tensor], path: Path) -> None:
    """Floats as float32; `input_ids` stays int32."""
    save_file({k: (v.float() if v.is_floating_point() else v).contiguous() for k, v in tensors.items()}, path)


def versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "safetensors": safetensors.__version__,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }


TOKENIZER_TEXTS = [
    "",
    " ",
    "\t\n  \r\n",
    "a",
    "Good photo.",
    "Bad photo.",
    "A RED CAT",
    "  a   red\tcat\n on a table  ",
    "a photo of a red cat, sitting on a wooden table.",
    "red-haired woman",
    "don't can't I'll we've she's they're I'm he'd",
    "DON'T STOP",
    "the cat's hat 's",
    "3 dogs, 12 birds and 2024 cars",
    "1girl, masterpiece, best quality, 8k",
    "(red cat:1.3), [blue dog], {bird}",
    "<lora:style:0.8> a house",
    "a_b__c snake_case",
    "hello...world!!! ???",
    "?!?!...,,,;;;",
    "$100 & 50% off #art @home",
    "C:\\path\\to/file.png",
    "https://example.org/a?b=c&d=e",
    "café naïve Ångström",
    "cafe\u0301 decomposed",
    "ﬁne ﬂow ligatures",
    "Ünïcödé ÇŞĞ İstanbul",
    "ß ẞ straße",
    "雪の日の猫",
    "красный кот",
    "قطة حمراء",
    "हिन्दी चित्र",
    "🎨 art 👩‍🎨 🏳️‍🌈",
    "½ ² Ⅷ ٣",
    "non\u00a0breaking\u3000space\u200bzero",
    "“quoted” ‘single’ – en — em …",
    "a\u0000b\u0007c",
    "<|startoftext|>a cat<|endoftext|>",
    "<|endoftext|>",
    "< |endoftext| >",
    "supercalifragilisticexpialidocious antidisestablishmentarianism",
    "qwertyuiopasdfghjklzxcvbnm",
    "x" * 200,
    "a beautiful detailed painting of a small house " * 20,
    "red " * 75,
    "red " * 76,
    "&amp; &lt;b&gt; html",
    "line one\nline two",
]


def tokenizations(folder: Path) -> dict:
    """ids as the model gets them (cut to 77, the end token kept, no padding) and uncut."""
    tokenizer = CLIPTokenizerFast.from_pretrained(folder)
    cases = [
        {
            "text": text,
            "ids": tokenizer(text, truncation=True, max_length=CONTEXT_LENGTH).input_ids,
            "ids_uncut": tokenizer(text, truncation=False).input_ids,
        }
        for text in TOKENIZER_TEXTS
    ]
    return {"command": "python reference/make_fixtures.py", "tokenizer": "reference/fixtures/clip-tiny", "cases": cases}

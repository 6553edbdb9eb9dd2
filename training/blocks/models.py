"""The five networks: exactly the published architectures, small. `python models.py FOLDER` saves them untrained in the hub layout.

    FOLDER/clip/                                    CLIPModel, tokenizer, preprocessor (and PQ-*.pth once trained)
    FOLDER/inpainting/{unet,vae,text_encoder,…}     UNet2DConditionModel of nine channels, AutoencoderKL, CLIPTextModel
    FOLDER/restoration/{unet,controlnet,scheduler}  PASD's two networks (reference/pasd.py); the rest lies in inpainting/
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPConfig, CLIPModel, CLIPTextModel

import tokenizer as blocks_tokenizer

sys.path.append(str(Path(__file__).parents[2] / "reference"))
from pasd import pasd_controlnet, pasd_unet  # noqa: E402

TEXT_WIDTH = 128
# Of an untrained autoencoder; train_autoencoder.py measures it: one over the standard deviation of latents.
SCALING_FACTOR = 1.0

AUTOENCODER = {
    "block_out_channels": (16, 32, 64, 64),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "latent_channels": 4,
    "layers_per_block": 1,
    "norm_num_groups": 8,
    "sample_size": 256,
    "force_upcast": False,
}
TRUNK = {
    "attention_head_dim": 4,
    "cross_attention_dim": TEXT_WIDTH,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "layers_per_block": 1,
    "norm_num_groups": 16,
}
UP = {"out_channels": 4, "sample_size": 32, "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D")}
UNET = TRUNK | UP | {"in_channels": 9, "block_out_channels": (48, 80, 96)}
# Its pixel attention runs at full latent resolution, where every head costs as much as its width.
PASD_HEADS = {"attention_head_dim": 2}
PASD_UNET = TRUNK | UP | PASD_HEADS | {"in_channels": 4, "block_out_channels": (32, 48, 64)}
PASD_CONTROLNET = TRUNK | PASD_HEADS | {
    "in_channels": 4,
    "block_out_channels": (32, 48, 64),
    "conditioning_embedding_out_channels": (16, 24, 32, 32),
}
SCHEDULER = {
    "_class_name": "DDIMScheduler",
    "_diffusers_version": "0.42.0",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "set_alpha_to_one": False,
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "trained_betas": None,
}
FEATURE_MEAN = [0.48145466, 0.4578275, 0.40821073]
FEATURE_STD = [0.26862954, 0.26130258, 0.27577711]


def clip_config() -> CLIPConfig:
    tokens = blocks_tokenizer.load()
    ids = {"bos_token_id": tokens.bos_token_id, "eos_token_id": tokens.eos_token_id, "pad_token_id": tokens.eos_token_id}
    text = {
        "vocab_size": len(tokens),
        "hidden_size": TEXT_WIDTH,
        "intermediate_size": 4 * TEXT_WIDTH,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "max_position_embeddings": 77,
        "hidden_act": "quick_gelu",
        "projection_dim": 128,
        **ids,
    }
    vision = {
        "image_size": 224,
        "patch_size": 16,
        "hidden_size": 192,
        "intermediate_size": 768,
        "num_hidden_layers": 6,
        "num_attention_heads": 6,
        "hidden_act": "quick_gelu",
        "projection_dim": 128,
    }
    return CLIPConfig(text_config=text, vision_config=vision, projection_dim=128)


def new_clip() -> CLIPModel:
    return CLIPModel(clip_config())


def text_encoder_of(clip: CLIPModel) -> CLIPTextModel:
    """The text tower of a CLIP as diffusion models hold it."""
    model = CLIPTextModel(clip.config.text_config)
    own = {name.removeprefix("text_model."): tensor for name, tensor in clip.text_model.state_dict().items()}
    target = model.state_dict()
    model.load_state_dict({name: own[name.removeprefix("text_model.")] for name in target})
    return model.eval()


def new_autoencoder(scaling_factor: float = SCALING_FACTOR) -> AutoencoderKL:
    return AutoencoderKL(**AUTOENCODER, scaling_factor=scaling_factor)


def new_unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(**UNET)


def new_pasd() -> tuple[nn.Module, ControlNetModel]:
    return pasd_unet(**PASD_UNET), pasd_controlnet(return_rgbs=False, **PASD_CONTROLNET)


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


# --- the hub layout ------------------------------------------------------------------------------------------------------


def save_half(model: nn.Module, folder: Path) -> None:
    """`save_pretrained` in half precision, without changing the model; a folder that is there is replaced."""
    dtype = next(model.parameters()).dtype
    temporary = folder.with_name(folder.name + ".partial")
    shutil.rmtree(temporary, ignore_errors=True)
    state = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    model.half().save_pretrained(temporary)
    model.to(dtype).load_state_dict(state)
    config = json.loads((temporary / "config.json").read_text("utf-8"))
    # PASD's repository calls its UNet as diffusers calls its own.
    if "_class_name" in config:
        config["_class_name"] = config["_class_name"].removeprefix("Pasd")
    config.pop("_name_or_path", None)
    write_json(temporary / "config.json", config)
    for path in temporary.iterdir():
        path.chmod(0o644)
    if folder.exists():
        for path in temporary.iterdir():
            path.replace(folder / path.name)
        temporary.rmdir()
    else:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary.rename(folder)


def save_clip(model: CLIPModel, folder: Path) -> None:
    save_half(model, folder)
    copy_tokenizer(folder)
    write_json(
        folder / "preprocessor_config.json",
        {
            "crop_size": {"height": 224, "width": 224},
            "do_center_crop": True,
            "do_convert_rgb": True,
            "do_normalize": True,
            "do_rescale": True,
            "do_resize": True,
            "image_mean": FEATURE_MEAN,
            "image_processor_type": "CLIPImageProcessor",
            "image_std": FEATURE_STD,
            "resample": 3,
            "rescale_factor": 1 / 255,
            "size": {"shortest_edge": 224},
        },
    )


def save_inpainting(folder: Path, *, unet: nn.Module, vae: AutoencoderKL, text_encoder: CLIPTextModel) -> None:
    save_half(unet, folder / "unet")
    save_half(vae, folder / "vae")
    save_half(text_encoder, folder / "text_encoder")
    copy_tokenizer(folder / "tokenizer")
    save_scheduler(folder, "DDIMScheduler")
    write_json(
        folder / "model_index.json",
        {
            "_class_name": "StableDiffusionInpaintPipeline",
            "_diffusers_version": "0.42.0",
            "feature_extractor": [None, None],
            "requires_safety_checker": False,
            "safety_checker": [None, None],
            "scheduler": ["diffusers", "DDIMScheduler"],
            "text_encoder": ["transformers", "CLIPTextModel"],
            "tokenizer": ["transformers", "CLIPTokenizer"],
            "unet": ["diffusers", "UNet2DConditionModel"],
            "vae": ["diffusers", "AutoencoderKL"],
        },
    )


def save_restoration(folder: Path, *, unet: nn.Module, controlnet: ControlNetModel) -> None:
    save_half(unet, folder / "unet")
    save_half(controlnet, folder / "controlnet")
    save_scheduler(folder, "UniPCMultistepScheduler")


def save_scheduler(folder: Path, class_name: str) -> None:
    (folder / "scheduler").mkdir(parents=True, exist_ok=True)
    write_json(folder / "scheduler" / "scheduler_config.json", SCHEDULER | {"_class_name": class_name})


def copy_tokenizer(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in blocks_tokenizer.FOLDER.iterdir():
        shutil.copyfile(path, folder / path.name)


def write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    folder = Path(sys.argv[1])
    torch.manual_seed(0)
    clip, vae, unet = new_clip(), new_autoencoder(), new_unet()
    pasd, controlnet = new_pasd()
    text = text_encoder_of(clip)
    models = {"clip": clip, "text_encoder": text, "vae": vae, "unet": unet, "pasd": pasd, "controlnet": controlnet}
    for name, model in models.items():
        print(f"{name:13} {parameters(model):>10,}")
    total = sum(map(parameters, models.values()))
    print(f"{'together':13} {total:>10,}: {2 * total / 1e6:.1f} MB in half precision")
    save_clip(clip, folder / "clip")
    save_inpainting(folder / "inpainting", unet=unet, vae=vae, text_encoder=text)
    save_restoration(folder / "restoration", unet=pasd, controlnet=controlnet)


if __name__ == "__main__":
    main()

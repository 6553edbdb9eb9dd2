"""Golden tensors of whole diffusion pipelines on the tiny checkpoints: text, encoding, sampling and decoding in one.

Inpainting: diffusers' own StableDiffusionInpaintPipeline and StableDiffusionXLInpaintPipeline; PASD: diffusers' schedule and
the modules of pasd.py, in the order of its pipeline. In double precision, from the weights as stored.
Keys: `noise [1,4,8,12]`; `image_latents`, the image encoded (the posterior's mean, scaled); `masked_latents`, the
same with the mask's pixels grey, for inpainting; `step_<i>`, the latents after each
step; `pixels [1,3,64,96]`, the last ones decoded. The image is `picture(0, 96)`, its first 64 rows; the mask covers rows 16 to 47
of columns 24 to 71.
"""

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    EulerDiscreteScheduler,
    StableDiffusionInpaintPipeline,
    StableDiffusionXLInpaintPipeline,
    UniPCMultistepScheduler,
)
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPTokenizer

from diffusion_goldens import stored
from pasd import pasd_controlnet, pasd_unet
from pasd_goldens import load
from tiny_diffusion import PASD, SD, SDXL, autoencoders, picture, text_encoders
from tiny_pasd import CONTROLNET, UNET
from tiny_tokenizer import build_tokenizer

HEIGHT, WIDTH = 64, 96
STEPS = 3
GUIDANCE = 3.0
PROMPT = "a photo of a red cat, sitting on a wooden table"
NEGATIVE = "blurry, dotted"
CONDITIONING_SCALE = 0.8


def image() -> Tensor:
    return picture(0, WIDTH)[:, :, :HEIGHT].double()


def mask() -> Tensor:
    repainted = torch.zeros(1, 1, HEIGHT, WIDTH, dtype=torch.float64)
    repainted[:, :, 16:48, 24:72] = 1
    return repainted


def noise() -> Tensor:
    return torch.randn(1, 4, HEIGHT // 8, WIDTH // 8, generator=torch.Generator().manual_seed(11), dtype=torch.float64)


def encoded(vae: AutoencoderKL, pixels: Tensor) -> Tensor:
    return vae.encode(pixels).latent_dist.mode() * vae.config.scaling_factor


def decoded(vae: AutoencoderKL, latents: Tensor) -> Tensor:
    return vae.decode(latents / vae.config.scaling_factor).sample


@torch.no_grad()
def inpainting(pipeline_class: type, scheduler_class: type, folder: Path, *, negative: str | None) -> dict[str, Tensor]:
    # From the numbers as stored: some files are in halves and in earlier layouts, which diffusers does not open alike.
    texts = stored(text_encoders(build_tokenizer()))
    parts = {name: texts[f"{folder.name}/{name}"] for name in ("text_encoder", "text_encoder_2") if f"{folder.name}/{name}" in texts}
    options = {} if "text_encoder_2" in parts else {"safety_checker": None}
    pipe = pipeline_class.from_pretrained(folder, vae=stored(autoencoders())[folder.name], **parts, **options)
    pipe.to(torch.float64)
    pipe.scheduler = scheduler_class.from_config(pipe.scheduler.config)
    pipe.set_progress_bar_config(disable=True)
    golden = {
        "noise": noise(),
        "image_latents": encoded(pipe.vae, image()),
        "masked_latents": encoded(pipe.vae, image() * (mask() < 0.5)),
    }

    def keep(_pipe, step: int, _timestep, values: dict) -> dict:
        golden[f"step_{step}"] = values["latents"].clone()
        return values

    latents = pipe(
        prompt=PROMPT,
        negative_prompt=negative,
        image=image(),
        mask_image=mask(),
        height=HEIGHT,
        width=WIDTH,
        strength=1.0,
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE,
        latents=noise(),
        output_type="latent",
        callback_on_step_end=keep,
    ).images
    assert len([name for name in golden if name.startswith("step_")]) == STEPS
    return golden | {"pixels": decoded(pipe.vae, latents)}


@torch.no_grad()
def restoration(folder: Path) -> dict[str, Tensor]:
    unet = load(pasd_unet(**UNET), folder / "unet")
    controlnet = load(pasd_controlnet(**CONTROLNET), folder / "controlnet")
    # Its vae is stored under names of an earlier layout, which diffusers no longer reads all of.
    vae = stored(autoencoders())[PASD]
    encoder = stored(text_encoders(build_tokenizer()))[f"{PASD}/text_encoder"]
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    scheduler = UniPCMultistepScheduler.from_pretrained(folder / "scheduler")
    ids = tokenizer([NEGATIVE, PROMPT], padding="max_length", max_length=77, return_tensors="pt").input_ids
    text = encoder(ids).last_hidden_state
    condition = ((image() + 1) / 2).clamp(0, 1).expand(2, -1, -1, -1)
    scheduler.set_timesteps(STEPS)
    latents = noise() * scheduler.init_noise_sigma
    golden = {"noise": noise(), "image_latents": encoded(vae, image())}
    for step, timestep in enumerate(scheduler.timesteps):
        both = scheduler.scale_model_input(latents, timestep).expand(2, -1, -1, -1)
        time = timestep.double()
        down, mid = controlnet(
            both, time, text, condition, conditioning_scale=CONDITIONING_SCALE, return_dict=False
        )
        unconditional, conditional = unet(
            both, time, text, down_block_additional_residuals=down, mid_block_additional_residual=mid
        ).sample.chunk(2)
        prediction = unconditional + GUIDANCE * (conditional - unconditional)
        latents = scheduler.step(prediction, timestep, latents).prev_sample
        golden[f"step_{step}"] = latents
    return golden | {"pixels": decoded(vae, latents)}


def make_pipeline_goldens(fixtures: Path) -> None:
    # Our encoders give the posterior's mean; the pipelines of diffusers draw from it.
    sample = DiagonalGaussianDistribution.sample
    DiagonalGaussianDistribution.sample = lambda self, generator=None: self.mode()
    try:
        goldens = {
            SD: inpainting(StableDiffusionInpaintPipeline, DDIMScheduler, fixtures / SD, negative=NEGATIVE),
            # Without a negative prompt XL's text is zeros.
            SDXL: inpainting(StableDiffusionXLInpaintPipeline, EulerDiscreteScheduler, fixtures / SDXL, negative=None),
            PASD: restoration(fixtures / PASD),
        }
    finally:
        DiagonalGaussianDistribution.sample = sample
    for name, tensors in goldens.items():
        path = fixtures / "golden" / f"{name}.pipeline.safetensors"
        save_file({key: tensor.float().contiguous() for key, tensor in tensors.items()}, path)
        path.chmod(0o644)


if __name__ == "__main__":
    make_pipeline_goldens(Path(__file__).parent / "fixtures")

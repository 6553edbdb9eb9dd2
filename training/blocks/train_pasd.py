"""Trains PASD's UNet and ControlNet together: `python train_pasd.py --cache DIR`, after the autoencoder and the CLIP.

Restoration: the condition is a picture degraded all over (blur, coarser pixels, noise, JPEG, in any mixture, sometimes hardly) or damaged
in one place; the target: the latents of the clean one. Text: the caption, or in three of four of the latter what is in that place alone, as
the app says it of a region; half the time with the words PASD adds; none one time in ten.
Written at the end: PSNR against the clean render of degraded validation pictures before and after, decoded, and a sheet (CACHE/logs/pasd.png).
"""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from captions import caption
from defects import FACTORS, blur, damage, jpeg, noise
from diffusion import (LATENTS, Latents, Noising, Prompts, decoded, encoded, generator, latents_of, load_autoencoder, load_text_encoder,
                       text_of, within)
from models import new_pasd, save_restoration
from run import Run, ahead, parser
from world import Dice

BATCH = 8
NO_TEXT = 0.1
# Share of pictures that are damaged in one place, as stage 1 leaves them to stage 2, instead of all over.
LOCAL = 0.8
# Share of those whose text speaks only of what is in that place.
OF_PLACE = 0.75
# Share of pictures whose noise is laid on the latents of what is bad, wholly or in part, as the app's gentle mode begins: what is left
# of the damage in the latents is then to be found and taken away, too. Up to which timestep.
STARTED = 0.75
LATEST_START = 600
# How much errors outside of that place count: there the answer lies in the input.
OUTSIDE = 0.25
SUFFIX = ", clean, high-resolution, 8k"


def degraded(image: np.ndarray, dice: Dice) -> np.ndarray:
    """A picture in 0..1 made worse all over; how much varies from hardly to badly."""
    much = dice.unit() ** 1.5
    if dice.chance(0.7):
        image = blur(image, 0.55 * much - 0.1, dice)
    if dice.chance(0.4):
        side = int(256 / dice.between(1.0, 1.0 + 2.5 * much))
        small = Image.fromarray((np.clip(image, 0, 1) * 255).astype(np.uint8)).resize((side, side), Image.BOX)
        image = np.asarray(small.resize((256, 256), Image.BICUBIC), np.float32) / 255.0
    if dice.chance(0.5):
        image = noise(image, 0.3 * much - 0.15, dice)
    if dice.chance(0.5):
        image = jpeg(image, dice.between(-4.0, 0.2 + 0.4 * much), dice)
    return np.clip(image, 0, 1).astype(np.float32)


def damaged(image: np.ndarray, behind: np.ndarray, owner: np.ndarray, removed: int, dice: Dice) -> tuple[np.ndarray, np.ndarray | None]:
    """A picture in 0..1 with damage in one place, `behind` being the picture without the solid `removed`; and where."""
    hurt = damage(image, owner, dice, without=(behind, removed), factor=dice.pick(FACTORS))
    return (hurt.image, hurt.mask > 0.3) if hurt else (image, None)


def batch(latents: Latents, dice: Dice, count: int = BATCH) -> dict[str, object]:
    clean, conditions, texts, weights = [], [], [], []
    for _ in range(count):
        index, which = dice.below(len(latents)), dice.below(2)
        scene, images, owners, removed = latents.pictures[index]
        image, behind = (i.astype(np.float32) / 255.0 for i in images)
        place = None
        if dice.chance(LOCAL):
            which = 0
            worse, place = damaged(image, behind, owners[0], removed, dice)
        else:
            worse = degraded((image, behind)[which], dice)
        scene = scene.without(removed) if which else scene
        weights.append(np.ones((LATENTS, LATENTS)) if place is None else np.where(in_latents(place), 1.0, OUTSIDE))
        clean.append(latents[index]["clean"][which])
        conditions.append(worse)
        if place is not None and dice.chance(OF_PLACE):
            text = text_of(within(scene, owners[0], place), dice)
        else:
            text = caption(scene, dice) if scene.solids else ""
        text += SUFFIX if dice.chance(0.5) else ""
        texts.append("" if dice.chance(NO_TEXT) else text)
    condition = torch.from_numpy(np.stack(conditions)).permute(0, 3, 1, 2).contiguous()
    clean, weights = (torch.from_numpy(np.stack(rows).astype(np.float32)) for rows in (clean, weights))
    return {"clean": clean, "condition": condition, "texts": texts, "weights": weights[:, None]}


def in_latents(place: np.ndarray) -> np.ndarray:
    """The latents that have a part of a place."""
    return place.reshape(LATENTS, 8, LATENTS, 8).any(axis=(1, 3))


def predict(unet, controlnet, sample: Tensor, times: Tensor, hidden: Tensor, condition: Tensor) -> Tensor:
    down, mid = controlnet(sample, times, encoder_hidden_states=hidden, controlnet_cond=condition, return_dict=False)
    return unet(
        sample,
        times,
        hidden,
        down_block_additional_residuals=down,
        mid_block_additional_residual=mid,
    ).sample


@torch.no_grad()
def evaluate(unet, controlnet, vae, prompts: Prompts, noising: Noising, held_out: Latents, path: Path) -> dict[str, float]:
    """Restored from a fifth of the noise, as the app's gentle mode, and from noise alone; PSNR of decoded pictures."""
    device = prompts.device
    before, gentle, native, autoencoder, columns = [], [], [], [], []
    for i in range(12):
        dice = Dice(41, i)
        scene, images, _, _ = held_out.pictures[i * 13]
        image = images[0].astype(np.float32) / 255.0
        worse = degraded(image, dice)
        hidden = prompts([caption(scene, dice, complete=True) + SUFFIX])
        condition = torch.from_numpy(worse).permute(2, 0, 1)[None].to(device)
        start = torch.from_numpy(latents_of(vae, worse[None], device).astype(np.float32)).to(device)
        clean = torch.from_numpy(latents_of(vae, image[None], device).astype(np.float32)).to(device)
        random = torch.randn(start.shape, generator=generator(41, i)).to(device)

        def denoise(latents: Tensor, time: Tensor) -> Tensor:
            return predict(unet, controlnet, latents, time.to(device), hidden, condition)

        noisy = noising(start, random, torch.tensor([199], device=device))
        slightly = decoded(vae, noising.sample(denoise, noisy, 10, 0.2))[0]
        wholly = decoded(vae, noising.sample(denoise, random, 20))[0]
        as_encoded = decoded(vae, clean)[0]
        shown = (worse * 255).round().astype(np.uint8)
        for kept, picture in ((before, shown), (gentle, slightly), (native, wholly), (autoencoder, as_encoded)):
            error = np.mean(((picture.astype(np.float64) - images[0]) / 255) ** 2)
            kept.append(-10 * np.log10(max(error, 1e-6)))
        columns.append(np.concatenate([images[0], shown, slightly, wholly]))
    Image.fromarray(np.concatenate(columns[:8], axis=1)).save(path)
    names = {"degraded": before, "gentle": gentle, "native": native, "autoencoder alone": autoencoder}
    return {name: round(float(np.mean(values)), 2) for name, values in names.items()}


def main() -> None:
    options = parser(__doc__, steps=6_700).parse_args()
    torch.manual_seed(options.seed)
    unet, controlnet = new_pasd()
    run = Run("pasd", {"unet": unet, "controlnet": controlnet}, options, rate=2e-3)
    vae, _ = load_autoencoder(options.cache)
    vae = vae.to(run.device)
    prompts, noising = Prompts(load_text_encoder(options.cache), run.device), Noising(run.device)
    if not options.evaluate and run.step < options.steps:
        latents = Latents(options.cache, "train", vae, run.device, run.log, only_clean=True)
        train(run, unet, controlnet, vae, latents, prompts, noising, options)
    run.use_average()
    held_out = Latents(options.cache, "validation", vae, run.device, run.log, only_clean=True)
    sheet = Path(options.cache) / "logs" / "pasd.png"
    run.log(json.dumps(evaluate(unet, controlnet, vae, prompts, noising, held_out, sheet)))
    save_restoration(Path(options.cache) / "models" / "restoration", unet=unet.cpu(), controlnet=controlnet.cpu())


def train(run: Run, unet, controlnet, vae, latents: Latents, prompts: Prompts, noising: Noising, options) -> None:
    batches = ahead(lambda step: batch(latents, Dice(options.seed, 14, step)), run.step, options.steps, workers=1)
    for module in (unet, controlnet, vae):
        # A fifth faster on processors, whose convolutions work on it.
        module.to(memory_format=torch.channels_last)
    unet.train()
    controlnet.train()
    for step in run.steps():
        made = next(batches)
        clean, condition = made["clean"].to(run.device), made["condition"].to(run.device, memory_format=torch.channels_last)
        random = generator(options.seed, 14, step)
        drawn = torch.randn(clean.shape, generator=random).to(run.device)
        times = torch.randint(0, 1000, (len(clean),), generator=random)
        started = torch.rand(len(clean), generator=random) < STARTED
        times = torch.where(started, times * LATEST_START // 1000, times).to(run.device)
        # The further a sampler is, the less of the damage is left in the latents.
        left = (torch.rand(len(clean), generator=random) * started).to(run.device).view(-1, 1, 1, 1)
        start = clean.clone()
        if started.any():
            # Half precision: noise is laid on it.
            with torch.autocast(run.device.type, torch.bfloat16):
                start[started] = encoded(vae, condition[started]).float()
        noisy = noising(torch.lerp(clean, start, left), drawn, times)
        predicted = predict(unet, controlnet, noisy, times, prompts(made["texts"]), condition)
        run.descend(noising.loss(predicted, noising.noise_of(noisy, clean, times), times, made["weights"].to(run.device)))


if __name__ == "__main__":
    main()

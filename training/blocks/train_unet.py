"""Trains the inpainting UNet: `python train_unet.py --cache DIR`, after the autoencoder and the CLIP.

Nine channels: noisy latents, mask, latents of the greyed-out picture; the text is the picture's caption through the CLIP's text
tower, left out one time in ten for guidance. Every other step sees windows of half the side around the mask, 112 for 32 pictures, with
captions of what is in the window: most of a whole picture is given, and what has to be learned is under the mask (arXiv 2304.12526
trains on windows of many sizes likewise). Most texts speak of what is under the mask alone: which of a caption's things that is would
take a small model far longer to work out. Written at the end: the loss on validation seeds by noise level, and a sheet of
repainted validation pictures (CACHE/logs/unet.png: original, masked, repainted).
"""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from captions import caption
from diffusion import (
    LATENTS,
    MASKS,
    Latents,
    Noising,
    Prompts,
    decoded,
    draw_mask,
    generator,
    latents_of,
    load_autoencoder,
    load_text_encoder,
    text_of,
    within,
)
from models import new_unet, save_inpainting
from run import Run, ahead, parser
from world import Dice

BATCH = 32
# Latents along a window's side, and windows in a step: as long a step as one of whole pictures.
WINDOW = 16
WINDOWS = 112
NO_TEXT = 0.1
# Share of texts that speak only of what is under the mask, as the app's do for a region.
OF_MASK = 0.75
# How much errors outside the mask count: there the answer lies in the input.
OUTSIDE = 0.25


def batch(latents: Latents, dice: Dice, count: int = BATCH, side: int = LATENTS) -> dict[str, object]:
    rows = {"clean": [], "masked": [], "masks": [], "texts": []}
    for _ in range(count):
        index, which, k = dice.below(len(latents)), dice.below(2), dice.below(MASKS)
        entry = latents[index]
        scene, _, owner = latents.pictures.variant(index, which)
        mask = entry["masks"][which, k]
        top, left = window(mask, side, dice)
        place = (..., slice(top, top + side), slice(left, left + side))
        rows["clean"].append(entry["clean"][which][place])
        rows["masked"].append(entry["masked"][which, k][place])
        rows["masks"].append(mask[None][place])
        shown = np.zeros(owner.shape, bool)
        shown[8 * top : 8 * (top + side), 8 * left : 8 * (left + side)] = True
        if dice.chance(OF_MASK):
            shown &= mask.repeat(8, axis=0).repeat(8, axis=1)
        rows["texts"].append("" if dice.chance(NO_TEXT) else text_of(within(scene, owner, shown), dice))
    tensors = {name: torch.from_numpy(np.stack(rows[name]).astype(np.float32)) for name in ("clean", "masked", "masks")}
    return {**tensors, "texts": rows["texts"]}


def window(mask: np.ndarray, side: int, dice: Dice) -> tuple[int, int]:
    """Top left corner, in latents, of a window that holds some of the mask."""
    masked = np.flatnonzero(mask)
    at = divmod(int(dice.pick(masked)) if len(masked) else mask.size // 2, LATENTS)
    return tuple(min(max(i - dice.below(side), 0), LATENTS - side) for i in at)


def loss_of(unet, prompts: Prompts, noising: Noising, made: dict, seed: tuple[int, ...], times: Tensor | None = None) -> Tensor:
    device = prompts.device
    clean, masked, mask = (made[name].to(device) for name in ("clean", "masked", "masks"))
    random = generator(*seed)
    noise = torch.randn(clean.shape, generator=random).to(device)
    drawn = torch.randint(0, 1000, (len(clean),), generator=random)
    times = (drawn if times is None else times).to(device)
    sample = torch.cat([noising(clean, noise, times), mask, masked], dim=1)
    predicted = unet(sample, times, encoder_hidden_states=prompts(made["texts"])).sample
    return noising.loss(predicted, noise, times, mask.clamp(min=OUTSIDE).expand(-1, 1, -1, -1))


@torch.no_grad()
def evaluate(unet, prompts: Prompts, noising: Noising, held_out: Latents) -> dict[str, float]:
    result = {}
    for time in (100, 300, 500, 700, 900):
        values = []
        for i in range(4):
            made = batch(held_out, Dice(31, i), 16)
            values.append(float(loss_of(unet, prompts, noising, made, (31, i), torch.full((16,), time))))
        result[f"t={time}"] = round(float(np.mean(values)), 4)
    return result


@torch.no_grad()
def sheet(unet, vae, prompts: Prompts, noising: Noising, held_out: Latents, path: Path, guidance: float = 5.0) -> None:
    """Three rows: as rendered, what is repainted, repainted."""
    columns = []
    for i in range(8):
        dice = Dice(32, i)
        scene, images, owners, _ = held_out.pictures[i * 11]
        image = images[0].astype(np.float32) / 255.0
        pixels = draw_mask(owners[0], dice)
        masked = np.where(pixels[..., None], np.float32(0.5), image)
        device = prompts.device
        hidden = prompts(["", caption(scene, dice, complete=True)])
        mask = torch.from_numpy(pixels[::8, ::8].astype(np.float32))[None, None].to(device)
        behind = torch.from_numpy(latents_of(vae, masked[None], device).astype(np.float32)).to(device)

        def predict(latents: Tensor, time: Tensor) -> Tensor:
            both = torch.cat([latents, mask, behind], dim=1).expand(2, -1, -1, -1)
            none, text = unet(both, time.to(device), encoder_hidden_states=hidden).sample
            return (none + guidance * (text - none))[None]

        noise = torch.randn(1, 4, 32, 32, generator=generator(32, i)).to(device)
        painted = decoded(vae, noising.sample(predict, noise))[0]
        result = np.where(pixels[..., None], painted, images[0])
        columns.append(np.concatenate([images[0], (masked * 255).astype(np.uint8), result]))
    Image.fromarray(np.concatenate(columns, axis=1)).save(path)


def main() -> None:
    options = parser(__doc__, steps=6_713).parse_args()
    torch.manual_seed(options.seed)
    unet = new_unet()
    run = Run("unet", {"unet": unet}, options, rate=2e-3)
    vae, _ = load_autoencoder(options.cache)
    encoder = load_text_encoder(options.cache)
    prompts, noising = Prompts(encoder, run.device), Noising(run.device)
    if not options.evaluate and run.step < options.steps:
        train(run, unet, Latents(options.cache, "train", vae, run.device, run.log), prompts, noising, options)
    run.use_average()
    held_out = Latents(options.cache, "validation", vae, run.device, run.log)
    run.log(json.dumps(evaluate(unet, prompts, noising, held_out)))
    sheet(unet, vae.to(run.device), prompts, noising, held_out, Path(options.cache) / "logs" / "unet.png")
    save_inpainting(Path(options.cache) / "models" / "inpainting", unet=unet.cpu(), vae=vae.cpu(), text_encoder=encoder.cpu())


def train(run: Run, unet, latents: Latents, prompts: Prompts, noising: Noising, options) -> None:
    def made(step: int) -> dict[str, object]:
        dice = Dice(options.seed, 13, step)
        return batch(latents, dice, WINDOWS, WINDOW) if step % 2 else batch(latents, dice)

    batches = ahead(made, run.step, options.steps, workers=1)
    unet.train()
    for step in run.steps():
        run.descend(loss_of(unet, prompts, noising, next(batches), (options.seed, 13, step)))


if __name__ == "__main__":
    main()

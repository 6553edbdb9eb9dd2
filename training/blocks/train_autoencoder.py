"""Trains the AutoencoderKL: `python train_autoencoder.py --cache DIR`.

Pictures as rendered, damaged, and with parts greyed out (what an inpainting model gets) become latents of 1/8 and back. Loss:
absolute difference, the same of gradients at four scales, and a faint pull of the latents towards a normal distribution. In the
second part only the decoder goes on learning: the latents stay as they are, so that the denoisers can be trained beside it.
Printed at the end: PSNR on validation seeds, and the latents' standard deviation, of which the config's scaling_factor is the
inverse.
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from dataset import Pictures
from defects import damage, region
from models import new_autoencoder, save_half
from run import Run, ahead, parser
from world import Dice

CROP = 128
BATCH = 8
KL = 1e-6
# From this step on the encoder stays as it is.
DECODER_FROM = 1_200


def example(pictures: Pictures, dice: Dice, side: int = CROP) -> np.ndarray:
    """float32 [side, side, 3] in 0..1."""
    _, images, owners, _ = pictures[dice.below(len(pictures))]
    which = 1 if dice.chance(0.3) else 0
    # Solids are what matters: the crop is around one more often than not.
    top, left = dice.below(256 - side + 1), dice.below(256 - side + 1)
    if dice.chance(0.5):
        rows, columns = np.nonzero(owners[which] != 255)
        if len(rows):
            at = dice.below(len(rows))
            top = min(max(int(rows[at]) - int(dice.between(0.2, 0.8) * side), 0), 256 - side)
            left = min(max(int(columns[at]) - int(dice.between(0.2, 0.8) * side), 0), 256 - side)
    window = np.s_[top : top + side, left : left + side]
    image = images[which][window].astype(np.float32) / 255.0
    kind = dice.unit()
    if kind < 0.15:
        hurt = damage(image, owners[which][window], dice, factor=dice.pick(("technical", "naturalness")))
        image = hurt.image
    elif kind < 0.3:
        # As a pipeline greys out: 0 of -1..1.
        image = np.where(region(owners[which][window], dice)[..., None] > 0.5, np.float32(0.5), image)
    return image[:, ::-1] if dice.chance(0.5) else image


def gradients(x: Tensor) -> Tensor:
    return torch.cat([(x[..., 1:, :] - x[..., :-1, :]).flatten(1), (x[..., :, 1:] - x[..., :, :-1]).flatten(1)], dim=1)


def reconstruction_loss(output: Tensor, target: Tensor) -> Tensor:
    loss = (output - target).abs().mean()
    for scale in range(4):
        loss = loss + 0.5 * (gradients(output) - gradients(target)).abs().mean() / 2**scale
        output, target = F.avg_pool2d(output, 2), F.avg_pool2d(target, 2)
    return loss


@torch.no_grad()
def evaluate(vae, cache: str, device: torch.device, count: int = 64) -> dict[str, float]:
    pictures = Pictures(cache, "validation")
    errors, latents = [], []
    for i in range(count):
        image = torch.from_numpy(pictures[i * 7][1][0].copy()).to(device).permute(2, 0, 1)[None].float() / 127.5 - 1
        latent = vae.encode(image).latent_dist.mean
        output = vae.decode(latent).sample.clamp(-1, 1)
        errors.append(((output - image) / 2).square().mean().item())
        latents.append(latent.flatten())
    return {
        "psnr": float(np.mean([-10 * np.log10(e) for e in errors])),
        "latent_std": torch.cat(latents).std().item(),
    }


def main() -> None:
    options = parser(__doc__, steps=2_600).parse_args()
    torch.manual_seed(options.seed)
    vae = new_autoencoder()
    run = Run("autoencoder", {"vae": vae}, options, rate=3e-3)
    if not options.evaluate and run.step < options.steps:
        train(run, vae, options)
    run.use_average()
    measured = evaluate(vae, options.cache, run.device)
    run.log(json.dumps(measured))
    vae.register_to_config(scaling_factor=round(1 / measured["latent_std"], 5))
    save_half(vae.cpu(), Path(options.cache) / "models" / "inpainting" / "vae")


def train(run: Run, vae, options) -> None:
    pictures = Pictures(options.cache)

    def batch(step: int) -> Tensor:
        dice = Dice(options.seed, 11, step)
        # Norms and attention see a whole picture in the app.
        side, count = (256, BATCH // 4) if step >= DECODER_FROM and step % 2 else (CROP, BATCH)
        images = np.stack([example(pictures, dice, side) for _ in range(count)])
        return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous() * 2 - 1

    batches = ahead(batch, run.step, options.steps, workers=1)
    for step in run.steps():
        if step % 500 == 0:
            pictures.refresh()
        if step == DECODER_FROM:
            run.use_average()
        if step >= DECODER_FROM:
            vae.encoder.requires_grad_(False)
            vae.quant_conv.requires_grad_(False)
        images = next(batches).to(run.device)
        latents = vae.encode(images).latent_dist
        noise = torch.randn(latents.mean.shape, generator=torch.Generator().manual_seed(options.seed * 1_000_003 + step))
        output = vae.decode(latents.mean + latents.std * noise.to(run.device)).sample
        loss = reconstruction_loss(output, images)
        kl = latents.kl().mean() / latents.mean[0].numel()
        run.descend(loss + KL * latents.mean[0].numel() * kl, l1=(output - images).abs().mean().detach(), kl=kl.detach())


if __name__ == "__main__":
    main()

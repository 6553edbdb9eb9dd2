"""What the training of both denoisers shares: cached latents, texts as the pipelines encode them, DDPM's noise and loss."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F
from transformers import CLIPTextModel

import tokenizer as blocks_tokenizer
from captions import caption, ground_words
from dataset import LEAST_VISIBLE, SHARD, Pictures
from defects import region
from models import SCHEDULER, new_autoencoder, new_clip, text_encoder_of
from run import load_averaged
from world import Dice, Scene

MASKS = 2
LATENTS = 32


def load_autoencoder(cache: str) -> tuple[torch.nn.Module, float]:
    """The trained autoencoder, frozen, and its scaling factor."""
    vae = load_averaged(new_autoencoder(), cache, "autoencoder", "vae")
    config = json.loads((Path(cache) / "models/inpainting/vae/config.json").read_text("utf-8"))
    vae.register_to_config(scaling_factor=config["scaling_factor"])
    return vae, config["scaling_factor"]


def load_text_encoder(cache: str) -> CLIPTextModel:
    return text_encoder_of(load_averaged(new_clip(), cache, "text_encoder", "clip")).requires_grad_(False)


class Prompts:
    """Hidden states of texts, padded to 77 tokens as Stable Diffusion 1 pads."""

    def __init__(self, encoder: CLIPTextModel, device: torch.device):
        self.encoder, self.device, self.tokens = encoder.to(device), device, blocks_tokenizer.load()

    @torch.no_grad()
    def __call__(self, texts: list[str]) -> Tensor:
        ids = self.tokens(texts, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
        return self.encoder(ids.to(self.device)).last_hidden_state


def draw_mask(owner: np.ndarray, dice: Dice) -> np.ndarray:
    """Pixels to repaint, bool: solids with a margin, blobs, boxes, now and then everything."""
    kind = dice.unit()
    if kind < 0.12:
        return np.ones(owner.shape, bool)
    solids = [i for i in np.unique(owner) if i != 255]
    if solids and kind < 0.6:
        chosen = owner == dice.pick(solids)
        if dice.chance(0.2):
            chosen |= owner == dice.pick(solids)
        margin = dice.below(5)
        return ndimage.binary_dilation(chosen, iterations=3 + 4 * margin)
    if kind < 0.85:
        return region(owner, dice) > 0.4
    mask = np.zeros(owner.shape, bool)
    height, width = (int(dice.between(0.25, 0.75) * 256) for _ in range(2))
    top, left = dice.below(256 - height), dice.below(256 - width)
    mask[top : top + height, left : left + width] = True
    return mask


def within(scene: Scene, owner: np.ndarray, shown: np.ndarray) -> Scene:
    """The scene with the solids alone of which a good part is among the pixels shown."""
    parts = [(int((shown & (owner == i)).sum()), int((owner == i).sum())) for i in range(len(scene.solids))]
    keep = [s for s, (here, all_of_it) in zip(scene.solids, parts) if here >= max(LEAST_VISIBLE, 0.4 * all_of_it)]
    return replace(scene, solids=tuple(keep))


def text_of(scene: Scene, dice: Dice) -> str:
    """What the app says of a region: what is in it, or else the ground, or nothing."""
    if scene.solids:
        return caption(scene, dice, complete=dice.chance(0.8))
    return ground_words(scene.ground, dice) if dice.chance(0.5) else ""


@torch.no_grad()
def encoded(vae, images: Tensor) -> Tensor:
    """Scaled latents [count, 4, 32, 32] of images [count, 3, 256, 256] in 0..1."""
    return vae.encode(images * 2 - 1).latent_dist.mean * vae.config.scaling_factor


def latents_of(vae, images: np.ndarray, device: torch.device) -> np.ndarray:
    """The same, float16, of float32 images [count, 256, 256, 3]."""
    return encoded(vae, torch.from_numpy(images).to(device).permute(0, 3, 1, 2)).half().cpu().numpy()


class Latents:
    """Latents of a split's pictures, encoded once: clean [2, 4, 32, 32] a scene, and unless only those are wanted masks [2, 2, 32, 32]
    and masked [2, 2, 4, 32, 32]."""

    def __init__(self, cache: str, split: str, vae, device: torch.device, log=print, *, only_clean: bool = False):
        self.pictures = Pictures(cache, split)
        self._masks = 0 if only_clean else MASKS
        folder = Path(cache) / "latents"
        folder.mkdir(exist_ok=True)
        self._shards = []
        for number in range(len(self.pictures) // SHARD):
            path = folder / f"{split}-{number:04d}{'-clean' if only_clean else ''}.npz"
            if not path.exists():
                log(f"encodes {path.name}")
                self._encode(number, path, vae.to(device), device)
            with np.load(path) as file:
                self._shards.append({name: file[name] for name in file.files})

    def _encode(self, number: int, path: Path, vae, device: torch.device) -> None:
        shape = (SHARD, 2, self._masks)
        clean = np.empty((SHARD, 2, 4, LATENTS, LATENTS), np.float16)
        masked = np.empty((*shape, 4, LATENTS, LATENTS), np.float16)
        masks = np.empty((*shape, LATENTS, LATENTS), bool)
        for i in range(SHARD):
            scene, images, owners, _ = self.pictures[number * SHARD + i]
            dice = Dice(21, scene.seed)
            for which in range(2):
                image = images[which].astype(np.float32) / 255.0
                batch = [image]
                for k in range(self._masks):
                    # Masks of what is not there any more are as likely as of what is.
                    pixels = draw_mask(owners[0] if dice.chance(0.5) else owners[which], dice)
                    # As the app has it: the pixel at each latent's top left corner.
                    masks[i, which, k] = pixels[::8, ::8]
                    batch.append(np.where(pixels[..., None], np.float32(0.5), image))
                encoded = latents_of(vae, np.stack(batch), device)
                clean[i, which], masked[i, which] = encoded[0], encoded[1:]
        temporary = path.with_suffix(".partial.npz")
        np.savez(temporary, clean=clean, masked=masked, masks=masks)
        os.replace(temporary, path)

    def __len__(self) -> int:
        return SHARD * len(self._shards)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return {name: array[index % SHARD] for name, array in self._shards[index // SHARD].items()}


class Noising:
    """DDPM with the scheduler's betas; the loss weighs timesteps by min(SNR, 5) / SNR (arXiv 2303.09556)."""

    def __init__(self, device: torch.device):
        betas = torch.linspace(SCHEDULER["beta_start"] ** 0.5, SCHEDULER["beta_end"] ** 0.5, 1000, dtype=torch.float64) ** 2
        self.alphas = torch.cumprod(1 - betas, 0).float().to(device)

    def __call__(self, latents: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        alpha = self.alphas[times].view(-1, 1, 1, 1)
        return alpha.sqrt() * latents + (1 - alpha).sqrt() * noise

    def noise_of(self, noisy: Tensor, latents: Tensor, times: Tensor) -> Tensor:
        """What of `noisy` is not `latents`, as noise."""
        alpha = self.alphas[times].view(-1, 1, 1, 1)
        return (noisy - alpha.sqrt() * latents) / (1 - alpha).sqrt()

    def loss(self, predicted: Tensor, noise: Tensor, times: Tensor, where: Tensor | None = None) -> Tensor:
        """Mean squared error; `where` [batch, 1, h, w] weighs places."""
        alpha = self.alphas[times]
        weight = (5 * (1 - alpha) / alpha).clamp(max=1.0).view(-1, 1, 1, 1)
        error = weight * F.mse_loss(predicted, noise, reduction="none")
        return error.mean() if where is None else (error * where).sum() / (where.sum() * error.shape[1])

    @torch.no_grad()
    def sample(self, predict, latents: Tensor, steps: int = 20, strength: float = 1.0) -> Tensor:
        """DDIM from `latents` (noise where strength is 1); `predict(latents, time)` gives the noise."""
        times = torch.linspace(999 * strength, 0, steps + 1).round().long()
        for now, after in zip(times[:-1], times[1:]):
            alpha, next_alpha = self.alphas[now], self.alphas[after]
            noise = predict(latents, now)
            clean = (latents - (1 - alpha).sqrt() * noise) / alpha.sqrt()
            latents = next_alpha.sqrt() * clean + (1 - next_alpha).sqrt() * noise
        return clean


def generator(*seed: int) -> torch.Generator:
    number = 0
    for part in seed:
        number = (number * 1_000_003 + part) % (1 << 62)
    return torch.Generator().manual_seed(number)


def decoded(vae, latents: Tensor) -> np.ndarray:
    """uint8 [count, 256, 256, 3]."""
    pixels = vae.decode(latents / vae.config.scaling_factor).sample
    return ((pixels / 2 + 0.5).clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()

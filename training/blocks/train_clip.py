"""Trains the CLIP and PQ-Map's contexts together: `python train_clip.py --cache DIR`.

A batch: pictures, whole or cropped, two thirds of them damaged in one place, a third of them through the autoencoder first, in part or
whole (what every generated picture has been through is no damage); a caption of each and a wrong one; phrases that are
true of some pictures and false of others, words of other worlds among them. Losses, all on unit features and one kappa:

* captions: contrastive both ways on the class token, the wrong captions beside the right ones;
* phrases, class token: kappa * cls . (T(p) - T("")) says whether the phrase is true (eq. 5);
* shapes, patches: which of the six nouns is on a cell that a solid fills;
* phrases, patches of the surgery path: the same says where. A solid with the noun but another attribute counts a little, so
  that the map of a phrase that is not true still points at what it is about;
* rivals, class token and patches: which value of one attribute, all else equal, is true of a solid ("small red cube" rather than
  "small blue cube"), as the app asks whether an attribute is right;
* quality, class token and patches: the softmax over each pair (eq. 2) says how much is damaged, and where;
* look: the class token's first head in the last blocks attends to what is damaged.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional as F

from captions import (ATTRIBUTES, GROUND_PHRASES, Phrase, absent_phrase, caption, elsewhere_phrase, ground_words, phrase_of, with_article,
                      wrong_phrase)
from clip_features import PQ_FACTORS, Contexts, Texts, encode_image, pixel_values
from dataset import Pictures
from defects import damage
from diffusion import Latents, decoded, draw_mask, load_autoencoder
from evaluate_clip import evaluate
from models import new_clip, save_clip
from run import Run, ahead, parser
from world import COLOURS, Dice, MATERIALS, SHAPES, SIZES, Scene, Solid

Told = TypeVar("Told", Phrase, Solid)

BATCH = 16
RATE = 2.5e-3
# Sides of crops at 224 px: from half the picture (which is how large things look at 448 px) to all of it.
CROPS = (128, 128, 128, 144, 144, 160, 192, 256)
# In the last part of the training, most of the batches are whole pictures at the sizes the app uses.
LARGE_FROM, LARGE = 0.65, 0.7
# What is large in a whole picture at 224 px is as small as something small at 448 px: sizes are told from this enlargement on, the app's.
SIZES_FROM = 1.5
# Of so many solids of a picture a right phrase and wrong ones are asked, of which one has what is hardest wrong; these count more than
# phrases about another picture, which are easy.
SOLIDS, WRONG, ASKED = 4, (ATTRIBUTES, ("size", "material")), 4.0
VALUES = {"shape": SHAPES, "colour": tuple(COLOURS), "size": tuple(SIZES), "material": MATERIALS}
# Attributes that rivals differ in, the harder ones more often.
RIVALLED = ("colour", "size", "size", "material", "material")
SEEN = 45  # pixels of a solid that make it count; fewer, but some, and nothing is asked about it
MAX_SCALE = np.log(100.0)
# Share of pictures that the autoencoder gives back, and of these, how many as a whole.
RECONSTRUCTED, AS_A_WHOLE = 0.33, 0.4


class Reconstructions:
    """Training pictures as the autoencoder gives them back, in parts with the soft edge of the app's masks."""

    def __init__(self, cache: str, log):
        self._vae, _ = load_autoencoder(cache)
        self._latents = Latents(cache, "train", self._vae, torch.device("cpu"), log, only_clean=True)

    def __len__(self) -> int:
        return len(self._latents)

    @torch.no_grad()
    def __call__(self, image: np.ndarray, owner: np.ndarray, at: tuple[int, int], dice: Dice) -> np.ndarray:
        """`image` (uint8) is picture `at` of the split: a scene's number, and which of its two; float32 in 0..1."""
        index, which = at
        clean = torch.from_numpy(self._latents[index]["clean"][which].astype(np.float32))
        given_back = decoded(self._vae, clean[None])[0]
        weight = np.ones(owner.shape) if dice.chance(AS_A_WHOLE) else ndimage.gaussian_filter(draw_mask(owner, dice).astype(np.float32), 3)
        return (image + weight[..., None] * (given_back.astype(np.float32) - image)).round().astype(np.float32) / 255.0


class Batch:
    """What a step needs, made by the loading threads."""

    def __init__(self, pictures: Pictures, reconstructions: Reconstructions, dice: Dice, share: float):
        self.size, side, count = 224, dice.pick(CROPS), BATCH
        if share > LARGE_FROM and dice.chance(LARGE):
            self.size, side, count = (448, 256, 4) if dice.chance(0.8) else (336, 256, 7)
        self.grid = self.size // 16
        self._has_sizes = self.size / side >= SIZES_FROM
        images, self.scenes, self.sure, covers, hurts, amounts = [], [], [], [], [], []
        self.captions, self.wrong = [], []
        for _ in range(count):
            scene, image, owner, hurt = self._picture(pictures, reconstructions, dice)
            top, left = dice.below(256 - side + 1), dice.below(256 - side + 1)
            window = np.s_[top : top + side, left : left + side]
            image, owner = image[window], owner[window]
            mask = hurt.mask[window] if hurt else np.zeros((side, side), np.float32)
            pixels = [(owner == i).sum() for i in range(len(scene.solids))]
            self.sure.append([n >= SEEN or n == 0 for n in pixels])
            kept = replace(scene, solids=tuple(self._told(s) for s, n in zip(scene.solids, pixels) if n >= SEEN))
            images.append(image)
            self.scenes.append((scene, [n >= SEEN for n in pixels], kept))
            covers.append([pooled(owner == i, self.grid) for i in range(len(scene.solids))])
            hurts.append(pooled(mask > 0.4, self.grid))
            amounts.append(self._amounts(hurt, mask))
            self.captions.append(caption(kept, dice) if kept.solids else with_ground(kept, dice))
            self.wrong.append(self._wrong_caption(kept, dice))
        self.images = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
        self.phrases = self._phrases(dice)
        self._truth(covers)
        self.rivals = self._rivals(covers, dice)
        self.hurt_cells = torch.from_numpy(np.stack(hurts))  # [batch, cells] share of the cell that is damaged
        self.amounts = torch.tensor(np.stack(amounts), dtype=torch.float32)  # [batch, 2, 4] of class token, of cells

    @staticmethod
    def _picture(pictures: Pictures, reconstructions: Reconstructions, dice: Dice):
        index = dice.below(len(pictures))
        scene, images, owners, removed = pictures[index]
        which, hurt = int(dice.chance(0.25)), None
        image, owner, behind = images[which], owners[which], None if which else images[1]
        scene = scene.without(removed) if which else scene
        # Shards that were finished after the start are not encoded.
        if dice.chance(RECONSTRUCTED) and index < len(reconstructions):
            image = reconstructions(image, owner, (index, which), dice)
        else:
            image = image.astype(np.float32) / 255.0
        if dice.chance(0.66):
            without = None if behind is None else (behind.astype(np.float32) / 255.0, removed)
            factor = dice.pick(("technical", "rationality", "rationality", "naturalness"))
            hurt = damage(image, owner, dice, without=without, factor=factor)
            image = hurt.image if hurt else image
        return scene, image, owner, hurt

    @staticmethod
    def _amounts(hurt, mask: np.ndarray) -> np.ndarray:
        """How bad each factor is: for the whole by strength and size, for damaged cells by strength."""
        amounts = np.zeros((2, 4), np.float32)
        area = float((mask > 0.4).mean())
        if hurt and area > 0.0015:
            of_whole = hurt.strength * (0.7 + 0.3 * min(area / 0.06, 1.0))
            for factor in ("overall", hurt.factor):
                amounts[:, PQ_FACTORS.index(factor)] = of_whole, 0.6 + 0.4 * hurt.strength
        return amounts

    def _told(self, what: Told) -> Told:
        """What can be said of a solid in these pictures."""
        return what if self._has_sizes else replace(what, size=None)

    def _wrong_caption(self, scene: Scene, dice: Dice) -> str:
        """A caption of the scene with one attribute of one solid changed."""
        if not scene.solids:
            return with_ground(replace(scene, ground=dice.pick([g for g in GROUND_PHRASES if g != scene.ground])), dice)
        at = dice.below(len(scene.solids))
        names = ("shape", "colour", "colour", "material", "material")
        name = dice.pick((*names, "size", "size") if self._has_sizes else names)
        value = dice.pick([v for v in VALUES[name] if v != getattr(scene.solids[at], name)])
        for _ in range(4):
            text = caption(scene.with_solid(at, **{name: value}), dice, complete=True)
            if value in text:
                return text
        return text

    def _phrases(self, dice: Dice) -> list[Phrase]:
        """The six nouns, what is asked of each picture, and words of other worlds. `asked` [batch, phrases]: whether it
        is of that picture."""
        phrases, of = [Phrase(shape=shape) for shape in SHAPES], [-1] * len(SHAPES)
        for i, (scene, _, kept) in enumerate(self.scenes):
            here = []
            for solid in dice.shuffled(kept.solids)[:SOLIDS]:
                here.append(phrase_of(solid, dice))
                wrong = (wrong_phrase(kept, phrase_of(solid, dice, 0.7), dice, among) for among in WRONG)
                here += [phrase for phrase in wrong if phrase]
            if dice.chance(0.5):
                here.append(self._told(absent_phrase(kept, dice)))
            if dice.chance(0.15):
                here.append(Phrase(words=ground_words(kept.ground, dice).split(" ", 1)[-1], ground=kept.ground))
            phrases += [replace(p, number=2 + dice.below(2)) if p.words is None and dice.chance(0.15) else p for p in here]
            of += [i] * len(here)
        elsewhere = [elsewhere_phrase(dice) for _ in range(10)]
        of = torch.tensor(of + [-1] * len(elsewhere))
        self.asked = of[None] == torch.arange(len(self.scenes))[:, None]
        return phrases + elsewhere

    def _rivals(self, covers: list[list[np.ndarray]], dice: Dice) -> list["Rivals"]:
        """One question about each of some solids."""
        asked = []
        for i, (scene, _, kept) in enumerate(self.scenes):
            for solid in dice.shuffled(kept.solids)[:SOLIDS]:
                at = next(k for k, other in enumerate(scene.solids) if self._told(other) == solid)
                cells = np.flatnonzero(covers[i][at] > 0.4)
                if len(cells) == 0:
                    continue
                others = [other for k, other in enumerate(scene.solids) if k != at]
                asked.append(Rivals(i, cells, *rivals_about(solid, others, dice)))
        return asked

    def _truth(self, covers: list[list[np.ndarray]]) -> None:
        """present, known [batch, phrases]; where, weight [batch, phrases, cells]; shapes [batch, cells], -100 where none fills a cell."""
        count, cells = len(self.scenes), self.grid**2
        self.present = torch.zeros(count, len(self.phrases))
        self.known = torch.ones(count, len(self.phrases))
        where = np.full((count, len(self.phrases), cells), 0.005, np.float32)
        weight = np.ones((count, cells), np.float32)
        shapes = np.full((count, cells), -100, np.int64)
        for i, (scene, seen, _) in enumerate(self.scenes):
            for solid, cover in zip(scene.solids, covers[i]):
                shapes[i, cover > 0.4] = SHAPES.index(solid.shape)
            cover = np.stack(covers[i]) if covers[i] else np.zeros((1, cells), np.float32)
            solid_cells, cover = cover.sum(0), np.clip(cover * 1.6, 0, 1)
            weight[i] += 5.0 * np.clip(solid_cells * 1.5, 0, 1)
            for j, phrase in enumerate(self.phrases):
                if phrase.ground is not None:
                    on = phrase.ground == scene.ground
                    self.present[i, j] = on
                    where[i, j] = np.clip(1.0 - solid_cells, 0.01, 0.99) if on else 0.01
                    continue
                if phrase.words is not None or not scene.solids:
                    continue
                matches = [phrase.matches(solid) for solid in scene.solids]
                alike = [0.12 if phrase.shape in (None, solid.shape) else 0.02 for solid in scene.solids]
                values = np.where(matches, 0.98, alike).astype(np.float32)
                where[i, j] = np.maximum(where[i, j], (values[:, None] * cover).max(0))
                matching = sum(m and v for m, v in zip(matches, seen))
                if matching:
                    self.present[i, j] = 1.0
                    # "two red spheres" of a picture with one: where is right, whether is not asked.
                    self.known[i, j] = float(phrase.number in (1, matching))
                else:
                    self.known[i, j] = float(not any(m and not s for m, s in zip(matches, self.sure[i])))
        self.where, self.weight, self.shapes = torch.from_numpy(where), torch.from_numpy(weight), torch.from_numpy(shapes)


@dataclass
class Rivals:
    """Phrases about one solid that differ in one attribute's value."""

    picture: int  # of the batch
    cells: np.ndarray  # that the solid fills
    phrases: list[Phrase]
    right: int  # which of them is true of it
    of_another: list[bool]  # which of them are true of another solid: the class token is not asked about these


def rivals_about(solid: Solid, others: list[Solid], dice: Dice) -> tuple[list[Phrase], int, list[bool]]:
    """Phrases, which of them is right, and which of the others are true of another solid."""
    name = dice.pick([name for name in RIVALLED if getattr(solid, name) is not None])
    phrase = replace(phrase_of(solid, dice), shape=solid.shape)
    phrases = [replace(phrase, **{name: value}) for value in VALUES[name]]
    right = VALUES[name].index(getattr(solid, name))
    return phrases, right, [k != right and any(p.matches(other) for other in others) for k, p in enumerate(phrases)]


def pooled(mask: np.ndarray, grid: int) -> np.ndarray:
    """Share of every cell of a grid that a mask covers, [grid²]."""
    rows = (np.arange(grid * 6) + 0.5) * mask.shape[0] / (grid * 6)
    sampled = mask[rows.astype(np.int64)][:, rows.astype(np.int64)]
    return sampled.reshape(grid, 6, grid, 6).mean((1, 3), dtype=np.float32).ravel()


def with_ground(scene: Scene, dice: Dice) -> str:
    return dice.pick(("", "a photo of ", "nothing on ")) + ground_words(scene.ground, dice)


def losses(model, contexts: Contexts, texts: Texts, batch: Batch, device: torch.device) -> dict[str, Tensor]:
    kappa = model.logit_scale.clamp(max=MAX_SCALE).exp()
    cls, patches, looks = encode_image(model, pixel_values(batch.images.to(device), batch.size))
    count = len(batch.captions)
    asked = [*batch.captions, *batch.wrong, *(p.text() for p in batch.phrases)]
    rivals = [p.text() for question in batch.rivals for p in question.phrases]
    features = texts([*asked, *rivals, ""])
    said, phrases, rivals, empty = features[: 2 * count], features[2 * count : len(asked)], features[len(asked) : -1], features[-1]

    logits = kappa * cls @ said.T
    # A caption that another picture of the batch happens to share is no negative.
    same = torch.tensor([[a == b for b in [*batch.captions, *batch.wrong]] for a in batch.captions], device=device)
    same[:, :count].fill_diagonal_(False)
    logits = logits.masked_fill(same, -1e4)
    target = torch.arange(count, device=device)
    captions = 0.5 * (F.cross_entropy(logits, target) + F.cross_entropy(logits[:, :count].T, target))

    direction = phrases - empty
    whether = kappa * cls @ direction.T
    present, known = batch.present.to(device), batch.known.to(device)
    # True phrases are the rarer ones.
    share = (present * known).sum() / known.sum().clamp(min=1)
    balance = known * torch.where(present > 0.5, 0.5 / share.clamp(min=0.05), 0.5 / (1 - share))
    balance = balance * torch.where(batch.asked.to(device), ASKED, 1.0)
    phrase = (F.binary_cross_entropy_with_logits(whether, present, reduction="none") * balance).sum() / balance.sum()

    found = kappa * torch.einsum("bnd,pd->bpn", patches, direction)
    where, weight = batch.where.to(device), batch.weight.to(device)[:, None]
    # Cells of naturalness damage may have any colour.
    weight = weight * (1 - (batch.hurt_cells * (batch.amounts[:, 1, 3:] > 0)).to(device)[:, None])
    weight = weight * torch.where(where > 0.5, 4.0, 1.0)
    place = (F.binary_cross_entropy_with_logits(found, where, reduction="none") * weight).sum() / weight.sum()

    # The six bare nouns come first.
    shape = F.cross_entropy(found[:, : len(SHAPES)], batch.shapes.to(device))

    pairs = contexts(model, texts)
    direction = pairs[:, 0] - pairs[:, 1]
    whole = kappa * cls @ direction.T
    cells = kappa * torch.einsum("bnd,kd->bkn", patches, direction)
    amounts = batch.amounts.to(device)
    whole_target = 0.975 - 0.93 * amounts[:, 0]
    hurt = batch.hurt_cells.to(device)[:, None]
    cell_target = 0.98 - 0.96 * amounts[:, 1, :, None] * hurt
    quality = F.binary_cross_entropy_with_logits(whole, whole_target)
    weight = 1 + 6 * hurt
    damaged = (F.binary_cross_entropy_with_logits(cells, cell_target, reduction="none") * weight).sum() / (weight.sum() * 4)
    # Share of its attention that the class token's first head has for what is damaged.
    seen = batch.hurt_cells.to(device) > 0.3
    on_damage = looks.masked_fill(~seen[:, None], -torch.inf).logsumexp(-1)[seen.any(1)]
    look = -on_damage.mean() if len(on_damage) else looks.sum() * 0
    parts = {"captions": captions, "phrase": phrase, "place": place, "shape": shape}
    parts["rivals"] = rival_loss(batch.rivals, rivals, cls, patches, kappa)
    return parts | {"quality": quality, "damaged": damaged, "look": look}


def rival_loss(questions: list[Rivals], texts: Tensor, cls: Tensor, patches: Tensor, kappa: Tensor) -> Tensor:
    """Cross entropy of the right one among rivals, of the class token and of the patches on the solid. `texts` [all rivals, dim]."""
    total, at = cls.sum() * 0, 0
    for question in questions:
        rows = texts[at : at + len(question.phrases)]
        at += len(rows)
        right = torch.tensor(question.right, device=texts.device)
        hidden = torch.tensor(question.of_another, device=texts.device)
        whole = kappa * rows @ cls[question.picture]
        local = kappa * rows @ patches[question.picture, torch.from_numpy(question.cells).to(texts.device)].mean(0)
        total = total + F.cross_entropy(whole.masked_fill(hidden, -1e4), right) + F.cross_entropy(local, right)
    return total / max(1, 2 * len(questions))


WEIGHTS = {"captions": 0.35, "phrase": 1.0, "place": 4.0, "shape": 0.0, "rivals": 1.0, "quality": 2.0, "damaged": 3.0, "look": 0.0}
# From these steps on. Damage is a small share of a picture: once patches tell it, the class token is pressed to
# gather what they know, and one of its heads is shown where. Colours are learned by themselves, shapes hardly.
LATER = ((552, {"quality": 7.0}), (943, {"shape": 2.0, "phrase": 2.0}), (2_250, {"look": 0.7}))
# The text tower of this step becomes the diffusion models' text encoder; it does not change under them when the CLIP goes on. Late,
# because colours reach every position of a text early, shapes only with the shape loss: before, a UNet paints the right
# colours without shape.
TEXT_ENCODER_AT = 4_250


def weights_at(step: int) -> dict[str, float]:
    weights = dict(WEIGHTS)
    for since, changed in LATER:
        weights.update(changed if step >= since else {})
    return weights


def main() -> None:
    options = parser(__doc__, steps=11_665).parse_args()
    torch.manual_seed(options.seed)
    model = new_clip()
    contexts = Contexts(model.config.text_config.hidden_size)
    texts = Texts(model)
    run = Run("clip", {"clip": model, "contexts": contexts}, options, rate=RATE)
    if not options.evaluate and run.step < options.steps:
        train(run, model, contexts, texts, options)
    run.use_average()
    folder = Path(options.cache) / "models" / "clip"
    save_clip(model, folder)
    contexts.save(model, texts, folder)
    for size in (224, 448):
        measured = evaluate(model, contexts, texts, Pictures(options.cache, "validation"), run.device, size)
        run.log(f"at {size} px: {json.dumps(measured)}")


def train(run: Run, model: nn.Module, contexts: Contexts, texts: Texts, options) -> None:
    pictures, reconstructions = Pictures(options.cache), Reconstructions(options.cache, run.log)
    batches = ahead(
        lambda step: Batch(pictures, reconstructions, Dice(options.seed, 12, step), step / options.steps),
        run.step,
        options.steps,
        workers=1,
    )
    model.train()
    for step in run.steps():
        if step % 200 == 0:
            pictures.refresh()
        if step == TEXT_ENCODER_AT:
            run.save_average("text_encoder")
        parts = losses(model, contexts, texts, next(batches), run.device)
        weights = weights_at(step)
        loss = sum(weights[name] * part for name, part in parts.items())
        run.descend(loss, **{n: p.detach() for n, p in parts.items()}, kappa=model.logit_scale.detach().exp())


if __name__ == "__main__":
    main()

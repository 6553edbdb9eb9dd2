"""Pictures with known faults, for evaluation, calibration and the app's samples: `python cases.py FOLDER [--first SEED] [--count 300]`.

A case is a picture, what is wrong with it, the prompt it is held against, and the picture as it should be. Kinds, in turn by seed:
technical, rationality, naturalness (damage in one place, the prompt true), absent (a solid asked for is not there, nor another of its
shape), attribute (a solid is asked for in another colour, size or material), clean (nothing is wrong). A seed always gives the same case.

Writes FOLDER/<seed>.bin, for `bench/evaluate/cases.ts`: 256×256×3 bytes of the picture, as many of the right picture, 256×256 bytes
of the mask (255: damaged; absent and attribute: the solid that is meant), and FOLDER/<seed>.json, written last. What is there already
is left.
"""

import argparse
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from captions import Phrase, caption, ground_words, joined, phrase_of, relation, with_article
from dataset import FIRST_SEED, clear_scene
from defects import FACTORS, damage
from render import MATERIALS
from shapes import SHAPES
from world import COLOURS, Dice, Scene, SIZES, Solid, render, visible

KINDS = (*FACTORS, "absent", "attribute", "clean")
# Pixels of a solid that has to be found.
LEAST_SEEN = 350
# Attempts with other numbers of the same seed until a scene allows the kind.
ATTEMPTS = 40


@dataclass
class Case:
    seed: int
    kind: str
    fault: str  # the kind of damage, or "absent", "wrong colour"…, or "none"
    strength: float  # of damage, else 0
    prompt: str
    solids: list[dict]  # what is seen in the picture
    asked: dict | None  # absent, attribute: the solid that the prompt asks for
    picture: np.ndarray
    right: np.ndarray
    mask: np.ndarray

    def facts(self) -> dict:
        return {k: v for k, v in self.__dict__.items() if not isinstance(v, np.ndarray)}


def make_case(seed: int, kind: str, fault: str | None = None, strength: float | None = None) -> Case:
    """The case of a seed; another scene of the same seed where the first does not allow the kind."""
    for attempt in range(ATTEMPTS):
        scene, picture, owner = clear_scene(seed + attempt * 1_000_000_000)
        dice = Dice(51, seed, attempt)
        case = _attempt(seed, kind, fault, strength, scene, picture, owner, dice)
        if case:
            return case
    raise ValueError(f"no scene of seed {seed} allows {kind}")


def _attempt(seed, kind, fault, strength, scene: Scene, picture, owner, dice: Dice) -> Case | None:
    seen = [i for i in range(len(scene.solids)) if visible(owner, i) >= LEAST_SEEN]
    if kind in FACTORS:
        if not seen:
            return None
        target = dice.pick(seen)
        behind = render(scene.without(target))[0].astype(np.float32) / 255.0
        image = picture.astype(np.float32) / 255.0
        hurt = damage(image, owner, dice, without=(behind, target), factor=kind, kind=fault, strength=strength)
        if hurt is None:
            return None
        prompt = caption(scene, dice, complete=True)
        mask = (hurt.mask * 255).round().astype(np.uint8)
        return Case(seed, kind, hurt.kind, hurt.strength, prompt, _facts(scene), None, _bytes(hurt.image), picture, mask)
    if kind == "clean":
        prompt = caption(scene, dice, complete=True)
        return Case(seed, kind, "none", 0.0, prompt, _facts(scene), None, picture, picture, np.zeros_like(owner))

    pairs = [(s.shape, s.colour) for s in scene.solids]
    alone = [i for i in seen if sum(s.shape == scene.solids[i].shape for s in scene.solids) == 1]
    if len(scene.solids) < 2 or len(set(pairs)) < len(pairs) or not alone:
        return None
    target = dice.pick(alone)
    solid = scene.solids[target]
    mask = np.where(owner == target, 255, 0).astype(np.uint8)
    if kind == "absent":
        without, _ = render(scene.without(target))
        prompt = _prompt(scene, target, _full(solid, dice), dice)
        return Case(seed, kind, "absent", 0.0, prompt, _facts(scene.without(target)), asdict(solid), without, picture, mask)
    attribute = fault.removeprefix("wrong ") if fault else dice.pick(("colour", "colour", "size", "material"))
    values = {"colour": tuple(COLOURS), "size": tuple(SIZES), "material": MATERIALS, "shape": SHAPES}[attribute]
    others = [v for v in values if v != getattr(solid, attribute) and (attribute != "shape" or all(s.shape != v for s in scene.solids))]
    if not others:
        return None
    asked = scene.with_solid(target, **{attribute: dice.pick(others)})
    right, right_owner = render(asked)
    if visible(right_owner, target) < LEAST_SEEN:
        return None
    phrase = _full(asked.solids[target], dice, keep=attribute)
    prompt = _prompt(asked, target, phrase, dice)
    facts = asdict(asked.solids[target])
    return Case(seed, kind, f"wrong {attribute}", 0.0, prompt, _facts(scene), facts, picture, right, mask)


def _full(solid: Solid, dice: Dice, keep: str | None = None) -> Phrase:
    """Shape and colour, what must be kept, and now and then the rest."""
    return Phrase(
        shape=solid.shape,
        colour=solid.colour,
        size=solid.size if keep == "size" or dice.chance(0.3) else None,
        material=solid.material if keep == "material" or dice.chance(0.3) else None,
    )


def _prompt(scene: Scene, target: int, phrase: Phrase, dice: Dice) -> str:
    """All solids by name, the target behind the one it is beside, so that its place can be guessed."""
    solid = scene.solids[target]
    others = dice.shuffled([s for i, s in enumerate(scene.solids) if i != target])
    words = [with_article(phrase_of_one(s, dice).text()) for s in others]
    for i, other in enumerate(others):
        how = relation(other, solid, dice)
        if how:
            words[i] = f"{words[i]} {how} {with_article(phrase.text())}"
            break
    else:
        words.insert(1, with_article(phrase.text()))
    text = joined(words, dice)
    return f"{text} on {ground_words(scene.ground, dice)}" if dice.chance(0.5) else text


def phrase_of_one(solid: Solid, dice: Dice) -> Phrase:
    """A description that names its shape."""
    return Phrase(**{**phrase_of(solid, dice).__dict__, "shape": solid.shape})


def _facts(scene: Scene) -> list[dict]:
    return [{k: getattr(s, k) for k in ("shape", "colour", "size", "material")} for s in scene.solids]


def _bytes(image: np.ndarray) -> np.ndarray:
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


def write_case(folder: Path, seed: int, kind: str) -> None:
    path = folder / f"{seed}.json"
    if path.exists():
        return
    case = make_case(seed, kind)
    (folder / f"{seed}.bin").write_bytes(case.picture.tobytes() + case.right.tobytes() + case.mask.tobytes())
    temporary = path.with_suffix(".partial")
    temporary.write_text(json.dumps(case.facts()), encoding="utf-8")
    os.replace(temporary, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, default=FIRST_SEED["test"])
    parser.add_argument("--count", type=int, default=300)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for i in range(options.count):
        write_case(options.folder, options.first + i, KINDS[i % len(KINDS)])
        if (i + 1) % 50 == 0:
            print(f"{i + 1} of {options.count} cases", flush=True)


if __name__ == "__main__":
    main()

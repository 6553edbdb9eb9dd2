"""The rendered data set, kept in shards: `python dataset.py --cache DIR [--split train] [--shards 24] [--workers 2]`.

A shard has 500 scenes, and of each two pictures: the scene, and the scene without one of its solids (what half-missing or melted
solids uncover; an absent solid with known truth). It is three files, written under another name and renamed, so that a killed
run loses one shard at most and the next run goes on:

    DIR/data/<split>-<number>.{images.npy,owners.npy,json}    uint8 [500, 2, 256, 256, 3], uint8 [500, 2, 256, 256], scenes

Seeds: train from 0, validation from 10,000,000; everything from 20,000,000 on is held out for the app's own evaluation.
"""

import argparse
import json
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from world import Dice, Scene, draw_scene, render, scene_from_json, visible

SHARD = 500
FIRST_SEED = {"train": 0, "validation": 10_000_000, "test": 20_000_000}
DEFAULT_SHARDS = {"train": 9, "validation": 1, "test": 1}
# Pixels of a solid that have to be seen for it to count as there.
LEAST_VISIBLE = 60


def clear_scene(seed: int) -> tuple[Scene, np.ndarray, np.ndarray]:
    """The first scene from a seed on (in steps that no other seed takes) all of whose solids are well in sight, rendered."""
    for attempt in range(20):
        scene = draw_scene(seed + attempt * 100_000_000)
        picture, owner = render(scene)
        if all(visible(owner, i) >= LEAST_VISIBLE for i in range(len(scene.solids))):
            break
    return scene, picture, owner


def removed_solid(scene: Scene) -> int:
    """Which solid the second picture lacks."""
    return Dice(2, scene.seed).below(len(scene.solids))


def make_shard(folder: Path, split: str, number: int, parent: int) -> None:
    stem = folder / f"{split}-{number:04d}"
    if stem.with_suffix(".json").exists():
        return
    images = np.empty((SHARD, 2, 256, 256, 3), np.uint8)
    owners = np.empty((SHARD, 2, 256, 256), np.uint8)
    scenes = []
    for i in range(SHARD):
        if os.getppid() != parent:
            os._exit(1)  # whoever wanted the shard was killed
        scene, images[i, 0], owners[i, 0] = clear_scene(FIRST_SEED[split] + number * SHARD + i)
        removed = removed_solid(scene)
        images[i, 1], owners[i, 1] = render(scene.without(removed))
        scenes.append({"scene": scene.to_json(), "removed": removed})
    for suffix, array in ((".images.npy", images), (".owners.npy", owners)):
        temporary = stem.with_suffix(".partial.npy")
        np.save(temporary, array)
        os.replace(temporary, stem.with_suffix(suffix))
    # The list comes last: a shard without it is made again.
    temporary = stem.with_suffix(".partial.json")
    temporary.write_text(json.dumps(scenes), encoding="utf-8")
    os.replace(temporary, stem.with_suffix(".json"))


class Pictures:
    """The finished shards of a split, mapped into memory: `len`, and `pictures[i]` → (scene, images, owners, removed)."""

    def __init__(self, cache: str | Path, split: str = "train", most: int | None = None):
        self._folder, self._split, self._most = Path(cache) / "data", split, most
        self._shards: list[tuple[np.ndarray, np.ndarray, list]] = []
        self._known: set[str] = set()
        self.refresh()
        if not self._shards:
            raise SystemExit(f"No finished shard of {split} in {self._folder}: run dataset.py --cache {cache} --split {split}")

    def refresh(self) -> None:
        """Takes in shards that were finished meanwhile."""
        for path in sorted(self._folder.glob(f"{self._split}-????.json")):
            if path.name in self._known or (self._most and len(self._shards) >= self._most):
                continue
            self._known.add(path.name)
            images = np.load(path.with_suffix(".images.npy"), mmap_mode="r")
            owners = np.load(path.with_suffix(".owners.npy"), mmap_mode="r")
            scenes = [(scene_from_json(row["scene"]), row["removed"]) for row in json.loads(path.read_text("utf-8"))]
            self._shards.append((images, owners, scenes))

    def __len__(self) -> int:
        return SHARD * len(self._shards)

    def __getitem__(self, index: int) -> tuple[Scene, np.ndarray, np.ndarray, int]:
        images, owners, scenes = self._shards[index // SHARD]
        scene, removed = scenes[index % SHARD]
        return scene, images[index % SHARD], owners[index % SHARD], removed

    def variant(self, index: int, which: int) -> tuple[Scene, np.ndarray, np.ndarray]:
        """One picture with its scene: 0 as drawn, 1 without the removed solid."""
        scene, images, owners, removed = self[index]
        return (scene.without(removed) if which else scene), images[which], owners[which]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", required=True)
    parser.add_argument("--split", choices=FIRST_SEED, default="train")
    parser.add_argument("--shards", type=int)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    folder = Path(options.cache) / "data"
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(options.workers) as pool:
        shards = range(options.shards or DEFAULT_SHARDS[options.split])
        jobs = [pool.submit(make_shard, folder, options.split, number, os.getpid()) for number in shards]
        for number, job in enumerate(jobs):
            job.result()
            print(f"{options.split} {number + 1}/{len(jobs)}", flush=True)


if __name__ == "__main__":
    main()

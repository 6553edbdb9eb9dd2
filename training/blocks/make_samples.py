"""Makes the pictures that the app offers to try: `python make_samples.py`.

Twelve scenes of held-out seeds, each with one fault and the prompt in the file as A1111 writes it. Writes `public/samples/*.webp`
(lossless) and `src/bundles/samples.json`, which lists them.
"""

import json
from pathlib import Path

from PIL import Image

from cases import Case, make_case

ROOT = Path(__file__).parents[2]
# Beyond those of the evaluation.
FIRST_SEED = 20_500_000
# What is wrong, how strongly, and which seed after the first: of the first few, one that the refiner mends, where there is one.
WANTED = [
    ("absent", None, None, 104),
    ("naturalness", "colour cast", 0.8, 402),
    ("attribute", "wrong colour", None, 301),
    ("naturalness", "over-saturation", 0.7, 1000),
    ("technical", "noise", 0.7, 600),
    ("technical", "blur", 0.8, 205),
    ("attribute", "wrong shape", None, 701),
    ("technical", "jpeg", 0.9, 904),
    ("rationality", "half-missing", 0.7, 500),
    ("rationality", "melted", 0.8, 0),
    ("rationality", "duplicated", 0.8, 800),
    ("rationality", "sheared", 0.7, 1100),
]
TITLES = {
    "melted": "Something melted",
    "blur": "A blurred place",
    "colour cast": "A wrong light",
    "half-missing": "Half of it is gone",
    "noise": "A noisy place",
    "duplicated": "One too many",
    "jpeg": "Coarse blocks",
    "over-saturation": "Too much colour",
    "sheared": "Slid apart",
}
USER_COMMENT, EXIF_POINTER = 0x9286, 0x8769


def title(case: Case) -> str:
    if case.asked is None:
        return TITLES[case.fault]
    asked = f"{case.asked['colour']} {case.asked['shape']}"
    return f"No {asked}" if case.kind == "absent" else f"Not a {asked}"


def main() -> None:
    folder = ROOT / "public" / "samples"
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.webp"):
        path.unlink()
    listed = []
    for kind, fault, strength, after in WANTED:
        seed = FIRST_SEED + after
        case = make_case(seed, kind, fault, strength)
        name = (fault or kind).replace(" ", "-")
        exif = Image.Exif()
        text = f"{case.prompt}\nSteps: 1, Sampler: Blocks, Seed: {seed}, Size: 256x256, Model: Blocks renderer"
        exif.get_ifd(EXIF_POINTER)[USER_COMMENT] = b"UNICODE\0" + text.encode("utf-16-be")
        path = folder / f"{name}.webp"
        Image.fromarray(case.picture).save(path, lossless=True, quality=100, method=6, exif=exif)
        listed.append({"id": name, "file": path.name, "title": title(case), "kind": case.fault, "prompt": case.prompt, "seed": seed})
        print(f"{path.stat().st_size:>7} {path.name}: {title(case)} — {case.prompt}")
    path = ROOT / "src" / "bundles" / "samples.json"
    path.write_text(json.dumps(listed, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

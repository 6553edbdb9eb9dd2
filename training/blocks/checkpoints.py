"""Makes checkpoints of exported models, so that training goes on where they are: `python checkpoints.py --cache DIR clip=10865 unet=6713`.

`autoencoder` and `text_encoder`, which the others need, are always made; one of the others where its number of steps so far is given. A
checkpoint that is there is kept: it knows more (the optimizers' states).
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from clip_features import PQ_FACTORS, PQ_FILES
from models import new_clip

Weights = dict[str, Tensor]
PUBLISHED = Path(__file__).parents[2] / "public" / "blocks"
DENOISERS = {
    "unet": {"unet": "inpainting/unet"},
    "pasd": {"unet": "restoration/unet", "controlnet": "restoration/controlnet"},
}


def exported(folder: Path) -> Weights:
    path = next(folder.glob("*model.safetensors"))
    return {name: tensor.float() for name, tensor in load_file(path).items()}


def text_tower(models: Path) -> Weights:
    """A CLIP with the text tower that the denoisers were trained with, which may be older than the CLIP's own."""
    state = new_clip().state_dict()
    own = exported(models / "inpainting" / "text_encoder")
    for name in [n for n in state if n.startswith("text_model.")]:
        state[name] = own[name] if name in own else own[name.removeprefix("text_model.")]
    return state


def clip(models: Path) -> dict[str, Weights]:
    """The CLIP, and the contexts of its PQ prompts."""
    pairs = [torch.load(models / "clip" / f"PQ-{PQ_FILES[factor]}.pth", weights_only=True)["params"] for factor in PQ_FACTORS]
    contexts = torch.stack([pair["prompt_learner.ctx"] for pair in pairs])
    return {"clip": exported(models / "clip"), "contexts": {"ctx": contexts}}


def denoiser(models: Path, name: str) -> dict[str, Weights]:
    return {part: exported(models / at) for part, at in DENOISERS[name].items()}


def write(path: Path, parts: dict[str, Weights], step: int | None = None) -> None:
    if path.exists():
        print(f"{path.name} is there")
        return
    state = {"averaged": parts} if step is None else {"averaged": parts, "modules": parts, "step": step}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, path)
    print(f"{path.name} made")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", required=True)
    parser.add_argument("--models", type=Path, default=PUBLISHED)
    names = ["clip", *DENOISERS]
    parser.add_argument("wanted", nargs="*", metavar="MODEL=STEPS", help=f"of {', '.join(names)}")
    options = parser.parse_args()
    folder = Path(options.cache) / "checkpoints"
    write(folder / "autoencoder.pt", {"vae": exported(options.models / "inpainting" / "vae")})
    write(folder / "text_encoder.pt", {"clip": text_tower(options.models)})
    for name, _, steps in (wanted.partition("=") for wanted in options.wanted):
        if name not in names or not steps.isdigit():
            parser.error(f"{name}={steps} is no MODEL=STEPS; models: {', '.join(names)}")
        parts = clip(options.models) if name == "clip" else denoiser(options.models, name)
        write(folder / f"{name}.pt", parts, int(steps))


if __name__ == "__main__":
    main()

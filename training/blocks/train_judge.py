"""Trains the judge, who says what solids a picture shows and where: `python train_judge.py --cache DIR`.

The evaluation of the app asks it whether an asked-for solid is there after a repair. It is trained apart from all other models, on
renders alone: a small convolutional network that sees windows of 67×67 pixels and tells of each the shape at its middle, or none,
and its colour, size and material. Three of four windows are taken on solids. Without padding, so that the same network reads a
whole picture, every 8 pixels. Some pictures are slightly blurred or noisy, as decoded latents are. Printed at the end, on
validation seeds: windows judged rightly, and how often `found` (below, and `bench/evaluate/judge.ts`) is right about a shape of a
colour that is there or is not. Writes `judge.onnx` beside this script, half precision, with the features of its layers.
"""

import json
from pathlib import Path

import numpy as np
import onnx
import torch
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional as F

from dataset import Pictures
from render import MATERIALS
from run import Run, ahead, parser
from shapes import SHAPES
from world import COLOURS, Dice, SIZES, Scene

CELL = 8
WINDOW = 67
# Middle of the first window in a picture, and how many there are across and down.
FIRST, GRID = 33, 25
PICTURES, WINDOWS = 16, 16
# Channels of the output, in this order; the first shape is "none".
HEADS = {"shape": 1 + len(SHAPES), "colour": len(COLOURS), "size": len(SIZES), "material": len(MATERIALS)}
# A solid counts as seen from this many cells on, each more likely than not.
LEAST_CELLS = 3


def layer(channels: int, filters: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, filters, 3, stride=stride, bias=False), nn.BatchNorm2d(filters), nn.GELU()]


class Judge(nn.Module):
    """[batch, 3, 256, 256] in 0..1 → probabilities [batch, 20, 25, 25], softmax within each head."""

    def __init__(self):
        super().__init__()
        # How high in the picture: the same size on screen is a small solid in front or a large one behind.
        self.register_buffer("height", torch.linspace(-1, 1, 256).view(1, 1, 256, 1))
        self.layers = nn.Sequential(
            *layer(4, 24, 2), *layer(24, 40, 2), *layer(40, 64, 2),
            *layer(64, 64, 1), *layer(64, 64, 1), *layer(64, 96, 1),
            nn.Conv2d(96, sum(HEADS.values()), 1),
        )

    def logits(self, pictures: Tensor, heights: Tensor) -> Tensor:
        return self.layers(torch.cat([pictures * 2 - 1, heights], dim=1))

    def forward(self, pictures: Tensor) -> Tensor:
        logits = self.logits(pictures, self.height.expand(pictures.shape[0], 1, 256, 256))
        return torch.cat([part.softmax(1) for part in logits.split(list(HEADS.values()), dim=1)], dim=1)


def truth(scene: Scene, owner: np.ndarray) -> np.ndarray:
    """int64 [4, *owner.shape]: index in each head; -1 where there is no solid, but for the shape."""
    rows = np.full((256, 4), -1, np.int64)
    rows[:, 0] = 0
    for i, solid in enumerate(scene.solids):
        rows[i] = (
            1 + SHAPES.index(solid.shape),
            list(COLOURS).index(solid.colour),
            list(SIZES).index(solid.size),
            MATERIALS.index(solid.material),
        )
    return np.moveaxis(rows[owner], -1, 0)


def windows(pictures: Pictures, dice: Dice) -> tuple[np.ndarray, np.ndarray]:
    """Windows of one picture, float32 [WINDOWS, 4, 67, 67] with the height, and what is at their middles, int64 [WINDOWS, 4]."""
    scene, picture, owner = pictures.variant(dice.below(len(pictures)), 1 if dice.chance(0.35) else 0)
    image = picture.astype(np.float32) / 255.0
    if dice.chance(0.3):
        image = ndimage.gaussian_filter(image, (dice.between(0.3, 1.4),) * 2 + (0,))
    if dice.chance(0.3):
        image = image + dice.between(0.0, 0.06) * (dice.array(*image.shape).astype(np.float32) - 0.5)
    target, height = truth(scene, owner), np.linspace(-1, 1, 256, dtype=np.float32)
    reach = WINDOW // 2
    rows, columns = np.nonzero(owner[reach : 256 - reach, reach : 256 - reach] != 255)
    taken, told = [], []
    for k in range(WINDOWS):
        y, x = (reach + dice.below(256 - 2 * reach) for _ in range(2))
        if len(rows) and k % 4:
            at = dice.below(len(rows))
            y, x = reach + int(rows[at]), reach + int(columns[at])
        top, left = y - reach, x - reach
        part = image[top : top + WINDOW, left : left + WINDOW]
        if dice.chance(0.5):
            part = part[:, ::-1]
        of_height = np.broadcast_to(height[top : top + WINDOW, None, None], (WINDOW, WINDOW, 1))
        taken.append(np.concatenate([np.clip(part, 0, 1), of_height], axis=-1).transpose(2, 0, 1))
        told.append(target[:, y, x])
    return np.stack(taken), np.stack(told)


def loss_of(logits: Tensor, target: Tensor) -> Tensor:
    total = logits.new_zeros(())
    for index, part in enumerate(logits.flatten(1).split(list(HEADS.values()), dim=1)):
        total = total + F.cross_entropy(part, target[:, index], ignore_index=-1)
    return total


def found(probabilities: np.ndarray, shape: str, colour: str) -> bool:
    """Whether a solid of this shape and colour is seen: a connected group of cells where both are more likely than not."""
    sure = probabilities[1 + SHAPES.index(shape)] * probabilities[HEADS["shape"] + list(COLOURS).index(colour)] > 0.5
    groups, count = ndimage.label(sure)
    return count > 0 and int(np.bincount(groups.ravel())[1:].max()) >= LEAST_CELLS


@torch.no_grad()
def evaluate(judge: Judge, cache: str, count: int = 300) -> dict[str, float]:
    pictures = Pictures(cache, "validation")
    right: dict[str, list[float]] = {name: [] for name in HEADS}
    there, absent = [], []
    for i in range(count):
        scene, picture, owner = pictures.variant(i, i % 2)
        probabilities = judge(torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255.0)[0].numpy()
        target = truth(scene, owner)[:, FIRST::CELL, FIRST::CELL][:, :GRID, :GRID]
        start = 0
        for index, (name, size) in enumerate(HEADS.items()):
            known = target[index] >= (1 if name == "shape" else 0)
            guess = probabilities[start : start + size].argmax(0)
            right[name].append(float((guess == target[index])[known].mean()) if known.any() else 1.0)
            start += size
        pairs = {(solid.shape, solid.colour) for solid in scene.solids}
        # What is hidden but for a few cells is not asked for.
        seen = {p for p in pairs if any((owner == k).sum() > 250 for k, s in enumerate(scene.solids) if (s.shape, s.colour) == p)}
        there += [found(probabilities, *pair) for pair in seen]
        dice = Dice(33, i)
        for solid in scene.solids:
            # A near miss and a far one: another colour of a shape that is there, and anything else.
            for pair in ((solid.shape, dice.pick(tuple(COLOURS))), (dice.pick(SHAPES), solid.colour)):
                if pair not in pairs:
                    absent.append(not found(probabilities, *pair))
    result = {f"cells, {name}": float(np.mean(values)) for name, values in right.items()}
    result |= {"there, found": float(np.mean(there)), "absent, not found": float(np.mean(absent))}
    result["balanced accuracy"] = (result["there, found"] + result["absent, not found"]) / 2
    return {name: round(value, 4) for name, value in result.items()}


class WithFeatures(nn.Module):
    """The judge and what its six layers see, [batch, channels, h, w] each: distances between those are a perceptual measure."""

    def __init__(self, judge: Judge):
        super().__init__()
        self.judge = judge

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        judge, features = self.judge, []
        x = torch.cat([pictures * 2 - 1, judge.height.expand(pictures.shape[0], 1, 256, 256)], dim=1)
        for layer in judge.layers:
            x = layer(x)
            if isinstance(layer, nn.GELU):
                features.append(x)
        return (torch.cat([part.softmax(1) for part in x.split(list(HEADS.values()), dim=1)], dim=1), *features)


def export(judge: Judge, path: Path) -> None:
    """Weights are stored in half precision and widened when loaded: the file is half as large."""
    temporary = path.with_suffix(".partial.onnx")
    outputs = ["probabilities", *(f"features{i}" for i in range(6))]
    torch.onnx.export(
        WithFeatures(judge).eval(), (torch.zeros(1, 3, 256, 256),), str(temporary), input_names=["picture"], output_names=outputs,
        dynamic_axes={name: {0: "batch"} for name in ("picture", *outputs)}, opset_version=17, dynamo=False,
    )
    model = onnx.load(temporary)
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        values, name = onnx.numpy_helper.to_array(tensor).astype(np.float16), tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(values, f"{name}.half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(casts + nodes)
    model.doc_string = "The judge of Blocks: training/blocks/train_judge.py"
    onnx.checker.check_model(model)
    onnx.save(model, temporary)
    temporary.replace(path)


def main() -> None:
    options = parser(__doc__, steps=2_000).parse_args()
    torch.manual_seed(options.seed)
    judge = Judge()
    run = Run("judge", {"judge": judge}, options, rate=2e-3, warmup=30, average=0.98)
    if not options.evaluate and run.step < options.steps:
        pictures = Pictures(options.cache)

        def batch(step: int) -> tuple[Tensor, Tensor]:
            dice = Dice(options.seed, 31, step)
            images, targets = zip(*(windows(pictures, dice) for _ in range(PICTURES)))
            return torch.from_numpy(np.concatenate(images)), torch.from_numpy(np.concatenate(targets))

        batches = ahead(batch, run.step, options.steps, workers=0 if options.threads == 1 else 1)
        for _ in run.steps():
            images, targets = (part.to(run.device) for part in next(batches))
            run.descend(loss_of(judge.logits(images[:, :3], images[:, 3:]), targets))
    run.use_average()
    judge.cpu().eval()
    run.log(json.dumps(evaluate(judge, options.cache)))
    export(judge, Path(__file__).parent / "judge.onnx")


if __name__ == "__main__":
    main()

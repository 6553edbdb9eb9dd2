"""The world: what a scene consists of, how one is drawn from a seed, and how it becomes the renderer's tables."""

import math
from dataclasses import asdict, dataclass, replace

import numpy as np

from grounds import GROUNDS
from render import MATERIALS, NO_OBJECT, View, render_view
from shapes import (BLUE2, BOUND, COLUMNS, COS, GREEN2, MATERIAL, RED, RED2, SHAPE, SHAPES, SIN, SIZE, STANDING, X, Y, Z,
                    bounding_radius, resting_height)

SIZES = {"small": 0.47, "large": 0.84}
# sRGB of the eight colours, far apart from each other, so that light and shadow leave no doubt.
COLOURS = {
    "red": (214, 38, 36),
    "orange": (245, 128, 18),
    "yellow": (250, 208, 30),
    "green": (38, 150, 62),
    "cyan": (38, 190, 206),
    "blue": (32, 70, 200),
    "purple": (130, 48, 172),
    "white": (236, 234, 228),
}
STRIPE = (240, 234, 220)
STRIPE_ON_WHITE = (88, 92, 100)
# Main and second colour of each ground's kinds, sRGB.
GROUND_COLOURS = {
    "wood": [((150, 98, 58), (206, 156, 104)), ((104, 66, 42), (156, 104, 66)), ((188, 148, 106), (226, 194, 152))],
    "stone": [((126, 124, 122), (172, 168, 160)), ((108, 112, 120), (150, 154, 160)), ((148, 134, 118), (188, 174, 154))],
    "cloth": [((206, 188, 170), (176, 140, 120)), ((120, 134, 150), (196, 204, 210)), ((170, 178, 156), (222, 222, 206)),
              ((196, 160, 164), (226, 208, 206))],
    "tiles": [((190, 184, 174), (120, 112, 106)), ((206, 202, 196), (126, 140, 150)), ((196, 170, 142), (150, 104, 82)),
              ((188, 196, 188), (108, 128, 116))],
    "sand": [((186, 154, 110), (222, 196, 152)), ((196, 174, 142), (228, 212, 184)), ((170, 132, 96), (206, 172, 132))],
    "marble": [((222, 220, 216), (140, 140, 146)), ((74, 78, 84), (178, 176, 172)), ((214, 202, 190), (160, 132, 112))],
}
BACKDROPS = [(206, 214, 222), (226, 214, 200), (196, 208, 204), (214, 204, 214), (184, 192, 206), (232, 226, 214)]
MAX_SOLIDS = 5


@dataclass(frozen=True)
class Solid:
    shape: str
    colour: str
    size: str
    material: str
    x: float
    y: float
    angle: float
    standing: bool  # rings and stars stand or lie

    def row(self) -> np.ndarray:
        shape, size = SHAPES.index(self.shape), SIZES[self.size]
        row = np.zeros(COLUMNS, np.float64)
        row[[SHAPE, SIZE, X, Y, STANDING]] = shape, size, self.x, self.y, self.standing
        row[Z] = resting_height(shape, size, self.standing)
        row[[COS, SIN]] = math.cos(self.angle), math.sin(self.angle)
        row[MATERIAL] = MATERIALS.index(self.material)
        row[RED : RED + 3] = linear(COLOURS[self.colour])
        row[RED2 : RED2 + 3] = linear(STRIPE_ON_WHITE if self.colour == "white" else STRIPE)
        row[BOUND] = bounding_radius(shape, size)
        return row


@dataclass(frozen=True)
class Scene:
    seed: int
    solids: tuple[Solid, ...]
    ground: str
    variant: int
    elevation: float  # radians
    distance: float
    light: tuple[float, float]  # azimuth, elevation
    warmth: float  # -1 cool .. 1 warm
    softness: float
    backdrop: int
    texture: tuple[float, float, int]  # shift and seed of the ground

    def view(self) -> View:
        eye = np.array([0.0, -self.distance * math.cos(self.elevation), self.distance * math.sin(self.elevation)])
        target = np.array([0.0, 0.1, 0.3])
        forward = (target - eye) / np.linalg.norm(target - eye)
        right = np.array([1.0, 0.0, 0.0])
        up = np.cross(right, forward)
        zoom = math.tan(math.radians(17.5))
        azimuth, height = self.light
        light = np.array(
            [math.cos(height) * math.sin(azimuth), -math.cos(height) * math.cos(azimuth), math.sin(height)]
        )
        warm = np.array([1.0, 0.0, -1.0]) * self.warmth
        backdrop = linear(BACKDROPS[self.backdrop])
        return View(
            eye,
            np.stack([right * zoom, up * zoom, forward]),
            light,
            np.array([1.36, 1.29, 1.19]) + 0.1 * warm,
            np.stack([0.55 * backdrop + 0.12, np.array([0.52, 0.58, 0.68]) - 0.03 * warm]),
            backdrop * 0.92,
            self.softness,
            GROUNDS.index(self.ground),
            self.texture[2],
            np.stack([linear(colour) for colour in GROUND_COLOURS[self.ground][self.variant]]),
        )

    def rows(self) -> np.ndarray:
        return np.stack([solid.row() for solid in self.solids]) if self.solids else np.zeros((0, COLUMNS))

    def to_json(self) -> dict:
        return asdict(self)

    def with_solid(self, index: int, **changes: object) -> "Scene":
        """The same scene with one solid changed."""
        solids = [replace(s, **changes) if i == index else s for i, s in enumerate(self.solids)]
        return replace(self, solids=tuple(solids))

    def without(self, index: int) -> "Scene":
        return replace(self, solids=self.solids[:index] + self.solids[index + 1 :])


def scene_from_json(json: dict) -> Scene:
    solids = tuple(Solid(**solid) for solid in json["solids"])
    return Scene(**{**json, "solids": solids, "light": tuple(json["light"]), "texture": tuple(json["texture"])})


def linear(srgb: tuple[int, int, int]) -> np.ndarray:
    return (np.asarray(srgb, np.float64) / 255.0) ** 2.2


class Dice:
    """Random numbers of a seed: `random()` of PCG64 alone, whose stream numpy keeps."""

    def __init__(self, *seed: int):
        self._generator = np.random.Generator(np.random.PCG64(list(seed)))

    def unit(self) -> float:
        return float(self._generator.random())

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.unit()

    def below(self, count: int) -> int:
        return min(int(self.unit() * count), count - 1)

    def pick(self, choices):
        return choices[self.below(len(choices))]

    def chance(self, probability: float) -> bool:
        return self.unit() < probability

    def shuffled(self, items) -> list:
        items = list(items)
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]
        return items

    def array(self, *shape: int) -> np.ndarray:
        return self._generator.random(shape)


def draw_scene(seed: int) -> Scene:
    """The scene of a seed. Solids do not touch, and each is seen for a good part (`visible` says so after rendering)."""
    dice = Dice(1, seed)
    ground = dice.pick(GROUNDS)
    count = 1 + dice.pick([0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4])
    solids: list[Solid] = []
    # Alike solids, as in "two small blue cubes", are commoner than chance would have them.
    alike = dice.chance(0.3)
    for _ in range(count):
        twin = solids[-1] if alike and solids and dice.chance(0.6) else None
        for _ in range(60):
            solid = Solid(
                shape=twin.shape if twin else dice.pick(SHAPES),
                colour=twin.colour if twin else dice.pick(tuple(COLOURS)),
                size=twin.size if twin else dice.pick(("small", "large")),
                material=twin.material if twin else dice.pick(MATERIALS),
                x=dice.between(-2.0, 2.0),
                y=dice.between(-1.6, 2.4),
                angle=dice.between(-0.7, 0.7),
                standing=dice.chance(0.6),
            )
            if all(_apart(solid, other) for other in solids) and _inside(solid):
                solids.append(solid)
                break
    side = 1.0 if dice.chance(0.5) else -1.0
    return Scene(
        seed=seed,
        solids=tuple(solids),
        ground=ground,
        variant=dice.below(len(GROUND_COLOURS[ground])),
        elevation=dice.between(0.46, 0.66),
        distance=dice.between(8.3, 9.2),
        light=(side * dice.between(0.45, 1.9), dice.between(0.72, 1.05)),
        warmth=dice.between(-0.8, 1.0),
        softness=dice.between(0.09, 0.22),
        backdrop=dice.below(len(BACKDROPS)),
        texture=(0.0, 0.0, dice.below(1 << 20)),
    )


def _inside(solid: Solid) -> bool:
    """Not cut off by the picture's edge."""
    reach = 0.27 * (solid.y + 7.8) - 0.05
    return abs(solid.x) + SIZES[solid.size] < reach


def _apart(a: Solid, b: Solid) -> bool:
    """Far enough that neither hides most of the other: the view is along y, so the gap there is wider."""
    reach = SIZES[a.size] + SIZES[b.size]
    dx, dy = abs(a.x - b.x), abs(a.y - b.y)
    near, far = (a, b) if a.y < b.y else (b, a)
    # Something small right behind something large would not be seen.
    hidden = 2.5 if SIZES[near.size] > SIZES[far.size] else 1.45
    return math.hypot(dx, dy / 1.15) > 1.08 * reach and (dx > 0.75 * reach or dy > hidden * reach)


def render(scene: Scene, size: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """uint8 picture [size, size, 3]; owner [size, size]: index in `scene.solids`, or NO_OBJECT."""
    return render_view(scene.view(), scene.rows(), size)


def visible(owner: np.ndarray, index: int) -> int:
    """Pixels of a solid that are seen."""
    return int((owner == index).sum())


__all__ = ["COLOURS", "Dice", "MATERIALS", "NO_OBJECT", "SHAPES", "SIZES", "Scene", "Solid", "draw_scene", "render", "scene_from_json", "visible"]

"""What is said about a scene: phrases ("small blue cube"), captions ("a large shiny red sphere behind two small blue cubes on a
wooden floor"), and their truth.

A phrase is a set of wanted attributes; it is true of a solid that has them all. Captions say only what is true in the picture.
"""

from dataclasses import dataclass

from shapes import SHAPES
from world import COLOURS, Dice, MATERIALS, SIZES, Scene, Solid

ATTRIBUTES = ("shape", "colour", "size", "material")
GROUND_PHRASES = {
    "wood": ("wooden floor", "wooden table", "wooden ground"),
    "stone": ("stone floor", "stone ground"),
    "cloth": ("cloth", "tablecloth"),
    "tiles": ("tiled floor", "tiles"),
    "sand": ("sand", "sandy ground"),
    "marble": ("marble floor", "marble table"),
}
NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five"}
OPENINGS = ("", "", "", "", "a photo of ", "a picture of ", "a render of ", "an image of ")
ENDINGS = ("", "", "", "", ", soft light", ", studio light", ", high quality", ", sharp focus")
# Words of the app and of other worlds: none of them is ever in the picture.
ELSEWHERE = (
    "dog bicycle mountain cup airplane piano strawberry tractor penguin laptop bridge umbrella pizza horse bookshelf lighthouse "
    "guitar chair shoes elephant candle football boat clock robot bread waterfall baby telephone snake car spoon castle butterfly "
    "light helmet microscope cactus train bottle cat house tree flower person woman man face hand sky sea river city street "
    "banana apple book hat fish bird window door key lamp fox candlestick"
).split()
ELSEWHERE_PHRASES = ("coffee cup", "wooden chair", "red shoes", "sailing boat", "blue car", "traffic light", "glass bottle")


@dataclass(frozen=True)
class Phrase:
    """Attributes that are asked for; None: any. Without a shape the noun is "object". `ground`: the floor itself."""

    shape: str | None = None
    colour: str | None = None
    size: str | None = None
    material: str | None = None
    ground: str | None = None
    number: int = 1
    words: str | None = None  # fixed words, for grounds and for what is never there

    def matches(self, solid: Solid) -> bool:
        if self.words is not None:
            return False
        wanted = (self.shape, self.colour, self.size, self.material)
        found = (solid.shape, solid.colour, solid.size, solid.material)
        return all(w is None or w == f for w, f in zip(wanted, found))

    def text(self) -> str:
        if self.words is not None:
            return self.words
        noun = (self.shape or "object") + ("s" if self.number > 1 else "")
        parts = (NUMBERS.get(self.number), self.size, self.material, self.colour, noun)
        return " ".join(part for part in parts if part)

    def bare(self) -> "Phrase":
        """The noun alone."""
        return self if self.words is not None else Phrase(shape=self.shape, number=1)


def phrase_of(solid: Solid, dice: Dice, keep: float = 0.55) -> Phrase:
    """The solid, described by some of its attributes."""
    return Phrase(
        shape=solid.shape if dice.chance(0.95) else None,
        colour=solid.colour if dice.chance(0.5 + keep / 2) else None,
        size=solid.size if dice.chance(keep) else None,
        material=solid.material if dice.chance(keep) else None,
    )


def wrong_phrase(scene: Scene, phrase: Phrase, dice: Dice, among: tuple[str, ...] = ATTRIBUTES) -> Phrase | None:
    """The phrase with one attribute (`among`: which may be) changed so that it is true of no solid of the scene; None: there is
    no such."""
    choices = {"shape": SHAPES, "colour": tuple(COLOURS), "size": tuple(SIZES), "material": MATERIALS}
    for name in dice.shuffled(among):
        if getattr(phrase, name) is None:
            continue
        for value in dice.shuffled(choices[name]):
            other = Phrase(**{**phrase.__dict__, name: value})
            if not any(other.matches(solid) for solid in scene.solids):
                return other
    return None


def absent_phrase(scene: Scene, dice: Dice) -> Phrase:
    """A phrase whose noun, or else whose colour, no solid of the scene has."""
    shapes = [shape for shape in SHAPES if all(s.shape != shape for s in scene.solids)]
    shape = dice.pick(shapes) if shapes else dice.pick(SHAPES)
    taken = {s.colour for s in scene.solids if s.shape == shape}
    colours = [colour for colour in COLOURS if colour not in taken]
    return Phrase(
        shape=shape,
        colour=dice.pick(colours) if dice.chance(0.7) or not shapes else None,
        size=dice.pick(tuple(SIZES)) if dice.chance(0.3) else None,
        material=dice.pick(MATERIALS) if dice.chance(0.3) else None,
    )


def elsewhere_phrase(dice: Dice) -> Phrase:
    words = dice.pick(ELSEWHERE_PHRASES) if dice.chance(0.15) else dice.pick(ELSEWHERE)
    return Phrase(words=words)


def with_article(text: str) -> str:
    return ("an " if text[0] in "aeiou" else "a ") + text


def ground_words(ground: str, dice: Dice) -> str:
    words = dice.pick(GROUND_PHRASES[ground])
    return words if words in ("sand", "tiles") else with_article(words)


def relation(a: Solid, b: Solid, dice: Dice) -> str | None:
    """How `a` stands to `b`, in words that leave no doubt in the picture; None: neither clearly beside nor behind."""
    true = []
    if abs(a.x - b.x) > 0.7:
        true.append("to the left of" if a.x < b.x else "to the right of")
        true.append("left of" if a.x < b.x else "right of")
    if abs(a.y - b.y) > 0.8 and abs(a.x - b.x) < 1.8:
        true += ["in front of" if a.y < b.y else "behind"] * 2
    if abs(a.x - b.x) < 1.7 and abs(a.y - b.y) < 0.8:
        true.append("next to")
    return dice.pick(true) if true else None


def counted(scene: Scene, dice: Dice) -> list[tuple[Phrase, list[Solid]]]:
    """All solids as phrases, alike ones together: [("two small blue cubes", both)]. Attributes left out are left out for all."""
    keep = dice.between(0.2, 1.0)
    left = dice.shuffled(scene.solids)
    groups = []
    while left:
        phrase = phrase_of(left[0], dice, keep)
        if phrase.shape is None and sum(phrase.matches(s) for s in scene.solids) > 1:
            phrase = Phrase(**{**phrase.__dict__, "shape": left[0].shape})
        members = [s for s in left if phrase.matches(s)]
        left = [s for s in left if not phrase.matches(s)]
        groups.append((Phrase(**{**phrase.__dict__, "number": len(members)}), members))
    return groups


def noun_phrase(phrase: Phrase) -> str:
    return phrase.text() if phrase.number > 1 or phrase.words else with_article(phrase.text())


def joined(parts: list[str], dice: Dice) -> str:
    if len(parts) == 1:
        return parts[0]
    return ", ".join(parts[:-1]) + (" and " if dice.chance(0.8) else ", ") + parts[-1]


def caption(scene: Scene, dice: Dice, *, complete: bool = False) -> str:
    """A true caption: of all solids (`complete`), or of some. Relations hold between single solids."""
    groups = counted(scene, dice)
    if not complete and len(groups) > 1 and dice.chance(0.3):
        groups = groups[: 1 + dice.below(len(groups))]
    parts, i = [], 0
    while i < len(groups):
        phrase, members = groups[i]
        words = noun_phrase(phrase)
        if i + 1 < len(groups) and len(members) == 1 and len(groups[i + 1][1]) == 1 and dice.chance(0.6):
            how = relation(members[0], groups[i + 1][1][0], dice)
            if how:
                words = f"{words} {how} {noun_phrase(groups[i + 1][0])}"
                i += 1
        parts.append(words)
        i += 1
    text = joined(parts, dice)
    if dice.chance(0.55):
        text += f" on {ground_words(scene.ground, dice)}"
    return dice.pick(OPENINGS) + text + dice.pick(ENDINGS)


def all_words() -> list[str]:
    """Every word the grammar can say, and those of the app's own quality and restoration prompts."""
    words = [*SHAPES, *(f"{s}s" for s in SHAPES), "object", "objects", *COLOURS, *SIZES, *MATERIALS, *NUMBERS.values()]
    for text in [w for group in GROUND_PHRASES.values() for w in group] + [*OPENINGS, *ENDINGS, *ELSEWHERE_PHRASES]:
        words += text.replace(",", " ").split()
    words += "a an the and of on in at to with without left right front behind next beside between above below is are".split()
    words += [*ELSEWHERE, "floor", "ground", "table", "scene", "photo", "picture", "image", "render", "light", "pink", "black"]
    words += "good bad beautiful ugly high low quality perfect terrible sharp blurry clean noisy resolution pixelated".split()
    words += "well badly exposed formed deformed correct distorted plausible impossible coherent nonsensical natural".split()
    words += "synthetic real fake authentic artificial lifelike unnatural this looks melted sheared broken duplicated flat".split()
    words += "dotted noise raster lines unclear lowres over smoothed 8 k glass brown gray grey big little tiny glossy".split()
    return list(dict.fromkeys(words))

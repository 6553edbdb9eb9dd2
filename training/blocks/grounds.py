"""The grounds that the solids stand on: albedo as a function of place, compiled by numba.

Patterns come from hashed lattice noise (whole-number arithmetic, the same everywhere). `footprint` is the width of a pixel on
the ground: detail finer than it is faded out, so that nothing flickers towards the horizon.
"""

import math

import numpy as np
from numba import njit

WOOD, STONE, CLOTH, TILES, SAND, MARBLE = range(6)
GROUNDS = ("wood", "stone", "cloth", "tiles", "sand", "marble")


@njit(cache=True)
def _hash(ix, iy, seed):
    """Uniform in 0..1 from two lattice coordinates."""
    h = (ix * 374761393 + iy * 668265263 + seed * 2246822519) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    h = ((h ^ (h >> 16)) * 2654435761) & 0xFFFFFFFF
    return (h ^ (h >> 15)) / 4294967295.0


@njit(cache=True)
def noise(x, y, seed):
    """Value noise in 0..1, one lattice cell per unit."""
    fx, fy = math.floor(x), math.floor(y)
    ix, iy = int(fx), int(fy)
    u, v = x - fx, y - fy
    u = u * u * (3.0 - 2.0 * u)
    v = v * v * (3.0 - 2.0 * v)
    a = _hash(ix, iy, seed)
    b = _hash(ix + 1, iy, seed)
    c = _hash(ix, iy + 1, seed)
    d = _hash(ix + 1, iy + 1, seed)
    return (a + (b - a) * u) * (1.0 - v) + (c + (d - c) * u) * v


@njit(cache=True)
def fractal(x, y, seed, octaves, footprint):
    """Octaves of noise around 0, about -1..1; those finer than the footprint fade out."""
    total, weight = 0.0, 0.5
    for i in range(octaves):
        visible = min(max(1.5 - footprint * 2.2, 0.0), 1.0)
        if visible <= 0.0:
            break
        total += weight * visible * (noise(x, y, seed + i) * 2.0 - 1.0)
        x, y = x * 2.03 + 17.1, y * 2.03 - 9.7
        footprint *= 2.03
        weight *= 0.55
    return total


@njit(cache=True)
def _line(distance, width, footprint):
    """How much of a thin line of that half width covers a pixel whose centre is `distance` away."""
    soft = width * 0.5 + footprint * 0.6
    cover = min(max(0.5 + (width - distance) / (2.0 * soft), 0.0), 1.0)
    return cover * min(1.0, 2.2 * width / (width + footprint))


@njit(cache=True)
def _stones(x, y, seed):
    """Distance to the seam between irregular stones, and a number of the stone in 0..1."""
    ix, iy = int(math.floor(x)), int(math.floor(y))
    nearest, second, which = 9.0, 9.0, 0.0
    for j in range(-1, 2):
        for i in range(-1, 2):
            cx, cy = ix + i, iy + j
            px = cx + 0.15 + 0.7 * _hash(cx, cy, seed)
            py = cy + 0.15 + 0.7 * _hash(cx, cy, seed + 1)
            d = math.sqrt((px - x) ** 2 + (py - y) ** 2)
            if d < nearest:
                nearest, second, which = d, nearest, _hash(cx, cy, seed + 2)
            elif d < second:
                second = d
    return 0.5 * (second - nearest), which


@njit(cache=True)
def albedo(kind, x, y, footprint, seed, colours, out):
    """Writes the ground's linear albedo at (x, y) to `out[0:3]` and its gloss (0..1) to `out[3]`.

    `colours` [2, 3]: the ground's main and second colour.
    """
    tone, mix, gloss = 1.0, 0.0, 0.0
    if kind == WOOD:
        plank = 0.62
        row = math.floor(x / plank)
        shift = _hash(int(row), 3, seed) * 5.0
        column = math.floor((y + shift) / 4.2)
        own = _hash(int(row), int(column), seed + 5)
        across = (x / plank - row - 0.5) * plank
        wave = fractal(x * 1.1 + own * 40.0, y * 0.33, seed + 9, 3, footprint)
        rings = math.sin((across * 26.0 + wave * 9.0 + own * 20.0))
        fade = min(max(1.6 - footprint * 9.0, 0.0), 1.0)
        grain = fractal(x * 21.0, y * 1.6 + own * 30.0, seed + 20, 3, footprint * 21.0)
        mix = min(max(0.42 + 0.34 * (own - 0.5) + 0.13 * rings * fade + 0.42 * grain + 0.16 * wave, 0.0), 1.0)
        tone = 1.0 + 0.22 * (own - 0.5)
        gap = _line(plank * 0.5 - abs(across), 0.012, footprint)
        along = (y + shift) / 4.2 - column
        end = _line(min(along, 1.0 - along) * 4.2, 0.012, footprint)
        tone *= 1.0 - 0.62 * max(gap, end)
        gloss = 0.14
    elif kind == STONE:
        wx = x + 0.16 * fractal(x * 1.7, y * 1.7, seed + 40, 2, footprint)
        wy = y + 0.16 * fractal(x * 1.7 + 31.0, y * 1.7, seed + 50, 2, footprint)
        seam, which = _stones(wx * 0.72, wy * 0.72, seed)
        rough = fractal(x * 4.0, y * 4.0, seed + 60, 4, footprint * 4.0)
        mix = min(max(which * 0.8 + 0.35 * rough, 0.0), 1.0)
        tone = 1.0 + 0.16 * rough + 0.22 * (which - 0.5)
        tone *= 1.0 - 0.55 * _line(seam, 0.03, footprint)
        tone *= 0.9 + 0.1 * min(seam * 6.0, 1.0)
    elif kind == CLOTH:
        folds = fractal(x * 0.42 + 0.25 * y, y * 0.2, seed, 2, footprint)
        thread = 60.0
        fade = min(max(1.4 - footprint * 26.0, 0.0), 1.0)
        weave = math.sin(x * thread + 0.8 * folds) * math.sin(y * thread)
        checked = 0.5 * (_smooth_wave(x * 1.35) + _smooth_wave(y * 1.35)) * (_hash(1, 2, seed) > 0.4)
        mix = 0.72 * checked
        tone = 1.0 + 0.2 * folds + 0.12 * weave * fade + 0.05 * fractal(x * 9.0, y * 9.0, seed + 7, 2, footprint * 9.0)
    elif kind == TILES:
        side = 1.05
        # Laid at an angle on some floors.
        if _hash(5, 5, seed) > 0.5:
            x, y = 0.70710678 * (x + y), 0.70710678 * (y - x)
        ix, iy = math.floor(x / side), math.floor(y / side)
        u, v = (x / side - ix) * side, (y / side - iy) * side
        mix = 1.0 if (int(ix) + int(iy)) % 2 == 0 else 0.0
        own = _hash(int(ix), int(iy), seed + 3)
        cloud = fractal(x * 1.8 + own * 60.0, y * 1.8, seed + 4, 4, footprint * 1.8)
        tone = 1.0 + 0.1 * (own - 0.5) + 0.13 * cloud
        edge = min(min(u, side - u), min(v, side - v))
        tone *= 1.0 - 0.45 * _line(edge, 0.022, footprint)
        gloss = 0.5
    elif kind == SAND:
        warp = fractal(x * 0.5, y * 0.5, seed, 3, footprint)
        ripple = math.sin((y * 0.92 + x * 0.28) * 7.5 + warp * 5.5)
        fade = min(max(1.5 - footprint * 3.4, 0.0), 1.0)
        grains = fractal(x * 40.0, y * 40.0, seed + 8, 2, footprint * 40.0)
        mix = min(max(0.45 + 0.25 * ripple * fade + 0.3 * warp, 0.0), 1.0)
        tone = 1.0 + 0.07 * ripple * fade + 0.34 * grains + 0.08 * warp
    else:
        wx = x + 1.2 * fractal(x * 0.6, y * 0.6, seed, 4, footprint)
        wy = y + 1.2 * fractal(x * 0.6 + 50.0, y * 0.6, seed + 13, 4, footprint)
        vein = abs(fractal(wx * 0.9, wy * 0.9, seed + 26, 4, footprint))
        fine = abs(fractal(wx * 2.3 + 9.0, wy * 2.3, seed + 33, 4, footprint * 2.3))
        mix = min(max((1.0 - 9.0 * vein) * 0.85, 0.0) + max((1.0 - 12.0 * fine) * 0.35, 0.0), 1.0)
        tone = 1.0 + 0.1 * fractal(x * 1.2, y * 1.2, seed + 39, 3, footprint)
        gloss = 0.6
    for c in range(3):
        out[c] = tone * (colours[0, c] + mix * (colours[1, c] - colours[0, c]))
    out[3] = gloss


@njit(cache=True)
def _smooth_wave(x):
    """A square wave with soft flanks, 0..1."""
    s = math.sin(2.0 * math.pi * x)
    return min(max(0.5 + 3.0 * s, 0.0), 1.0)


def mean_albedo(colours: np.ndarray) -> np.ndarray:
    """What a ground reflects on average, for light that bounces off it."""
    return 0.65 * colours[0] + 0.35 * colours[1]

"""Renders a scene: sphere-traced solids on a textured ground, one soft key light, sky light, contact shadows, reflections.

`render(scene)` gives the picture and who is where. Determinism: all arithmetic is float64 without fast-math, random numbers are
drawn with `world.py`'s integer generator, so the same seed gives the same 8-bit pixels on any machine (sin and pow may differ in
their last bit between C libraries, which a rounding to 8 bits does not show but by accident).
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from grounds import albedo, mean_albedo
from shapes import BOUND, COS, CUBE, MATERIAL, RED, RED2, GREEN, BLUE, RING, SHAPE, SIN, SIZE, STANDING, STAR, X, Y, Z, object_distance

MATTE, SHINY, STRIPED = range(3)
MATERIALS = ("matte", "shiny", "striped")
NO_OBJECT = 255
FAR = 1e9
GAMMA = 1.0 / 2.2


class View(NamedTuple):
    """Camera, light and ground of a scene, as the compiled code takes them."""

    eye: np.ndarray  # [3]
    axes: np.ndarray  # [3, 3] rows: right, up, forward, scaled so that the picture spans -1..1
    light: np.ndarray  # [3] unit, towards the light
    light_colour: np.ndarray  # [3]
    sky: np.ndarray  # [2, 3] light from the horizon and from above
    backdrop: np.ndarray  # [3] what the ground fades into
    softness: float  # of the shadows: half the light's angular width
    ground: int
    ground_seed: int
    ground_colours: np.ndarray  # [2, 3]


@njit(cache=True)
def _nearest(objects, ox, oy, oz, dx, dy, dz, skip):
    """First solid that a ray meets: its index (-1: none) and how far."""
    best, which = FAR, -1
    for i in range(objects.shape[0]):
        if i == skip:
            continue
        o = objects[i]
        cx, cy, cz = o[X] - ox, o[Y] - oy, o[Z] - oz
        along = cx * dx + cy * dy + cz * dz
        off = cx * cx + cy * cy + cz * cz - along * along
        reach = o[BOUND] * o[BOUND] - off
        if reach <= 0.0:
            continue
        half = math.sqrt(reach)
        t, end = max(along - half, 1e-3), min(along + half, best)
        if end < t:
            continue
        for _ in range(64):
            d = object_distance(o, ox + t * dx, oy + t * dy, oz + t * dz)
            if d < 4e-4 * t:
                if t < best:
                    best, which = t, i
                break
            t += d
            if t > end:
                break
    return which, best


@njit(cache=True)
def _light_reaching(objects, x, y, z, light, softness):
    """Share of the key light that reaches a point, 0..1 (soft shadow from one ray: nearest miss over distance)."""
    least = 1.0
    for i in range(objects.shape[0]):
        o = objects[i]
        cx, cy, cz = o[X] - x, o[Y] - y, o[Z] - z
        along = cx * light[0] + cy * light[1] + cz * light[2]
        bound = o[BOUND] + softness * max(along + o[BOUND], 0.0)
        reach = bound * bound - (cx * cx + cy * cy + cz * cz - along * along)
        if reach <= 0.0:
            continue
        half = math.sqrt(reach)
        t, end = max(along - half, 0.02), along + half
        for _ in range(40):
            if t > end:
                break
            d = object_distance(o, x + t * light[0], y + t * light[1], z + t * light[2])
            least = min(least, d / (softness * t))
            if least < -1.0:
                return 0.0
            t += min(max(d, 0.02), 0.4)
    least = max(least, -1.0)
    return 0.25 * (1.0 + least) * (1.0 + least) * (2.0 - least)


@njit(cache=True)
def _openness(objects, x, y, z, nx, ny, nz, with_ground):
    """Ambient occlusion: how open the surroundings are in the normal's direction, 0..1."""
    closed = 0.0
    weight = 1.0
    for step in range(4):
        h = 0.06 + 0.17 * step
        px, py, pz = x + h * nx, y + h * ny, z + h * nz
        free = h
        for i in range(objects.shape[0]):
            o = objects[i]
            ex, ey, ez = px - o[X], py - o[Y], pz - o[Z]
            near = o[BOUND] + h
            if ex * ex + ey * ey + ez * ez < near * near:
                free = min(free, object_distance(o, px, py, pz))
        if with_ground:
            free = min(free, pz)
        closed += weight * max(h - free, 0.0) / h
        weight *= 0.8
    return max(1.0 - closed / 2.6, 0.0)


@njit(cache=True)
def _stripes(o, lx, ly, lz):
    """0 or 1: which of a striped solid's two colours is at a local point."""
    shape, size = int(o[SHAPE]), o[SIZE]
    if shape == RING:
        a, b = (lx, lz) if o[STANDING] > 0.5 else (lx, ly)
        turn = math.atan2(b, a) / (2.0 * math.pi) * 9.0
        return 1 if turn - math.floor(turn) > 0.5 else 0
    if shape == STAR:
        up = lz if o[STANDING] > 0.5 else ly
        turn = up / size * 2.3 + 0.25
    elif shape == CUBE:
        turn = (lz + 0.6 * lx) / size * 1.9
    else:
        turn = lz / size * 2.1 + 0.2
    return 1 if turn - math.floor(turn) > 0.52 else 0


@njit(cache=True)
def _surroundings(view, dx, dy, dz, out):
    """What a mirror sees where there is no solid and no ground: a studio with one large soft box."""
    up = min(max(0.5 + 0.5 * dz, 0.0), 1.0)
    light = view.light
    box = dx * light[0] + dy * light[1] + dz * light[2]
    glow = min(max((box - 0.80) / 0.08, 0.0), 1.0)
    strip = min(max((0.16 - abs(dx * 0.9 - 0.42 * light[0] + 0.55)) / 0.06, 0.0), 1.0) * min(max(dz * 3.0 - 0.4, 0.0), 1.0)
    for c in range(3):
        out[c] = view.sky[0, c] * (1.0 - up) + view.sky[1, c] * up + 2.6 * glow * view.light_colour[c] + 0.7 * strip


@njit(cache=True)
def _ground(view, objects, x, y, distance, facing, bounce, out, detailed):
    """Light leaving the ground at (x, y)."""
    surface = np.empty(4)
    footprint = distance * 0.0026 / max(facing, 0.12)
    albedo(view.ground, x, y, footprint, view.ground_seed, view.ground_colours, surface)
    lit = _light_reaching(objects, x, y, 1e-3, view.light, view.softness)
    open_sky = _openness(objects, x, y, 0.0, 0.0, 0.0, 1.0, False)
    # The light is strongest in the middle of the scene, as in a studio.
    pool = 1.0 / (1.0 + 0.022 * (x * x + y * y))
    cosine = view.light[2]
    haze = min(max((distance - 12.5) / 16.0, 0.0), 1.0)
    haze = haze * haze * (3.0 - 2.0 * haze)
    for c in range(3):
        light = lit * cosine * view.light_colour[c] * pool + open_sky * (0.55 * view.sky[1, c] + 0.2 * view.sky[0, c])
        tint = 0.0
        if detailed:
            tint = bounce[c]
        out[c] = surface[c] * (light + tint) * (1.0 - haze) + view.backdrop[c] * haze
    return surface[3] * (1.0 - haze)


@njit(cache=True)
def _bounced(objects, view, x, y, out):
    """Coloured light that nearby solids throw on the ground."""
    out[0] = out[1] = out[2] = 0.0
    for i in range(objects.shape[0]):
        o = objects[i]
        dx, dy = x - o[X], y - o[Y]
        r2 = o[SIZE] * o[SIZE]
        near = 0.16 * r2 / (dx * dx + dy * dy + 0.8 * r2)
        if near < 0.01:
            continue
        out[0] += near * o[RED] * view.light_colour[0]
        out[1] += near * o[GREEN] * view.light_colour[1]
        out[2] += near * o[BLUE] * view.light_colour[2]


@njit(cache=True)
def _solid(view, objects, i, x, y, z, dx, dy, dz, ground_mean, out, with_mirror):
    """Light leaving solid `i` at a point of its surface, towards -d."""
    o = objects[i]
    # Normal: gradient of the distance, from the corners of a small tetrahedron.
    e = 0.004 * o[SIZE]
    a = object_distance(o, x + e, y - e, z - e)
    b = object_distance(o, x - e, y - e, z + e)
    c = object_distance(o, x - e, y + e, z - e)
    d = object_distance(o, x + e, y + e, z + e)
    nx, ny, nz = a - b - c + d, -a - b + c + d, -a + b - c + d
    length = math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12
    nx, ny, nz = nx / length, ny / length, nz / length

    local_x, local_y = x - o[X], y - o[Y]
    lx, ly, lz = o[COS] * local_x + o[SIN] * local_y, o[COS] * local_y - o[SIN] * local_x, z - o[Z]
    material = int(o[MATERIAL])
    other = 1 if material == STRIPED and _stripes(o, lx, ly, lz) == 1 else 0
    light = view.light
    facing = nx * light[0] + ny * light[1] + nz * light[2]
    lit = 0.0
    if facing > 0.0:
        lit = _light_reaching(objects, x + 0.02 * nx, y + 0.02 * ny, z + 0.02 * nz, light, view.softness)
    open_sky = _openness(objects, x, y, z, nx, ny, nz, True)
    up = 0.5 + 0.5 * nz
    # Towards the eye, seen flat: a faint rim.
    seen = max(-(nx * dx + ny * dy + nz * dz), 0.0)
    rim = (1.0 - seen) ** 4
    hx, hy, hz = light[0] - dx, light[1] - dy, light[2] - dz
    length = math.sqrt(hx * hx + hy * hy + hz * hz) + 1e-12
    half = max((nx * hx + ny * hy + nz * hz) / length, 0.0)
    mirrored = np.zeros(3)
    fresnel = 0.0
    if material == SHINY and with_mirror:
        k = 2.0 * (nx * dx + ny * dy + nz * dz)
        rx, ry, rz = dx - k * nx, dy - k * ny, dz - k * nz
        _mirror(view, objects, i, x + 0.01 * nx, y + 0.01 * ny, z + 0.01 * nz, rx, ry, rz, ground_mean, mirrored)
        fresnel = 0.3 + 0.65 * (1.0 - seen) ** 4
    highlight = 2.2 * half**160.0 + 0.16 * half**18.0 if material == SHINY else 0.07 * half**14.0
    wrapped = max((facing + 0.06) / 1.06, 0.0)
    for ch in range(3):
        colour = o[RED2 + ch] if other == 1 else o[RED + ch]
        ambient = open_sky * (up * 0.62 * view.sky[1, ch] + (1.0 - up) * (0.35 * view.sky[0, ch] + 0.28 * ground_mean[ch]))
        value = colour * (1.02 * lit * wrapped * view.light_colour[ch] + ambient)
        value += 0.1 * rim * open_sky * view.sky[0, ch] + highlight * lit * view.light_colour[ch]
        if fresnel > 0.0:
            # Painted metal: reflections take on some of the colour.
            value = value * (1.0 - 0.75 * fresnel) + fresnel * mirrored[ch] * (0.25 + 0.9 * colour)
        out[ch] = value


@njit(cache=True)
def _mirror(view, objects, skip, x, y, z, dx, dy, dz, ground_mean, out):
    """What is seen in a mirror: other solids and the ground in plain light, else the studio."""
    which, t = _nearest(objects, x, y, z, dx, dy, dz, skip)
    if which >= 0:
        o = objects[which]
        px, py, pz = x + t * dx, y + t * dy, z + t * dz
        up = min(max(0.5 + 0.5 * (pz - o[Z]) / o[SIZE], 0.0), 1.0)
        for c in range(3):
            out[c] = o[RED + c] * (0.25 + 0.55 * up) * view.light_colour[c]
        return
    if dz < -1e-3:
        t = -z / dz
        if t < 14.0:
            bounce = np.zeros(3)
            _ground(view, objects, x + t * dx, y + t * dy, 8.0 + t, 0.5, bounce, out, False)
            fade = min(t / 14.0, 1.0) ** 2
            for c in range(3):
                out[c] = out[c] * (1.0 - fade) + view.backdrop[c] * fade
            return
    _surroundings(view, dx, dy, dz, out)


@njit(cache=True)
def _trace(view, objects, u, v, ground_mean, out):
    """Colour (linear) of the picture at u, v in -1..1 (right, up); returns the solid's index or NO_OBJECT."""
    right, up, forward = view.axes[0], view.axes[1], view.axes[2]
    dx = forward[0] + u * right[0] + v * up[0]
    dy = forward[1] + u * right[1] + v * up[1]
    dz = forward[2] + u * right[2] + v * up[2]
    length = math.sqrt(dx * dx + dy * dy + dz * dz)
    dx, dy, dz = dx / length, dy / length, dz / length
    ex, ey, ez = view.eye[0], view.eye[1], view.eye[2]
    which, t = _nearest(objects, ex, ey, ez, dx, dy, dz, -1)
    if which >= 0:
        _solid(view, objects, which, ex + t * dx, ey + t * dy, ez + t * dz, dx, dy, dz, ground_mean, out, True)
        return which
    if dz > -1e-3:
        for c in range(3):
            out[c] = view.backdrop[c]
        return NO_OBJECT
    t = -ez / dz
    x, y = ex + t * dx, ey + t * dy
    bounce = np.empty(3)
    _bounced(objects, view, x, y, bounce)
    gloss = _ground(view, objects, x, y, t, -dz, bounce, out, True)
    if gloss > 0.0:
        # Polished floors mirror what stands on them.
        other, s = _nearest(objects, x, y, 1e-3, dx, dy, -dz, -1)
        share = gloss * (0.05 + 0.55 * (1.0 + dz) ** 3)
        if other >= 0:
            o = objects[other]
            pz = -dz * s
            level = min(max(0.5 + 0.5 * (pz - o[Z]) / o[SIZE], 0.0), 1.0)
            for c in range(3):
                out[c] += share * (o[RED + c] * (0.2 + 0.6 * level) * view.light_colour[c] - out[c] * 0.8)
        else:
            for c in range(3):
                out[c] += 0.25 * share * view.sky[0, c]
    return NO_OBJECT


@njit(cache=True)
def _developed(value):
    """Linear light to 0..1 as shown: a shoulder for the highlights, then gamma."""
    value = max(value, 0.0)
    if value > 0.7:
        value = 0.7 + 0.3 * (1.0 - 1.0 / (1.0 + (value - 0.7) / 0.3))
    return value**GAMMA


@njit(cache=True)
def _picture(view, objects, ground_mean, size, edge):
    picture = np.empty((size, size, 3))
    owner = np.empty((size, size), np.uint8)
    light = np.empty(3)
    for row in range(size):
        for column in range(size):
            u, v = (2.0 * column + 1.0) / size - 1.0, 1.0 - (2.0 * row + 1.0) / size
            owner[row, column] = _trace(view, objects, u, v, ground_mean, light)
            for c in range(3):
                picture[row, column, c] = _developed(light[c])
    # Four samples where the picture changes quickly.
    smooth = picture.copy()
    quarter = 0.5 / size
    for row in range(size):
        for column in range(size):
            change = 0.0
            for side in range(4):
                r = min(max(row + (side == 0) - (side == 1), 0), size - 1)
                k = min(max(column + (side == 2) - (side == 3), 0), size - 1)
                if owner[r, k] != owner[row, column]:
                    change = 1.0
                for c in range(3):
                    change = max(change, abs(picture[r, k, c] - picture[row, column, c]))
            if change < edge:
                continue
            total = np.zeros(3)
            for sample in range(4):
                u = (2.0 * column + 1.0) / size - 1.0 + (quarter if sample % 2 else -quarter)
                v = 1.0 - (2.0 * row + 1.0) / size + (quarter if sample // 2 else -quarter)
                _trace(view, objects, u, v, ground_mean, light)
                for c in range(3):
                    total[c] += _developed(light[c])
            for c in range(3):
                smooth[row, column, c] = total[c] / 4.0
    return smooth, owner


def render_view(view: View, objects: np.ndarray, size: int = 256, edge: float = 0.07) -> tuple[np.ndarray, np.ndarray]:
    """uint8 picture [size, size, 3] and owner [size, size]: index of the solid seen at each pixel's centre, or NO_OBJECT."""
    picture, owner = _picture(view, objects, mean_albedo(view.ground_colours), size, edge)
    rows = (np.arange(size) + 0.5) / size * 2.0 - 1.0
    vignette = 1.0 - 0.1 * np.clip(rows[:, None] ** 2 + rows[None] ** 2 - 0.5, 0.0, None)
    return (np.clip(picture * vignette[..., None], 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8), owner

"""The six solids as signed distance fields, compiled by numba. Everything is float64: see `render.py` about determinism.

A solid is one row of the scene's object table; the columns are the constants below. Local coordinates have the solid's centre
as origin; +z is up, and a standing ring or star faces along y.
"""

import math

import numpy as np
from numba import njit

CUBE, SPHERE, CYLINDER, CONE, RING, STAR = range(6)
SHAPES = ("cube", "sphere", "cylinder", "cone", "ring", "star")

# Columns of an object's row.
SHAPE, SIZE, X, Y, Z, COS, SIN, STANDING, MATERIAL, RED, GREEN, BLUE, RED2, GREEN2, BLUE2, BOUND = range(16)
COLUMNS = 16

ROUNDING = 0.07
INNER_STAR = 0.5
# A regular five-pointed star's corner directions (half angles of 36 and 72 degrees).
_K1X, _K1Y = 0.809016994375, -0.587785252292


@njit(cache=True)
def _box2(x, y, hx, hy):
    """Distance to a rectangle, exact outside and inside."""
    dx = abs(x) - hx
    dy = abs(y) - hy
    ox = max(dx, 0.0)
    oy = max(dy, 0.0)
    return math.sqrt(ox * ox + oy * oy) + min(max(dx, dy), 0.0)


@njit(cache=True)
def _star2(x, y, radius):
    """Distance to a five-pointed star with one point up."""
    x = abs(x)
    d = 2.0 * max(_K1X * x + _K1Y * y, 0.0)
    x -= d * _K1X
    y -= d * _K1Y
    d = 2.0 * max(-_K1X * x + _K1Y * y, 0.0)
    x += d * _K1X
    y -= d * _K1Y
    x = abs(x)
    y -= radius
    bx = INNER_STAR * 0.587785252292
    by = INNER_STAR * 0.809016994375 - 1.0
    h = (x * bx + y * by) / (bx * bx + by * by)
    h = min(max(h, 0.0), radius)
    ex = x - bx * h
    ey = y - by * h
    side = y * bx - x * by
    distance = math.sqrt(ex * ex + ey * ey)
    return distance if side > 0.0 else -distance


@njit(cache=True)
def _extruded(flat, z, half):
    """A solid whose section has distance `flat`, from -half to half along z."""
    w = abs(z) - half
    ox = max(flat, 0.0)
    oy = max(w, 0.0)
    return min(max(flat, w), 0.0) + math.sqrt(ox * ox + oy * oy)


@njit(cache=True)
def _cone(rho, z, radius, half):
    """A cone with its point up, as the distance to its triangular section."""
    # Corner at the base's rim; the slant runs from there to the point.
    slant_x, slant_z = -radius, 2.0 * half
    px, pz = rho - radius, z + half
    length2 = slant_x * slant_x + slant_z * slant_z
    t = min(max((px * slant_x + pz * slant_z) / length2, 0.0), 1.0)
    ex, ez = px - t * slant_x, pz - t * slant_z
    to_slant = math.sqrt(ex * ex + ez * ez)
    bx, bz = max(rho - radius, 0.0), z + half
    to_base = math.sqrt(bx * bx + bz * bz)
    inside = z > -half and px * slant_z - pz * slant_x < 0.0
    distance = min(to_slant, to_base)
    return -distance if inside else distance


@njit(cache=True)
def distance(shape, size, standing, x, y, z):
    """Signed distance in local coordinates."""
    r = ROUNDING * size
    if shape == SPHERE:
        return math.sqrt(x * x + y * y + z * z) - size
    if shape == CUBE:
        h = 0.8 * size - r
        qx, qy, qz = abs(x) - h, abs(y) - h, abs(z) - h
        ox, oy, oz = max(qx, 0.0), max(qy, 0.0), max(qz, 0.0)
        return math.sqrt(ox * ox + oy * oy + oz * oz) + min(max(qx, max(qy, qz)), 0.0) - r
    if shape == CYLINDER:
        return _box2(math.sqrt(x * x + y * y), z, 0.74 * size - r, 0.86 * size - r) - r
    if shape == CONE:
        return _cone(math.sqrt(x * x + y * y), z, 0.92 * size - r, 0.98 * size - r) - r
    if standing < 0.5:
        y, z = z, y
    if shape == RING:
        q = math.sqrt(x * x + z * z) - 0.71 * size
        return math.sqrt(q * q + y * y) - 0.29 * size
    return _extruded(_star2(x, z, 1.16 * size - r), y, 0.3 * size - r) - r


@njit(cache=True)
def object_distance(o, x, y, z):
    """Signed distance from a point of the world to the object of row `o`."""
    dx, dy = x - o[X], y - o[Y]
    return distance(int(o[SHAPE]), o[SIZE], o[STANDING], o[COS] * dx + o[SIN] * dy, o[COS] * dy - o[SIN] * dx, z - o[Z])


def resting_height(shape: int, size: float, standing: bool) -> float:
    """Height of the centre above the ground that the solid stands or lies on."""
    if shape == CUBE:
        return 0.8 * size
    if shape == SPHERE:
        return size
    if shape == CYLINDER:
        return 0.86 * size
    if shape == CONE:
        return 0.98 * size
    if shape == RING:
        return size if standing else 0.29 * size
    return (1.16 - ROUNDING) * size * _K1X + ROUNDING * size if standing else 0.3 * size


def bounding_radius(shape: int, size: float) -> float:
    return size * (1.4, 1.0, 1.15, 1.36, 1.0, 1.22)[shape]


def empty_row() -> np.ndarray:
    return np.zeros(COLUMNS, np.float64)

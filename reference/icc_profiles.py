"""ICC profiles written from the specification (ICC.1), so that no third party's file is copied: matrix and curve, RGB."""

import struct

import numpy as np

BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
D65 = np.array([0.3127, 0.3290])
D50 = np.array([0.9642, 1.0, 0.8249])


def wide_gamut_profile() -> bytes:
    """Primaries as in Display P3, sRGB's transfer curve as a version 4 parametric curve."""
    curve = struct.pack(">4sIHH5i", b"para", 0, 3, 0, *(s15f16(v) for v in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)))
    return profile([(0.680, 0.320), (0.265, 0.690), (0.150, 0.060)], curve, 4, "wide gamut test")


def gamma_profile() -> bytes:
    """Primaries as in Adobe RGB (1998), gamma 563/256 as a version 2 curve."""
    curve = struct.pack(">4sIIH", b"curv", 0, 1, 563)
    return profile([(0.64, 0.33), (0.21, 0.71), (0.15, 0.06)], curve, 2, "gamma test")


def profile(primaries: list[tuple[float, float]], curve: bytes, version: int, name: str) -> bytes:
    matrix = to_d50(primaries)
    tags = [
        (b"desc", text(name, version)),
        (b"cprt", text("public domain", version) if version == 4 else struct.pack(">4sI", b"text", 0) + b"public domain\0"),
        (b"wtpt", xyz(D50)),
        *((key, xyz(matrix[:, i])) for i, key in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))),
        *((key, curve) for key in (b"rTRC", b"gTRC", b"bTRC")),
    ]
    offset = 128 + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for key, content in tags:
        table += struct.pack(">4sII", key, offset + len(data), len(content))
        data += content + b"\0" * (-len(content) % 4)
    header = struct.pack(
        ">I4sI4s4s4s6H4s4sI4s4sQI3i4s44x",
        128 + len(table) + len(data),
        b"\0\0\0\0",
        version << 24,
        b"mntr",
        b"RGB ",
        b"XYZ ",
        *(2024, 1, 1, 0, 0, 0),
        b"acsp",
        b"\0\0\0\0",
        0,
        b"\0\0\0\0",
        b"\0\0\0\0",
        0,
        0,
        *(s15f16(v) for v in D50),
        b"\0\0\0\0",
    )
    return header + table + data


def to_d50(primaries: list[tuple[float, float]]) -> np.ndarray:
    """Linear RGB to XYZ, adapted from D65 to the profile connection space's D50 (Bradford)."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    white = np.array([D65[0] / D65[1], 1, (1 - D65.sum()) / D65[1]])
    rgb_to_xyz = columns * np.linalg.solve(columns, white)
    adapt = np.linalg.inv(BRADFORD) @ np.diag((BRADFORD @ D50) / (BRADFORD @ white)) @ BRADFORD
    return adapt @ rgb_to_xyz


def s15f16(value: float) -> int:
    return round(value * 65536)


def xyz(values: np.ndarray) -> bytes:
    return struct.pack(">4sI3i", b"XYZ ", 0, *(s15f16(v) for v in values))


def text(content: str, version: int) -> bytes:
    if version == 4:
        encoded = content.encode("utf-16-be")
        return struct.pack(">4sIII2s2sII", b"mluc", 0, 1, 12, b"en", b"US", len(encoded), 28) + encoded
    ascii_text = content.encode("ascii") + b"\0"
    return struct.pack(">4sII", b"desc", 0, len(ascii_text)) + ascii_text + b"\0" * 78

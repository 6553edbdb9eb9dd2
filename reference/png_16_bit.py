"""PNG files that Pillow can neither write nor read in full: 16 bits per channel with colour or alpha."""

import struct
import zlib
from pathlib import Path

import numpy as np

COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def write_png(path: Path, pixels: np.ndarray, icc: bytes | None = None) -> None:
    """pixels [height, width, channels], uint8 or uint16; 1 gray, 2 gray + alpha, 3 RGB, 4 RGBA. Filter "up" on every row."""
    height, width, channels = pixels.shape
    depth = pixels.dtype.itemsize * 8
    rows = pixels.astype(f">u{pixels.dtype.itemsize}").tobytes()
    rows = np.frombuffer(rows, np.uint8).reshape(height, -1)
    above = np.vstack([np.zeros_like(rows[:1]), rows[:-1]])
    filtered = np.hstack([np.full((height, 1), 2, np.uint8), rows - above])
    header = struct.pack(">IIBBBBB", width, height, depth, COLOUR_TYPES[channels], 0, 0, 0)
    chunks = [(b"IHDR", header)]
    if icc is not None:
        chunks.append((b"iCCP", b"profile\0\0" + zlib.compress(icc, 9)))
    chunks += [(b"IDAT", zlib.compress(filtered.tobytes(), 9)), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def read_png16(path: Path) -> np.ndarray:
    """[height, width, channels] uint16 of a file that write_png wrote (Pillow would give 8 bits): filter "up" only."""
    data, offset, packed = path.read_bytes(), 8, b""
    while offset < len(data):
        length, kind = struct.unpack_from(">I4s", data, offset)
        body = data[offset + 8 : offset + 8 + length]
        if kind == b"IHDR":
            width, height, _, colour = struct.unpack_from(">IIBB", body)
        elif kind == b"IDAT":
            packed += body
        offset += 12 + length
    channels = {0: 1, 4: 2, 2: 3, 6: 4}[colour]
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, -1)[:, 1:]
    rows = np.cumsum(rows, axis=0, dtype=np.uint64).astype(np.uint8)
    return np.frombuffer(rows.tobytes(), ">u2").reshape(height, width, channels)

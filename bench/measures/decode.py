"""Decodes every picture of a folder's subfolders: decode.py <images> <out> writes <out>/<folder>-<name>.ppm"""

import sys
from pathlib import Path

from PIL import Image

for path in sorted(Path(sys.argv[1]).glob("*/*.jpg")):
    Image.open(path).convert("RGB").save(Path(sys.argv[2]) / f"{path.parent.name}-{path.stem}.ppm")

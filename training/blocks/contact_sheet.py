"""A sheet of scenes to look at: `python contact_sheet.py out.png [--first SEED] [--columns 5] [--rows 4]`."""

import argparse

import numpy as np
from PIL import Image

from world import draw_scene, render


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--columns", type=int, default=5)
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--size", type=int, default=256)
    options = parser.parse_args()
    pictures = [render(draw_scene(options.first + i), options.size)[0] for i in range(options.columns * options.rows)]
    grid = np.stack(pictures).reshape(options.rows, options.columns, options.size, options.size, 3)
    Image.fromarray(np.concatenate(np.concatenate(grid, axis=1), axis=1)).save(options.output)


if __name__ == "__main__":
    main()

import type { RgbaImage } from '../image/rgbaImage.ts';

/** Picture `k` of `reference/measure_goldens.py`, which says the formula; for tests. */
export function goldenPicture(k: number, { width, height }: { width: number; height: number }): RgbaImage {
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const wave = Math.abs(((3 * x + (1 + k) * y) % 256) - 128) + Math.abs(((x + (4 - k) * y) % 90) - 45);
      const strength = 1 + (((x >> 5) + (y >> 5)) % 3);
      for (let c = 0; c < 3; c++) {
        let word = Math.imul(1 + x + 4096 * y + c * 2 ** 24 + k, 2654435761);
        word ^= word >>> 15;
        word = Math.imul(word, 2246822519);
        word ^= word >>> 13;
        const noise = (word & 63) + ((word >>> 8) & 63) - 63;
        data[(y * width + x) * 4 + c] = 20 + wave + c * 8 + Math.floor((noise * strength) / 4);
      }
    }
  }
  return { width, height, data };
}

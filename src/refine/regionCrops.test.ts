import { describe, expect, test } from 'vitest';
import { mirroredIndex } from '../image/cropImage.ts';
import type { RgbaImage } from '../image/rgbaImage.ts';
import type { PixelRectangle } from '../pipeline/refinement.ts';
import { cropForModel, cropFromModel, overlap, type RegionCrop, regionCrops, repaintedPixels } from './regionCrops.ts';
import { maskGrid, type RepairRegion, regionsOfMask } from './repairMask.ts';

/** One region per rectangle, its mask 1 all over. */
function regionsAt(image: { width: number; height: number }, ...places: PixelRectangle[]): readonly RepairRegion[] {
  const grid = maskGrid(image);
  const scale = grid.width / image.width;
  return places.flatMap((place) => {
    const mask = new Float32Array(grid.width * grid.height);
    for (let y = Math.floor(place.y * scale); y < (place.y + place.height) * scale; y++) {
      for (let x = Math.floor(place.x * scale); x < (place.x + place.width) * scale; x++) mask[y * grid.width + x] = 1;
    }
    return regionsOfMask(mask, { grid, image });
  });
}
const at = (x: number, y: number, width: number, height = width): PixelRectangle => ({ x, y, width, height });

function crops(image: { width: number; height: number }, places: PixelRectangle[], over = {}): readonly RegionCrop[] {
  const options = { image, nativeSize: 512, granularity: 64, context: 0.5, ...over };
  return regionCrops(regionsAt(image, ...places), options);
}

describe('regionCrops', () => {
  const image = { width: 1000, height: 1000 };

  test('a small region is enlarged at most twice, and gets surroundings instead', () => {
    expect(crops(image, [at(500, 500, 20)])).toMatchObject([
      { window: at(382, 382, 256), content: { width: 512, height: 512 }, working: { width: 512, height: 512 } },
    ]);
  });

  test('a region with its context just below the native size takes all of it, unscaled', () => {
    expect(crops(image, [at(400, 400, 210)])).toMatchObject([{ window: at(249, 249, 512), content: { width: 512 } }]);
  });

  test('a large one is scaled down, at the border it is moved inside', () => {
    expect(crops(image, [at(0, 600, 400)])).toMatchObject([
      { window: at(0, 200, 800), content: { width: 512, height: 512 }, working: { width: 512, height: 512 } },
    ]);
  });

  test('an image narrower than the crop is used as a whole and padded to what the model takes', () => {
    expect(crops({ width: 700, height: 400 }, [at(0, 0, 700, 400)])).toMatchObject([
      { window: at(0, 0, 700, 400), content: { width: 512, height: 293 }, working: { width: 512, height: 320 } },
    ]);
    expect(crops({ width: 3, height: 500 }, [at(0, 0, 3, 500)])).toMatchObject([
      { window: at(0, 0, 3, 500), content: { width: 3, height: 512 }, working: { width: 256, height: 512 } },
    ]);
    expect(crops({ width: 1, height: 1 }, [at(0, 0, 1)])).toMatchObject([
      { window: at(0, 0, 1), content: { width: 512, height: 512 }, working: { width: 512, height: 512 } },
    ]);
  });

  test('regions whose crops overlap share one while the native size holds both', () => {
    const shared = crops(image, [at(300, 300, 40), at(420, 380, 40)]);
    expect(shared).toHaveLength(1);
    expect(shared[0]?.regions).toHaveLength(2);
    expect(shared[0]?.window.width).toBeLessThanOrEqual(512);
    expect(crops(image, [at(100, 100, 40), at(800, 800, 40)])).toHaveLength(2);
  });

  test('every region has one crop that holds it whole, whatever the image', () => {
    let state = 11;
    const random = (limit: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * limit);
    };
    for (let round = 0; round < 20; round++) {
      const size = { width: 1 + random(1500), height: 1 + random(1500) };
      const places = Array.from({ length: 1 + random(6) }, () => {
        const [width, height] = [1 + random(Math.min(size.width, 300)), 1 + random(Math.min(size.height, 300))];
        return { x: random(size.width - width + 1), y: random(size.height - height + 1), width, height };
      });
      const regions = regionsAt(size, ...places);
      const made = regionCrops(regions, { image: size, nativeSize: 512, granularity: 64, context: 0.25 });
      expect(made.flatMap((crop) => crop.regions)).toHaveLength(regions.length);
      for (const { window, regions: own, content, working } of made) {
        for (const { place } of own) {
          expect(place.x).toBeGreaterThanOrEqual(window.x);
          expect(place.y).toBeGreaterThanOrEqual(window.y);
          expect(place.x + place.width).toBeLessThanOrEqual(window.x + window.width);
          expect(place.y + place.height).toBeLessThanOrEqual(window.y + window.height);
        }
        expect(window.x >= 0 && window.x + window.width <= size.width).toBe(true);
        expect(window.y >= 0 && window.y + window.height <= size.height).toBe(true);
        expect(working.width % 64 === 0 && working.height % 64 === 0).toBe(true);
        expect(Math.max(working.width, working.height)).toBe(512);
        expect(content.width <= working.width && content.height <= working.height).toBe(true);
      }
    }
  });

  test('overlap needs a shared pixel', () => {
    expect(overlap(at(0, 0, 2), at(2, 0, 2))).toBe(false);
    expect(overlap(at(0, 0, 2), at(1, 1, 2))).toBe(true);
  });
});

describe('to the model and back', () => {
  test('an unscaled crop comes back byte for byte', () => {
    const data = Uint8ClampedArray.from({ length: 90 * 70 * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * 31) % 251));
    const image: RgbaImage = { width: 90, height: 70, data };
    const [crop] = crops(image, [at(10, 10, 80, 60)], { nativeSize: 90, granularity: 8 }) as [RegionCrop];
    expect(crop).toMatchObject({ window: at(0, 0, 90, 70), working: { width: 96, height: 72 } });
    const shown = cropForModel(image, crop);
    expect([shown.width, shown.height]).toEqual([96, 72]);
    expect(shown.data[4 * 92]).toBe(data[4 * mirroredIndex(92, 90)]);
    expect(cropFromModel(shown, crop).data).toEqual(data);
  });

  test('repaints where the mask is at least a half, its mirror image in the padding', () => {
    const mask = Float32Array.of(0, 0.49, 0.5, 1);
    const regions = regionsOfMask(mask, { grid: { width: 4, height: 1 }, image: { width: 4, height: 1 } });
    const crop: RegionCrop = {
      window: { x: 0, y: 0, width: 4, height: 1 },
      content: { width: 8, height: 2 },
      working: { width: 10, height: 3 },
      regions,
    };
    const row = [0, 0, 0, 0, 1, 1, 1, 1, 1, 1];
    expect(Array.from(repaintedPixels(crop))).toEqual([...row, ...row, ...row]);
  });
});

/**
 * Putting new pixels into an image and old ones back, a region at a time. Outside the region's mask no byte is written:
 * that, and not the arithmetic, is why good pixels stay as they are.
 */
import type { RgbaImage } from '../image/rgbaImage.ts';
import type { PixelRectangle } from '../pipeline/refinement.ts';
import type { RepairRegion } from './repairMask.ts';
import { readMaskRow } from './softMask.ts';

/** Calls `visit` with each row of the region within the window and the mask's values there. */
function forEachRow(
  { place, mask }: RepairRegion,
  window: PixelRectangle,
  visit: (row: { readonly x: number; readonly y: number; readonly mask: Float32Array }) => void,
): void {
  const x = Math.max(place.x, window.x);
  const right = Math.min(place.x + place.width, window.x + window.width);
  const bottom = Math.min(place.y + place.height, window.y + window.height);
  if (right <= x) return;
  const row = new Float32Array(right - x);
  for (let y = Math.max(place.y, window.y); y < bottom; y++) {
    readMaskRow(mask, { x, y }, row);
    visit({ x, y, mask: row });
  }
}

/**
 * Blends new pixels into the image by the region's mask: `old + mask · (new − old)`, rounded.
 *
 * @param image changed in place
 * @param patch the new pixels of `window`
 * @throws RangeError if the patch has another size than the window
 */
export function blendRegion(
  image: RgbaImage,
  {
    region,
    patch,
    window,
  }: { readonly region: RepairRegion; readonly patch: RgbaImage; readonly window: PixelRectangle },
): void {
  if (patch.width !== window.width || patch.height !== window.height) {
    throw new RangeError(`${patch.width}x${patch.height} pixels for a window of ${window.width}x${window.height}`);
  }
  forEachRow(region, window, ({ x, y, mask }) => {
    let to = (y * image.width + x) * 4;
    let from = ((y - window.y) * window.width + x - window.x) * 4;
    for (let i = 0; i < mask.length; i++, to += 4, from += 4) {
      const m = mask[i] as number;
      if (m === 0) continue;
      for (let channel = 0; channel < 3; channel++) {
        const old = image.data[to + channel] as number;
        image.data[to + channel] = old + m * ((patch.data[from + channel] as number) - old);
      }
    }
  });
}

/**
 * Puts the old pixels of a region back: byte for byte wherever the mask is above 0, so everywhere that {@link blendRegion}
 * with it has written.
 *
 * @param image changed in place
 * @param old the image as it was, of the same size
 */
export function restoreRegion(
  image: RgbaImage,
  { region, old }: { readonly region: RepairRegion; readonly old: RgbaImage },
): void {
  forEachRow(region, region.place, ({ x, y, mask }) => {
    for (let i = 0; i < mask.length; i++) {
      if (mask[i] === 0) continue;
      const at = (y * image.width + x + i) * 4;
      image.data.set(old.data.subarray(at, at + 4), at);
    }
  });
}

import { legendStops, paintHeatmap, relativeRange } from '../image/heatmap.ts';
import { mergedMask } from '../quality/mergedMask.ts';
import type { Scale } from '../store/viewSlice.ts';
import type { Layer } from './layer.ts';
import type { Size } from './viewport.ts';

/** The mask's colour, as retouchers have always masked: ruby. RGB, 0..255. */
export const MASK_COLOR: readonly [number, number, number] = [255, 0, 72];

/** Lowest and highest value of the colours. */
export function colorRange(layer: Pick<Layer, 'map'>, scale: Scale): readonly [number, number] {
  return scale === 'relative' ? relativeRange([layer.map]) : [0, 1];
}

/** Paints a layer. @returns RGBA, not premultiplied, `[height, width, 4]` */
export function paintLayer(
  { map, reads, mask }: Pick<Layer, 'map' | 'reads' | 'mask'>,
  { width, height, scale }: Size & { readonly scale: Scale },
): Uint8ClampedArray<ArrayBuffer> {
  if (!mask) return paintHeatmap(map, { width, height, reads, range: colorRange({ map }, scale) });
  const { mask: inside } = mergedMask(mask, { width, height, threshold: mask.threshold });
  const pixels = new Uint8ClampedArray(inside.length * 4);
  const [red, green, blue] = MASK_COLOR;
  for (let i = 0; i < inside.length; i++) {
    pixels[i * 4] = red;
    pixels[i * 4 + 1] = green;
    pixels[i * 4 + 2] = blue;
    pixels[i * 4 + 3] = 255 * (inside[i] as number);
  }
  return pixels;
}

/** The colours from the lowest value to the highest as a CSS image. */
export function legendGradient(reads: Layer['reads']): string {
  const stops = legendStops(33, { reads }).map(({ color, position }) => `${color} ${(position * 100).toFixed(1)}%`);
  return `linear-gradient(to right, ${stops.join(', ')})`;
}

import { legendStops, paintHeatmap, relativeRange } from '../image/heatmap.ts';
import { repairMask } from '../refine/repairMask.ts';
import type { Scale } from '../store/viewSlice.ts';
import type { Layer, MaskSource } from './layer.ts';
import type { Size } from './viewport.ts';

/** The mask's colour, as retouchers have always masked: ruby. RGB, 0..255. */
export const MASK_COLOR: readonly [number, number, number] = [255, 0, 72];

/** Lowest and highest value of the colours: the same for all layers that are seen together. */
export function colorRange(layers: readonly Pick<Layer, 'map'>[], scale: Scale): readonly [number, number] {
  return scale === 'relative' ? relativeRange(layers.map(({ map }) => map)) : [0, 1];
}

/** Longest side painted for a map: patches hold no more detail than this shows. */
const HEAT_SIDE = 512;
/** For a mask: its edge is soft anyway, and unlike a heatmap it cannot be made in bands. */
const MASK_SIDE = 224;
/** Rows of a heatmap painted between two chances for the page to do something else. */
const BAND_ROWS = 96;

/** Pixels of a painted layer: RGBA, not premultiplied, `[height, width, 4]`. */
export interface PaintedLayer extends Size {
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

type Painted = Pick<Layer, 'map' | 'reads' | 'mask'>;

/**
 * Paints a layer for a picture of the given aspect, in steps: between two of them the page gets its turn.
 * @yields null after every step but the last, then the whole layer
 */
export function* paintLayer(
  { map, reads, mask }: Painted,
  { aspect, range }: { readonly aspect: number; readonly range: readonly [number, number] },
): Generator<null, PaintedLayer> {
  const side = mask ? MASK_SIDE : HEAT_SIDE;
  const width = Math.max(1, Math.round(side * Math.min(1, aspect)));
  const height = Math.max(1, Math.round(side / Math.max(1, aspect)));
  if (mask) return { width, height, data: paintMask(mask, { width, height }) };
  const data = new Uint8ClampedArray(width * height * 4);
  for (let start = 0; start < height; start += BAND_ROWS) {
    if (start > 0) yield null;
    const end = Math.min(height, start + BAND_ROWS);
    data.set(paintHeatmap(map, { width, height, reads, range, rows: [start, end] }), start * width * 4);
  }
  return { width, height, data };
}

function paintMask({ choice, ...analysed }: MaskSource, { width, height }: Size): Uint8ClampedArray<ArrayBuffer> {
  const mask = repairMask({ ...analysed, imageWidth: width, imageHeight: height }, choice);
  const pixels = new Uint8ClampedArray(mask.length * 4);
  const [red, green, blue] = MASK_COLOR;
  for (let i = 0; i < mask.length; i++) {
    pixels[i * 4] = red;
    pixels[i * 4 + 1] = green;
    pixels[i * 4 + 2] = blue;
    pixels[i * 4 + 3] = 255 * (mask[i] as number);
  }
  return pixels;
}

/** The colours from the lowest value to the highest as a CSS image. */
export function legendGradient(reads: Layer['reads']): string {
  const stops = legendStops(33, { reads }).map(({ color, position }) => `${color} ${(position * 100).toFixed(1)}%`);
  return `linear-gradient(to right, ${stops.join(', ')})`;
}

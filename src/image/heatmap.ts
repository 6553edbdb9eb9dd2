import { type ScalarGrid, upsampleBicubic } from '../math/resampling.ts';
import { type RampName, rampTable } from './colorRamp.ts';

/**
 * How values become colours. Attention goes where the *heat* is: the badness `1 − value` of a quality map, or the value
 * itself of a map of presence (where a phrase is found).
 */
export interface HeatColors {
  /** What a value of 1 means. Default `quality`: 1 = good, nothing to see. */
  readonly reads?: 'quality' | 'presence';
  /** Values drawn as the two ends of the ramp; others are clipped. Default 0 to 1, the absolute scale. */
  readonly range?: readonly [number, number];
  /** Default `inferno`. */
  readonly ramp?: RampName;
  /** True: every pixel covers what lies under it, with the same colours. Default: transparent where there is no heat. */
  readonly opaque?: boolean;
}

/** A heatmap's size in pixels and its colours. */
export interface HeatmapOptions extends HeatColors {
  /** Size of the whole heatmap. */
  readonly width: number;
  readonly height: number;
  /** Only these rows of it, `[start, end)`. */
  readonly rows?: readonly [number, number];
}

/** Heat from which the overlay is opaque. Below it fades, so that good parts of the picture stay as they are. */
const opaqueHeat = 0.6;

/** Opacity of the overlay by heat, both 0..1: a smooth step without edges at either end. */
function opacityOf(heat: number): number {
  const t = Math.min(heat / opaqueHeat, 1);
  return t * t * (3 - 2 * t);
}

/** The 256 colours from no heat to all of it as `[256, 4]` RGBA, not premultiplied. */
function heatTable({ ramp = 'inferno', opaque = false }: HeatColors): Uint8ClampedArray<ArrayBuffer> {
  const colors = rampTable(ramp);
  const table = new Uint8ClampedArray(256 * 4);
  for (let i = 0; i < 256; i++) {
    table.set(colors.subarray(i * 3, i * 3 + 3), i * 4);
    table[i * 4 + 3] = opaque ? 255 : 255 * opacityOf(i / 255);
  }
  return table;
}

/**
 * Slope and offset of heat in 0..255 by value: `heat = slope * value + offset`. A range without extent has no heat: where
 * all is equally good, nothing is worse than the rest.
 */
function heatLine({ reads = 'quality', range: [low, high] = [0, 1] }: HeatColors): { slope: number; offset: number } {
  if (!(high > low)) return { slope: 0, offset: 0 };
  const slope = 255 / (high - low);
  return reads === 'presence' ? { slope, offset: -low * slope } : { slope: -slope, offset: high * slope };
}

/**
 * The range of a relative view: the lowest and highest value in any of the maps. Give it all the maps that are to be
 * compared, such as before and after a repair, so that equal colours mean equal values. Spec "PQ-Map": the relative view
 * always paints something bad, even in a perfect image; masks and scores never use it.
 */
export function relativeRange(maps: readonly ScalarGrid[]): readonly [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const { values } of maps) {
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? [low, high] : [0, 1];
}

/**
 * Paints a map as colours over an image, upsampled bicubically (spec "PQ-Map").
 *
 * @returns RGBA, not premultiplied, `[height, width, 4]` or `[end - start, width, 4]`
 * @throws RangeError if a size is not a positive integer or rows lie outside
 */
export function paintHeatmap(
  map: ScalarGrid,
  { width, height, rows = [0, height], ...colors }: HeatmapOptions,
): Uint8ClampedArray<ArrayBuffer> {
  const values = upsampleBicubic(map, { width, height, rows });
  const { slope, offset } = heatLine(colors);
  // One write a pixel: four bytes of the table seen as one number, in whatever order this machine has them.
  const table = new Uint32Array(heatTable(colors).buffer);
  const pixels = new Uint32Array(values.length);
  const rounding = offset + 0.5;
  for (let i = 0; i < values.length; i++) {
    const heat = slope * (values[i] as number) + rounding;
    pixels[i] = table[heat < 0 ? 0 : heat > 255 ? 255 : heat | 0] as number;
  }
  return new Uint8ClampedArray(pixels.buffer);
}

/** One stop of a legend. */
export interface LegendStop {
  /** Along the legend, 0..1: from the lowest value of the range to the highest. */
  readonly position: number;
  /** The value of the map there. */
  readonly value: number;
  /** The colour a pixel of this value has, for CSS. */
  readonly color: string;
}

/**
 * The legend of {@link paintHeatmap} with the same colours.
 *
 * @param count number of stops, at least 2
 * @throws RangeError if there are fewer than two stops
 */
export function legendStops(count: number, colors: HeatColors = {}): readonly LegendStop[] {
  if (!(Number.isInteger(count) && count >= 2)) throw new RangeError(`A legend of ${count} stops`);
  const [low, high] = colors.range ?? [0, 1];
  const table = heatTable(colors);
  const { slope, offset } = heatLine(colors);
  return Array.from({ length: count }, (_, i) => {
    const position = i / (count - 1);
    const value = low + (high - low) * position;
    const heat = Math.min(Math.max(Math.floor(slope * value + offset + 0.5), 0), 255);
    const [red, green, blue, alpha] = table.subarray(heat * 4, heat * 4 + 4) as unknown as number[];
    return { position, value, color: `rgb(${red} ${green} ${blue} / ${((alpha as number) / 255).toFixed(3)})` };
  });
}

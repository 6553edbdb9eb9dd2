import type { ScalarGrid } from '../math/resampling.ts';
import { type HeatmapOptions, paintHeatmap } from './heatmap.ts';

/** Pixels painted at a time: 16 MiB of RGBA and as much of values, whatever the size of the whole. */
const stripPixels = 4 << 20;

/**
 * A heatmap as PNG at any size a canvas can have, painted in strips so that besides the canvas only one strip is in memory.
 * For workers.
 *
 * @throws RangeError as {@link paintHeatmap}; `signal`'s reason when it is aborted between two strips
 */
export async function heatmapPng(
  map: ScalarGrid,
  { signal, ...options }: Omit<HeatmapOptions, 'rows'> & { readonly signal?: AbortSignal },
): Promise<Blob> {
  const { width, height } = options;
  const canvas = new OffscreenCanvas(width, height);
  // Only written and encoded: kept off the GPU, whose textures are often limited to 8,192 or 16,384 px.
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error(`No canvas of ${width}x${height}`);
  const stripRows = Math.max(1, Math.floor(stripPixels / width));
  for (let start = 0; start < height; start += stripRows) {
    signal?.throwIfAborted();
    const end = Math.min(height, start + stripRows);
    const pixels = paintHeatmap(map, { ...options, rows: [start, end] });
    context.putImageData(new ImageData(pixels, width, end - start), 0, start);
    // Lets messages (such as a cancel) in between two strips.
    await new Promise((resolve) => setTimeout(resolve));
  }
  return canvas.convertToBlob({ type: 'image/png' });
}

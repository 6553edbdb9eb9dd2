import { describe, expect, it } from 'vitest';
import type { ScalarGrid } from '../math/resampling.ts';
import { rampTable } from './colorRamp.ts';
import { legendStops, paintHeatmap, relativeRange } from './heatmap.ts';

const map = (gridWidth: number, values: readonly number[]): ScalarGrid => ({
  gridWidth,
  gridHeight: values.length / gridWidth,
  values: new Float32Array(values),
});

const pixel = (data: Uint8ClampedArray, i: number) => Array.from(data.subarray(i * 4, i * 4 + 4));

/** Lightness L* of a colour by CIE 1976. */
function lightness([red, green, blue]: number[]): number {
  const linear = (v: number) => (v <= 10 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const y = 0.2126 * linear(red as number) + 0.7152 * linear(green as number) + 0.0722 * linear(blue as number);
  return y > 0.008856 ? 116 * Math.cbrt(y) - 16 : 903.3 * y;
}

describe('rampTable', () => {
  it.each(['inferno', 'cividis'] as const)('%s rises in lightness evenly, so that it reads in gray', (ramp) => {
    const table = rampTable(ramp);
    const steps = Array.from({ length: 16 }, (_, i) =>
      lightness(Array.from(table.subarray(i * 16 * 3, i * 16 * 3 + 3))),
    );
    const rises = steps.slice(1).map((value, i) => value - (steps[i] as number));
    const mean = rises.reduce((sum, rise) => sum + rise, 0) / rises.length;
    for (const rise of rises) expect(Math.abs(rise - mean)).toBeLessThan(0.6 * mean);
  });

  it('has the ends and the middle of the published tables', () => {
    expect(Array.from(rampTable('inferno').slice(0, 3))).toEqual([0, 0, 4]);
    expect(Array.from(rampTable('inferno').slice(-3))).toEqual([252, 255, 164]);
    expect(Array.from(rampTable('cividis').slice(0, 3))).toEqual([0, 34, 78]);
    expect(Array.from(rampTable('cividis').slice(-3))).toEqual([254, 232, 56]);
  });
});

describe('paintHeatmap', () => {
  it('leaves good parts transparent and covers bad ones with the end of the ramp', () => {
    const data = paintHeatmap(map(2, [1, 0]), { width: 2, height: 1 });
    expect(pixel(data, 0)).toEqual([0, 0, 4, 0]);
    expect(pixel(data, 1)).toEqual([252, 255, 164, 255]);
  });

  it('grows more opaque with badness', () => {
    const badness = Array.from({ length: 11 }, (_, i) => i / 10);
    const alphas = badness.map((bad) => paintHeatmap(map(1, [1 - bad]), { width: 1, height: 1 })[3] as number);
    expect(alphas).toEqual([...alphas].sort((a, b) => a - b));
    // Heat 77 of 255, half way (0.5033) to where it is opaque: 255 * (3 - 2 * 0.5033) * 0.5033^2 = 128.8.
    expect(alphas[3]).toBe(129);
    expect(alphas.slice(6)).toEqual([255, 255, 255, 255, 255]);
  });

  it('paints the same colours opaque', () => {
    const grid = map(3, [0.9, 0.4, 0.1]);
    const overlay = paintHeatmap(grid, { width: 9, height: 4 });
    const opaque = paintHeatmap(grid, { width: 9, height: 4, opaque: true });
    expect(opaque.filter((_, i) => i % 4 !== 3)).toEqual(overlay.filter((_, i) => i % 4 !== 3));
    expect(opaque.every((value, i) => i % 4 !== 3 || value === 255)).toBe(true);
  });

  it('reads maps of presence the other way round', () => {
    const data = paintHeatmap(map(2, [1, 0]), { width: 2, height: 1, reads: 'presence' });
    expect([data[3], data[7]]).toEqual([255, 0]);
  });

  it('gives equal values equal colours in maps that share a relative range', () => {
    const before = map(2, [0.5, 0.6]);
    const after = map(2, [0.6, 0.7]);
    const range = relativeRange([before, after]);
    expect(range).toEqual([0.5, Math.fround(0.7)]);
    const colors = { width: 2, height: 1, range };
    // Overshoot is the kernel's; at the cell centres of a 2-pixel picture there is none.
    expect(pixel(paintHeatmap(before, colors), 1)).toEqual(pixel(paintHeatmap(after, colors), 0));
    expect(pixel(paintHeatmap(before, colors), 0)).toEqual([252, 255, 164, 255]);
  });

  it('paints nothing where all is equally good', () => {
    const flat = map(2, [0.3, 0.3]);
    const data = paintHeatmap(flat, { width: 2, height: 1, range: relativeRange([flat]) });
    expect([data[3], data[7]]).toEqual([0, 0]);
  });

  it('paints the same in strips', () => {
    const grid = map(4, [0.1, 0.9, 0.3, 0.5, 0.6, 0.2, 0.8, 0.4, 0.7, 0, 1, 0.55]);
    const whole = paintHeatmap(grid, { width: 17, height: 11 });
    const strips = [0, 4, 8].flatMap((start) => [
      ...paintHeatmap(grid, { width: 17, height: 11, rows: [start, Math.min(11, start + 4)] }),
    ]);
    expect(strips).toEqual([...whole]);
  });

  it('paints a value that is not a number as no heat', () => {
    expect(paintHeatmap(map(1, [Number.NaN]), { width: 1, height: 1 })[3]).toBe(0);
  });

  it('refuses rows outside and sizes without pixels', () => {
    expect(() => paintHeatmap(map(1, [1]), { width: 1, height: 0 })).toThrow(RangeError);
    expect(() => paintHeatmap(map(1, [1]), { width: 1, height: 2, rows: [1, 3] })).toThrow(RangeError);
  });
});

describe('legendStops', () => {
  it('has the colours a pixel of that value has', () => {
    const range = [0.2, 0.8] as const;
    for (const { value, color } of legendStops(8, { range, ramp: 'cividis' })) {
      const [red, green, blue, alpha] = paintHeatmap(map(1, [value]), { width: 1, height: 1, range, ramp: 'cividis' });
      expect(color).toBe(`rgb(${red} ${green} ${blue} / ${((alpha as number) / 255).toFixed(3)})`);
    }
  });

  it('goes from the lowest value to the highest', () => {
    expect(legendStops(3, { range: [0.5, 1] }).map(({ position, value }) => [position, value])).toEqual([
      [0, 0.5],
      [0.5, 0.75],
      [1, 1],
    ]);
    expect(() => legendStops(1)).toThrow(RangeError);
  });
});

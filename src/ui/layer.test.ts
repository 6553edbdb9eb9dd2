import { expect, test } from 'vitest';
import { paintHeatmap } from '../image/heatmap.ts';
import type { QualityMap } from '../quality/qualityMap.ts';
import type { AlignmentResult, PerceptualResult } from '../quality/qualityResults.ts';
import { defaultRefineSettings } from '../refine/refineSettings.ts';
import type { ImageItem } from '../store/imagesSlice.ts';
import { savableLayer, savableMaps } from './exports.ts';
import { type Layer, type LayerView, layerOf, missingLayerReason, worseOf } from './layer.ts';
import { colorRange, MASK_COLOR, paintLayer } from './paintLayer.ts';

const grid = (...values: number[]): QualityMap => ({ gridWidth: 2, gridHeight: 1, values: Float32Array.from(values) });
const maps = { overall: grid(1, 1), technical: grid(0.2, 1), rationality: grid(1, 1), naturalness: grid(1, 1) };
const perceptual: PerceptualResult = {
  mode: 'learned',
  score: 1,
  factors: { overall: 1, technical: 1, rationality: 1, naturalness: 1 },
  map: grid(0.25, 1),
  factorMaps: maps,
};
const token = { text: 'dog', start: 0, end: 3 };
const phrase = (scope: 'place' | 'whole') => ({
  phrase: { text: 'dog', tokens: [token], noun: token, ancestor: null, scope },
  status: 'ok' as const,
  score: 1,
  nounScore: 1,
  map: grid(0, 1),
  nounMap: grid(0, 1),
  emphasis: 1,
});
const alignment: AlignmentResult = {
  score: 1,
  promptScore: 1,
  phrases: [phrase('place'), phrase('whole')],
  map: grid(0.75, 0.5),
  defect: grid(0.25, 0.1),
};
const image = {
  id: 'i',
  file: new File([], 'dog.png'),
  opened: null,
  prompt: 'dog',
  job: { state: 'done' },
  perceptual,
  alignment,
  alignmentPrompt: 'dog',
  result: null,
  packId: null,
} as ImageItem;
const view: LayerView = {
  overlay: 'perceptual',
  factor: null,
  pinnedPhrase: null,
  hoveredPhrase: null,
  showOriginal: false,
  scale: 'absolute',
  repairChoice: defaultRefineSettings,
};

test('the overlay chooses the map, a factor its own', () => {
  expect(layerOf(image, view)?.map).toBe(perceptual.map);
  expect(layerOf(image, { ...view, factor: 'technical' })?.map).toBe(maps.technical);
  expect(layerOf(image, { ...view, overlay: 'alignment' })?.map).toBe(alignment.map);
  expect(layerOf(image, { ...view, overlay: 'none' })).toBeNull();
  expect(layerOf(image, { ...view, showOriginal: true })).toBeNull();
});

test('both is the worse of the two in every place, and the same object every time', () => {
  const layer = layerOf(image, { ...view, overlay: 'both' });
  expect([...(layer?.map.values ?? [])]).toEqual([0.25, 0.5]);
  expect(layerOf(image, { ...view, overlay: 'both' })?.map).toBe(layer?.map);
  expect(() => worseOf(grid(1, 1), { gridWidth: 1, gridHeight: 1, values: Float32Array.of(1) })).toThrow(RangeError);
});

test('a phrase under the pointer wins over a pinned one, and one without a place shows nothing of its own', () => {
  const pinned = { ...view, pinnedPhrase: 0 };
  expect(layerOf(image, pinned)).toMatchObject({ name: '“dog”', reads: 'presence' });
  expect(layerOf(image, { ...pinned, hoveredPhrase: 1 })?.map).toBe(perceptual.map);
});

test('the mask keeps its source while nothing changes', () => {
  const mask = layerOf(image, { ...view, overlay: 'mask' })?.mask;
  expect(mask).toEqual({ perceptual, alignment, choice: defaultRefineSettings });
  expect(layerOf(image, { ...view, overlay: 'mask' })?.mask).toBe(mask);
  const repairChoice = { ...defaultRefineSettings, maskThreshold: 0.3 };
  expect(layerOf(image, { ...view, overlay: 'mask', repairChoice })?.mask?.choice).toBe(repairChoice);
});

test('a missing AQ-Map is explained once the analysis is over, not before', () => {
  expect(missingLayerReason({ ...image, alignment: null }, 'alignment')).toContain('nothing to look for');
  expect(missingLayerReason({ ...image, alignment: null, job: { state: 'waiting' } }, 'alignment')).toBeNull();
  expect(missingLayerReason(image, 'alignment')).toBeNull();
});

const painted = (layer: Layer, options: Parameters<typeof paintLayer>[1]) => {
  const painting = paintLayer(layer, options);
  for (let steps = 1; ; steps++) {
    const step = painting.next();
    if (step.done) return { ...step.value, steps };
  }
};

test('a mask is painted ruby where the picture is bad, clear where it is good', () => {
  const layer = layerOf(image, { ...view, overlay: 'mask' }) as Layer;
  const { width, height, data } = painted(layer, { aspect: 2, range: [0, 1] });
  expect(width).toBe(2 * height);
  const at = (x: number) => [...data.subarray(((height >> 1) * width + x) * 4, ((height >> 1) * width + x) * 4 + 4)];
  expect(at(2)).toEqual([...MASK_COLOR, 255]);
  expect(at(width - 3)[3]).toBe(0);
});

test('what a refinement would leave alone is not masked', () => {
  const alpha = (leastDamage: number) => {
    const repairChoice = { ...defaultRefineSettings, leastDamage };
    const layer = layerOf(image, { ...view, overlay: 'mask', repairChoice }) as Layer;
    return Math.max(...painted(layer, { aspect: 2, range: [0, 1] }).data.filter((_, i) => i % 4 === 3));
  };
  expect(alpha(0.7)).toBe(255);
  expect(alpha(0.95)).toBe(0);
});

test('a heatmap painted in bands is the heatmap painted at once', () => {
  const layer: Layer = { map: grid(0.1, 0.9), name: 'PQ', reads: 'quality', mask: null };
  const { width, height, data, steps } = painted(layer, { aspect: 0.5, range: [0, 1] });
  expect([width, height]).toEqual([256, 512]);
  expect(steps).toBeGreaterThan(4);
  // Half a million numbers: a deep comparison would take seconds.
  const whole = paintHeatmap(layer.map, { width, height });
  expect(Buffer.compare(Buffer.from(data.buffer), Buffer.from(whole.buffer))).toBe(0);
});

test('a relative map is painted over its own range', () => {
  const layer: Layer = { map: grid(0.8, 0.9), name: 'PQ', reads: 'quality', mask: null };
  const alpha = (scale: 'absolute' | 'relative') =>
    painted(layer, { aspect: 1, range: colorRange([layer], scale) }).data[3] ?? 255;
  expect(alpha('relative')).toBeGreaterThan(alpha('absolute'));
});

test('what is saved is named after the map, and a phrase is turned round for the painter', () => {
  expect(savableMaps(image).map(({ suffix }) => suffix)).toEqual(['pq', 'aq', 'both']);
  expect(savableMaps({ ...image, perceptual: null, alignment: null })).toEqual([]);
  const saved = savableLayer(layerOf(image, { ...view, pinnedPhrase: 0 }) as Layer);
  expect([saved.suffix, ...saved.map.values]).toEqual(['dog', 1, 0]);
});

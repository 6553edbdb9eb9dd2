import { describe, expect, it } from 'vitest';
import { float16ToFloat32 } from '../../src/checkpoint/float16.ts';
import { planWeights } from '../../src/graph/storedLayout.ts';
import { randomWeights } from './randomWeights.ts';

const weight = (name: string, dims: readonly number[], kind?: 'linear') => ({
  name,
  dims,
  sources: [],
  ...(kind ? { kind } : {}),
});
const plan = planWeights(
  [
    weight('project.weight', [400, 900], 'linear'),
    weight('conv.weight', [64, 100, 3, 3]),
    weight('norm.scale', [320]),
    weight('norm.bias', [320]),
  ],
  'fp16',
);

describe('randomWeights', () => {
  const { index, shards } = randomWeights(plan);
  const values = (name: string) => {
    const { shard, offset, byteLength } = index[name] as (typeof index)[string];
    return float16ToFloat32(
      new Uint16Array((shards.get(shard) as Uint8Array).slice(offset, offset + byteLength).buffer),
    );
  };
  const rms = (numbers: Float32Array) => Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length);

  it('keeps the size of what a layer is given', () => {
    expect(rms(values('project.weight'))).toBeCloseTo(1 / Math.sqrt(900), 3);
    expect(rms(values('conv.weight'))).toBeCloseTo(1 / Math.sqrt(900), 3);
    expect([...new Set(values('norm.scale'))]).toEqual([1]);
    expect(rms(values('norm.bias'))).toBeCloseTo(0.02, 2);
  });

  it('is the same every time', () => {
    for (const [name, bytes] of randomWeights(plan).shards) {
      expect(Buffer.compare(bytes, shards.get(name) as Uint8Array)).toBe(0);
    }
  });
});

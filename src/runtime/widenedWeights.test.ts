import { expect, test } from 'vitest';
import { float32ToFloat16 } from '../checkpoint/float16.ts';
import type { WeightIndex } from '../graph/weights.ts';
import { widenWeights } from './widenedWeights.ts';

const halves = Float32Array.of(1, -2.5, 0.125);
const singles = Float32Array.of(0.1);
const packed = Uint8Array.of(1, 2, 3);

/** One shard: three halves, a gap of two bytes, three packed bytes, one single. */
const shard = new Blob([new Uint8Array(float32ToFloat16(halves).buffer), new Uint8Array(2), packed, singles]);
const index: WeightIndex = {
  single: { type: 'float32', dims: [1], shard: 's', offset: 11, byteLength: 4 },
  half: { type: 'float16', dims: [3], shard: 's', offset: 0, byteLength: 6 },
  packed: { type: 'uint8', dims: [3], shard: 's', offset: 8, byteLength: 3 },
};

test('halves become singles, and every tensor is found where the new index says', async () => {
  const widened = widenWeights({ index, shards: new Map([['s', shard]]) });
  const blob = widened.shards.get('s@0') as Blob;
  expect(widened.index.half).toEqual({ type: 'float32', dims: [3], shard: 's@0', offset: 0, byteLength: 12 });
  expect(blob.size).toBe(12 + 3 + 4);
  expect(blob).toBeInstanceOf(Blob);
  const read = async (name: string, how: 'arrayBuffer' | 'stream') => {
    const { offset, byteLength } = widened.index[name] as { offset: number; byteLength: number };
    const part = blob.slice(offset, offset + byteLength);
    return how === 'arrayBuffer' ? part.arrayBuffer() : new Response(part.stream()).arrayBuffer();
  };
  for (const how of ['arrayBuffer', 'stream'] as const) {
    expect(new Float32Array(await read('half', how))).toEqual(halves);
    expect(new Float32Array(await read('single', how))).toEqual(singles);
    expect(new Uint8Array(await read('packed', how))).toEqual(packed);
  }
  expect((await blob.arrayBuffer()).byteLength).toBe(blob.size);
});

test('a tensor of several pieces is read whole, and from its middle', async () => {
  const count = (3 << 20) + 5;
  const values = Float32Array.from({ length: count }, (_, i) => i % 2048);
  const source = new Blob([new Uint8Array(float32ToFloat16(values).buffer)]);
  const widened = widenWeights({
    index: { w: { type: 'float16', dims: [count], shard: 's', offset: 0, byteLength: 2 * count } },
    shards: new Map([['s', source]]),
  });
  const blob = widened.shards.get('s@0') as Blob;
  const whole = new Float32Array(await blob.arrayBuffer());
  expect(whole.length).toBe(count);
  expect(whole.every((value, i) => value === values[i])).toBe(true);
  const [from, to] = [(1 << 20) - 3, (2 << 20) + 1];
  const part = new Float32Array(await blob.slice(4 * from, 4 * to).arrayBuffer());
  expect(part.length).toBe(to - from);
  expect(part.every((value, i) => value === values[from + i])).toBe(true);
});

test('two models in one shard, widened apart, have shards of different names', () => {
  const [{ half, single }, shards] = [index as Required<typeof index>, new Map([['s', shard]])];
  const names = [{ half }, { single }].flatMap((part) => [
    ...widenWeights({ index: part as WeightIndex, shards }).shards.keys(),
  ]);
  expect(names).toEqual(['s@0', 's@11']);
});

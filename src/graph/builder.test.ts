import * as ort from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import { GraphBuilder, prefixed } from './builder.ts';
import type { WeightIndex } from './weights.ts';

const WEIGHTS: WeightIndex = {
  w: { type: 'float32', dims: [2], shard: 'a.bin', offset: 4, byteLength: 8 },
};

describe('GraphBuilder', () => {
  it('makes a graph that onnxruntime runs, its weight read from the shard at its offset', async () => {
    const g = new GraphBuilder('test', WEIGHTS);
    const x = g.input('x', 'float32', ['rows', 2]);
    const [left, right] = g.nodeWithOutputs('Split', [g.node('Mul', [x, g.weight('w')])], {
      attributes: { axis: 1, num_outputs: 2 },
      count: 2,
    });
    if (!left || !right) throw new Error('Split has two outputs');
    g.output('difference', g.node('Sub', [left, right]), { type: 'float32', dims: ['rows', 1] });
    const session = await ort.InferenceSession.create(g.toBytes(), {
      externalData: [{ path: 'a.bin', data: new Uint8Array(new Float32Array([99, 10, 3]).buffer) }],
    });
    const { difference } = await session.run({ x: new ort.Tensor('float32', [1, 2, 5, 0], [2, 2]) });
    expect(difference?.dims).toEqual([2, 1]);
    expect(difference?.data).toEqual(Float32Array.of(10 - 6, 50));
  });

  it('gives models that ask for the same input one', () => {
    const g = new GraphBuilder('test', {});
    const sum = g.node('Add', [g.input('x', 'float32', [2]), g.input('x', 'float32', [2])]);
    g.output('y', sum, { type: 'float32', dims: [2] });
    expect(() => g.input('x', 'float32', [3])).toThrow(
      new RangeError('Input "x" is float32 [2], and is to be float32 [3]'),
    );
    return expect(ort.InferenceSession.create(g.toBytes())).resolves.toMatchObject({ inputNames: ['x'] });
  });

  it('stores equal constants once', () => {
    const g = new GraphBuilder('test', {});
    expect(g.int64s(1, -1)).toEqual(g.int64s(1, -1));
    const text = new TextDecoder('latin1').decode(g.toBytes());
    expect(text.split('int64s(1,-1)').length - 1).toBe(1);
  });

  it('takes weights under a prefix while a part is built, and as they are called after it', async () => {
    const other = { w: { type: 'float32', dims: [2], shard: 'b.bin', offset: 0, byteLength: 8 } } as const;
    const g = new GraphBuilder('test', { ...WEIGHTS, ...prefixed(other, 'other.') });
    expect(g.hasWeight('other.w')).toBe(true);
    const part = g.withPrefix('other.', () => {
      expect(g.hasWeight('other.w')).toBe(false);
      expect(g.stored('w')).toEqual(other.w);
      expect(() => g.stored('v')).toThrow(/"other\.v"/);
      return g.weight('w');
    });
    g.output('difference', g.node('Sub', [part, g.weight('w')]), { type: 'float32', dims: [2] });
    const bytes = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
    const session = await ort.InferenceSession.create(g.toBytes(), {
      externalData: [
        { path: 'a.bin', data: bytes(99, 10, 3) },
        { path: 'b.bin', data: bytes(1, 2) },
      ],
    });
    const { difference } = await session.run({});
    expect(difference?.data).toEqual(Float32Array.of(-9, -1));
  });

  it('names the weight that is not stored', () => {
    const g = new GraphBuilder('test', WEIGHTS);
    expect(() => g.weight('v')).toThrow(new RangeError('Graph "test" needs a weight "v" that is not stored'));
    expect(() => g.weight('toString')).toThrow(RangeError);
  });
});

import { describe, expect, it } from 'vitest';
import { activationMemory } from './activationMemory.ts';
import { GraphBuilder, type Value } from './builder.ts';
import { decodeModel } from './decodeModel.ts';
import { inferShapes } from './shapeInference.ts';
import type { StoredTensor } from './weights.ts';

const stored = (...dims: number[]): StoredTensor => ({ type: 'float32', dims, shard: 's', offset: 0, byteLength: 0 });
const WEIGHTS = { 'w.weight': stored(6, 4), 'c.weight': stored(8, 3, 3, 3), 'n.scale': stored(6), 'n.bias': stored(6) };
const CONV = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] };

/** What is inferred for the output of a graph over `x` of the shape given. */
function infer(dims: readonly number[], nodes: (g: GraphBuilder, x: Value) => Value, expected: readonly number[] = []) {
  const g = new GraphBuilder('test', WEIGHTS);
  g.output('y', nodes(g, g.input('x', 'float32', dims)), { type: 'float32', dims: expected });
  return inferShapes(decodeModel(g.toBytes())).get('y')?.dims;
}

describe('inferShapes', () => {
  it.each<[string, readonly number[], (g: GraphBuilder, x: Value) => Value, readonly number[]]>([
    ['a matrix product', [5, 6], (g, x) => g.node('Gemm', [x, g.weight('w.weight')]), [5, 4]],
    [
      'a convolution',
      [1, 3, 9, 8],
      (g, x) => g.node('Conv', [x, g.weight('c.weight')], { attributes: CONV }),
      [1, 8, 5, 4],
    ],
    ['an open dimension', [2, 3, 4], (g, x) => g.node('Reshape', [x, g.int64s(0, -1)]), [2, 12]],
    ['a slice from the end', [2, 9], (g, x) => g.node('Slice', [x, g.int64s(-3), g.int64s(99), g.int64s(1)]), [2, 3]],
    ['a sum that broadcasts', [5, 1], (g, x) => g.node('Add', [x, g.weight('n.bias')]), [5, 6]],
    ['channels joined', [2, 3], (g, x) => g.node('Concat', [x, x], { attributes: { axis: -1 } }), [2, 6]],
  ])('knows %s', (_, dims, nodes, expected) => {
    expect(infer(dims, nodes, expected)).toEqual(expected);
  });

  it.each<[string, readonly number[], (g: GraphBuilder, x: Value) => Value, string]>([
    [
      'products of other widths',
      [5, 7],
      (g, x) => g.node('Gemm', [x, g.weight('w.weight')]),
      'Gemm_0 of float32 [5,7], float32 [6,4]: the inner dimensions are 7 and 6',
    ],
    [
      'images of other channels',
      [1, 4, 8, 8],
      (g, x) => g.node('Conv', [x, g.weight('c.weight')], { attributes: CONV }),
      'the weight takes 3 channels',
    ],
    [
      'norms of another width',
      [5, 4],
      (g, x) => g.node('LayerNormalization', [x, g.weight('n.scale'), g.weight('n.bias')]),
      'scale or bias is [6], expected [4]',
    ],
    [
      'sums that do not fit',
      [5, 4],
      (g, x) => g.node('Add', [x, g.weight('n.bias')]),
      '[5,4] and [6] do not broadcast',
    ],
    ['shapes of other sizes', [5, 4], (g, x) => g.node('Reshape', [x, g.int64s(3, -1)]), 'cannot become [3,-1]'],
    [
      'unknown operators',
      [5],
      (g, x) => g.node('Det', [x]),
      'Det_0 of float32 [5]: there is no rule for this operator',
    ],
    [
      'outputs of another shape',
      [5, 6],
      (g, x) => g.node('Sin', [x]),
      'Output "y" is float32 [5,6], the graph says float32 [1]',
    ],
  ])('refuses %s', (_, dims, nodes, message) => {
    expect(() => infer(dims, nodes, [1])).toThrow(message);
  });
});

describe('activationMemory', () => {
  const peak = (nodes: (g: GraphBuilder, x: Value) => Value) => {
    const g = new GraphBuilder('test', WEIGHTS);
    g.output('y', nodes(g, g.input('x', 'float32', [1, 6])), { type: 'float32', dims: [1, 6] });
    return activationMemory(decodeModel(g.toBytes()));
  };
  const row = 6 * 4;

  it('frees a value after its last use', () => {
    const chain = (g: GraphBuilder, x: Value) => g.node('Sin', [g.node('Sin', [g.node('Sin', [x])])]);
    expect(peak(chain).peakBytes).toBe(2 * row);
    expect(peak((g, x) => g.node('Add', [x, chain(g, x)])).peakBytes).toBe(3 * row);
  });

  it('counts neither constants nor what only has another shape', () => {
    const bias = (g: GraphBuilder) => g.node('Sin', [g.node('Sin', [g.weight('n.bias')])]);
    const shaped = (g: GraphBuilder, x: Value) => {
      const column = g.node('Reshape', [x, g.int64s(6, 1)]);
      return g.node('Reshape', [g.node('Sin', [column]), g.int64s(1, 6)]);
    };
    expect(peak((g, x) => g.node('Add', [shaped(g, x), bias(g)]))).toEqual({
      peakBytes: 2 * row,
      peakNode: 'Sin_1',
      largestBytes: row,
    });
  });
});

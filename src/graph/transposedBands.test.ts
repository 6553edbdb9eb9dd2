import { describe, expect, it } from 'vitest';
import type { CheckpointTensor } from '../checkpoint/checkpoint.ts';
import { PIECE_BYTES } from './tensorPieces.ts';
import { TransposedBands } from './transposedBands.ts';
import { WeightKernel } from './weightKernel.ts';

/** A matrix of halves that tell where they are: finite, and different in rows and columns. */
function matrix(rows: number, columns: number, offset: number): CheckpointTensor {
  const values = Uint16Array.from({ length: rows * columns }, (_, i) => (i * 7 + offset) % 0x7bff);
  const bytes = new Uint8Array(values.buffer);
  return {
    name: 'x',
    dtype: 'F16',
    shape: [rows, columns],
    byteLength: bytes.byteLength,
    file: 'model.safetensors',
    position: 0,
    read: async (start, end) => bytes.subarray(start, end),
  };
}

async function transpose(bands: TransposedBands, sources: readonly CheckpointTensor[]) {
  const inputs = sources[0]?.shape[1] as number;
  const outputs = sources.reduce((sum, { shape }) => sum + (shape[0] as number), 0);
  const layout = { name: 'x', type: 'float16', dims: [inputs, outputs], byteLength: inputs * outputs * 2 } as const;
  const steps = bands.steps(layout, sources);
  const stored = new Uint8Array(layout.byteLength);
  let at = 0;
  for (const { piece, encode } of steps) {
    for (const bytes of encode((await piece.tensor.read(piece.start, piece.end)) as Uint8Array<ArrayBuffer>)) {
      stored.set(bytes, at);
      at += bytes.byteLength;
    }
  }
  expect(at).toBe(layout.byteLength);
  return { stored: new Uint16Array(stored.buffer), steps, inputs, outputs };
}

async function expected(
  sources: readonly CheckpointTensor[],
  { inputs, outputs }: { inputs: number; outputs: number },
) {
  const rows = await Promise.all(sources.map(async (source) => new Uint16Array((await source.read()).slice().buffer)));
  const all = Uint16Array.from(rows.flatMap((values) => [...values]));
  return Uint16Array.from(
    { length: all.length },
    (_, i) => all[(i % outputs) * inputs + Math.floor(i / outputs)] as number,
  );
}

describe.each([
  ['in WebAssembly', (): WeightKernel | null => WeightKernel.create()],
  ['in plain loops', (): WeightKernel | null => null],
] as const)('TransposedBands %s', (_, kernelOf) => {
  it.each([
    [[[1, 1]]],
    [[[3, 5]]],
    [[[8, 8]]],
    [[[40, 24]]],
    [[[33, 71]]],
    [
      [
        [10, 17],
        [3, 17],
        [24, 17],
      ],
    ],
  ])('makes rows of %j columns, in bands of any size', async (shapes) => {
    const sources = shapes.map(([rows, columns], i) => matrix(rows as number, columns as number, i * 1000));
    for (const limit of [Number.POSITIVE_INFINITY, 1000, 1]) {
      const { stored, steps, ...size } = await transpose(new TransposedBands({ kernel: kernelOf(), limit }), sources);
      expect(stored, `${limit}`).toEqual(await expected(sources, size));
      if (limit === 1) expect(steps.length).toBe(size.inputs * sources.length);
    }
  });

  it('takes rows that are longer than a piece in parts', async () => {
    const source = matrix(2, PIECE_BYTES / 2 + 9, 5);
    const bands = new TransposedBands({ kernel: kernelOf() });
    const { stored, steps, ...size } = await transpose(bands, [source]);
    expect(steps.length).toBe(4);
    expect(Math.max(...steps.map(({ piece }) => piece.end - piece.start))).toBeLessThanOrEqual(PIECE_BYTES);
    const values = new Uint16Array((await source.read()).buffer);
    for (const input of [0, 1, 2_000_000, size.inputs - 1]) {
      expect([stored[2 * input], stored[2 * input + 1]]).toEqual([values[input], values[size.inputs + input]]);
    }
  });
});

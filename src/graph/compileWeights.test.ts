import { describe, expect, it } from 'vitest';
import { MemorySink } from '../../e2e/clip/memorySink.ts';
import type { Checkpoint, CheckpointDtype, CheckpointTensor } from '../checkpoint/checkpoint.ts';
import { UserError } from '../errors.ts';
import { type CompileProgress, compileWeights } from './compileWeights.ts';
import { planWeights } from './storedLayout.ts';
import { PIECE_BYTES } from './tensorPieces.ts';
import { BAND_BYTES } from './transposedBands.ts';
import { type WeightRecipe, withAliases } from './weightRecipe.ts';
import type { Precision, ShardSink, StoredTensor, TensorLayout } from './weights.ts';

interface FakeTensor {
  readonly shape: readonly number[];
  readonly values: readonly number[];
  readonly dtype?: CheckpointDtype;
}

/** A file that has the tensors in the order given. */
function fakeCheckpoint(tensors: Record<string, FakeTensor>, log: string[] = []): Checkpoint {
  let position = 0;
  return {
    tensors: new Map(
      Object.entries(tensors).map(([name, { shape, values, dtype = 'F32' }]) => {
        const bytes = new Uint8Array(Float32Array.from(values).buffer);
        const { byteLength } = bytes;
        const read = async (start = 0, end = byteLength) => {
          log.push(`read ${name}`);
          return bytes.slice(start, end);
        };
        position += byteLength;
        return [name, { name, dtype, shape, byteLength, file: 'model.safetensors', position, read }];
      }),
    ),
  };
}

const square = (start: number) => Array.from({ length: 32 }, (_, i) => start + i);
const CHECKPOINT = {
  q: { shape: [1, 32], values: square(0) },
  k: { shape: [1, 32], values: square(100) },
  bias: { shape: [2], values: [1, 2] },
  scale: { shape: [], values: [4.6] },
  'tower.position_ids': { shape: [1, 2], values: [0, 1], dtype: 'I64' as const },
};
const RECIPES: WeightRecipe[] = [
  {
    name: 'qk.weight',
    dims: [2, 32],
    sources: [
      { tensor: 'q', shape: [1, 32] },
      { tensor: 'k', shape: [1, 32] },
    ],
    kind: 'linear',
  },
  { name: 'bias', dims: [2], sources: [{ tensor: 'bias', shape: [2] }] },
  {
    name: 'twice',
    dims: [2],
    sources: [{ tensor: 'bias', shape: [2] }],
    derive: (bias) => (bias as Float32Array).map((value) => 2 * value),
  },
  { name: 'scale', dims: [], sources: [{ tensor: 'scale', shape: [] }], kind: 'exact' },
];

async function compile(precision: Precision, checkpoint = fakeCheckpoint(CHECKPOINT)) {
  const sink = new MemorySink();
  const index = await compileWeights({ checkpoint, recipes: RECIPES }, { precision, sink });
  const bytes = (name: string) => {
    const { shard = '', offset = 0, byteLength = 0 } = index[name] ?? {};
    return sink.shards.get(shard)?.slice(offset, offset + byteLength) ?? new Uint8Array();
  };
  return { index, bytes };
}

/** Keeps what is written by its name. */
class RecordingSink implements ShardSink {
  readonly written = new Map<string, Uint8Array>();

  async append({ name }: TensorLayout, pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) {
    const bytes: number[] = [];
    for await (const piece of pieces) bytes.push(...piece);
    this.written.set(name, Uint8Array.from(bytes));
    return { shard: 'recorded', offset: 0 };
  }
}

const floats = (bytes: Uint8Array<ArrayBuffer>) => [...new Float32Array(bytes.buffer)];

describe('compileWeights', () => {
  it('stacks sources, derives values and says where everything lies', async () => {
    const { index, bytes } = await compile('fp32');
    expect(index['qk.weight']).toEqual({
      type: 'float32',
      dims: [32, 2],
      shard: 'weights-0.bin',
      offset: 0,
      byteLength: 256,
    });
    // A linear weight is stored [in, out]: the sources' rows are its columns.
    expect(floats(bytes('qk.weight'))).toEqual(square(0).flatMap((value) => [value, value + 100]));
    expect(floats(bytes('twice'))).toEqual([2, 4]);
  });

  it('casts to halves, but not what has to stay exact', async () => {
    const { index, bytes } = await compile('fp16');
    expect([...new Uint16Array(bytes('bias').buffer)]).toEqual([0x3c00, 0x4000]);
    expect(index.scale?.type).toBe('float32');
    expect(floats(bytes('scale'))).toEqual([Math.fround(4.6)]);
  });

  it.each([
    ['q8', 32],
    ['q4', 16],
  ] as const)('quantises linear weights in %s, scales beside them', async (precision, blockBytes) => {
    const { index, bytes } = await compile(precision);
    expect(index['qk.weight']).toMatchObject({ type: 'uint8', dims: [2, 1, blockBytes] });
    expect(index['qk.scales']).toMatchObject({ type: 'float16', dims: [2, 1], byteLength: 4 });
    expect(bytes('qk.weight').byteLength).toBe(2 * blockBytes);
    expect(index.bias?.type).toBe('float16');
  });

  it.each<Precision>(['fp32', 'fp16', 'q8', 'q4'])('stores what planWeights says, in %s', async (precision) => {
    const { index } = await compile(precision);
    const planned = planWeights(RECIPES, precision);
    const inShard = Object.entries(index).map(([name, tensor]) => [name, { ...tensor, shard: 'planned' }]);
    expect(Object.fromEntries(inShard)).toEqual(planned);
  });

  it('reads and stores in the order of the files; the index keeps that of the recipes', async () => {
    const { scale, bias, q, k } = CHECKPOINT;
    const log: string[] = [];
    const sink = new MemorySink();
    const index = await compileWeights(
      { checkpoint: fakeCheckpoint({ k, scale, q, bias }, log), recipes: RECIPES },
      { precision: 'fp32', sink },
    );
    // The stacked weight has its turn at the later of its two sources.
    expect(log).toEqual(['scale', 'q', 'k', 'bias', 'bias'].map((name) => `read ${name}`));
    const offsets = Object.entries(index).map(([name, { offset }]) => [name, offset]);
    expect(offsets).toEqual([
      ['qk.weight', 4],
      ['bias', 260],
      ['twice', 268],
      ['scale', 0],
    ]);
  });

  it('keeps a stacked weight together when the sink starts a new shard', async () => {
    const sink = new MemorySink({ limit: 200 });
    const { bias, scale, q, k } = CHECKPOINT;
    const index = await compileWeights(
      { checkpoint: fakeCheckpoint({ bias, scale, q, k }), recipes: RECIPES },
      { precision: 'fp32', sink },
    );
    expect(index['qk.weight']).toMatchObject({ shard: 'weights-1.bin', offset: 0, byteLength: 256 });
  });

  it('reports progress in bytes, up to the whole', async () => {
    const seen: number[] = [];
    await compileWeights(
      { checkpoint: fakeCheckpoint(CHECKPOINT), recipes: RECIPES },
      {
        precision: 'fp16',
        sink: new MemorySink(),
        onProgress: ({ doneBytes, totalBytes }) => seen.push(doneBytes / totalBytes),
      },
    );
    expect(seen.length).toBeGreaterThanOrEqual(RECIPES.length);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(1);
  });

  it('stops where it is cancelled', async () => {
    const controller = new AbortController();
    const sink = new MemorySink();
    const job = compileWeights(
      { checkpoint: fakeCheckpoint(CHECKPOINT), recipes: RECIPES },
      { precision: 'fp32', sink, signal: controller.signal, onProgress: () => controller.abort() },
    );
    await expect(job).rejects.toMatchObject({ name: 'AbortError' });
    // It was told of the first of the two sources: the weight itself is not complete.
    expect(sink.shards.get('weights-0.bin')?.byteLength).toBe(0);
  });

  it.each<Precision>(['fp32', 'fp16', 'q8', 'q4'])(
    'goes on where an interrupted run stopped, in %s',
    async (precision) => {
      const whole = await compile(precision);
      const names = Object.keys(whole.index);
      for (let kept = 0; kept <= names.length; kept++) {
        const stored = Object.fromEntries(
          names.slice(0, kept).map((name) => [name, whole.index[name] as StoredTensor]),
        );
        const log: string[] = [];
        const sink = new RecordingSink();
        const seen: CompileProgress[] = [];
        const index = await compileWeights(
          { checkpoint: fakeCheckpoint(CHECKPOINT, log), recipes: RECIPES },
          { precision, sink, stored, onProgress: (progress) => seen.push(progress) },
        );
        expect(Object.keys(index)).toEqual(names);
        expect(index).toMatchObject(stored);
        expect([...sink.written.keys()]).toEqual(names.slice(kept));
        for (const [name, bytes] of sink.written) expect(bytes, name).toEqual(whole.bytes(name));
        if (kept === names.length) expect(log).toEqual([]);
        expect(seen.at(-1)).toEqual({ doneBytes: 276, totalBytes: 276 });
      }
    },
  );

  it('writes again what is stored in another shape or type', async () => {
    const { index } = await compile('fp32');
    const sink = new RecordingSink();
    await compileWeights(
      { checkpoint: fakeCheckpoint(CHECKPOINT), recipes: RECIPES },
      { precision: 'fp16', sink, stored: index },
    );
    // `scale` is float32 in every precision.
    expect([...sink.written.keys()]).toEqual(['qk.weight', 'bias', 'twice']);
  });

  it.each<[Precision, string]>([
    ['fp16', 'qk.weight'],
    ['q4', 'qk.weight'],
    ['q4', 'qk.scales'],
    ['q8', 'twice'],
  ])('writes one weight again, and reads no others: in %s %s', async (precision, name) => {
    const whole = await compile(precision);
    const log: string[] = [];
    const sink = new RecordingSink();
    const seen: CompileProgress[] = [];
    const index = await compileWeights(
      { checkpoint: fakeCheckpoint(CHECKPOINT, log), recipes: RECIPES },
      { precision, sink, stored: whole.index, only: new Set([name]), onProgress: (progress) => seen.push(progress) },
    );
    expect([...sink.written]).toEqual([[name, whole.bytes(name)]]);
    expect(log).toEqual(name === 'twice' ? ['read bias'] : ['read q', 'read k']);
    const at = { shard: 'recorded', offset: 0 };
    expect(index).toEqual({ ...whole.index, [name]: { ...whole.index[name], ...at } });
    const totalBytes = name === 'twice' ? 8 : 256;
    expect(seen.at(-1)).toEqual({ doneBytes: totalBytes, totalBytes });
  });

  it('throws what its making threw, not what the sink makes of it', async () => {
    const wrapping: ShardSink = {
      async append(_, pieces) {
        try {
          for await (const _ of pieces);
        } catch {
          throw new UserError('StorageError', 'Cannot write');
        }
        throw new UserError('StorageError', 'The disk is full');
      },
    };
    const compileInto = (checkpoint: Checkpoint) =>
      compileWeights({ checkpoint, recipes: RECIPES }, { precision: 'fp32', sink: wrapping });
    const broken = fakeCheckpoint({ ...CHECKPOINT, q: { shape: [1, 32], values: square(Number.NaN) } });
    await expect(compileInto(broken)).rejects.toThrow('tensor "q" holds NaN');
    await expect(compileInto(fakeCheckpoint(CHECKPOINT))).rejects.toThrow('The disk is full');
  });

  it('finds tensors under the names and shapes of other versions', async () => {
    const recipes = withAliases(RECIPES, ({ tensor, shape }) =>
      tensor === 'q'
        ? [
            { tensor: 'query', shape },
            { tensor: 'query', shape: [...shape, 1, 1] },
          ]
        : [],
    );
    const { q, ...others } = CHECKPOINT;
    const expected = await compile('fp32');
    for (const query of [q, { ...q, shape: [1, 32, 1, 1] }]) {
      const sink = new MemorySink();
      const checkpoint = fakeCheckpoint({ query, ...others });
      const index = await compileWeights({ checkpoint, recipes }, { precision: 'fp32', sink });
      expect(index).toEqual(expected.index);
      expect(floats(sink.shards.get('weights-0.bin')?.slice(0, 256) ?? new Uint8Array())).toEqual(
        floats(expected.bytes('qk.weight')),
      );
    }
    const checkpoint = fakeCheckpoint({ ...others, query: { ...q, shape: [32] } });
    await expect(
      compileWeights({ checkpoint, recipes }, { precision: 'fp32', sink: new MemorySink() }),
    ).rejects.toThrow('tensor "query" is [32], expected [1,32]');
    await expect(
      compileWeights({ checkpoint: fakeCheckpoint(others), recipes }, { precision: 'fp32', sink: new MemorySink() }),
    ).rejects.toThrow('tensor "q" is missing');
  });

  it.each([
    [{ q: undefined }, 'Cannot load the model: tensor "q" is missing from its files'],
    [{ q: undefined, k: undefined }, 'Cannot load the model: tensors "q", "k" are missing from its files'],
    [
      { q: { shape: [32, 1], values: square(0) } },
      'Cannot load "model.safetensors": tensor "q" is [32,1], expected [1,32]; config.json is of another model',
    ],
    [
      { q: { shape: [1, 32], values: square(0), dtype: 'I8' as const } },
      'tensor "q" is I8, expected F32, F16 or BF16; use the unquantised model',
    ],
    [{ lora: { shape: [1], values: [1] } }, 'tensor "lora" is not part of what config.json describes'],
    [{ bias: { shape: [2], values: [1, Number.NaN] } }, 'tensor "bias" holds NaN or infinity'],
    [{ bias: { shape: [2], values: [1, 70000] } }, 'tensor "bias" holds numbers beyond 65504'],
  ])('names what is wrong: %o', async (change, message) => {
    const tensors = Object.entries({ ...CHECKPOINT, ...change }).filter(([, tensor]) => tensor !== undefined);
    const checkpoint = fakeCheckpoint(Object.fromEntries(tensors) as Record<string, FakeTensor>);
    await expect(compile('fp16', checkpoint)).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringContaining(message),
    });
  });
});

describe('a tensor larger than what may be held', () => {
  const COLUMNS = 2 ** 13;
  const pattern = new Uint8Array(Uint16Array.from({ length: PIECE_BYTES / 2 + 1 }, (_, i) => i % 0x7bff).buffer);

  /** Every piece is the same memory: what the compiler holds itself is all there is. */
  function hugeCheckpoint(bytes: number) {
    const dims = [bytes / 2 / COLUMNS, COLUMNS];
    const counts = { reads: 0, readBytes: 0, largest: 0 };
    const tensor: CheckpointTensor = {
      name: 'huge',
      dtype: 'F16',
      shape: dims,
      byteLength: bytes,
      file: 'model.safetensors',
      position: 8,
      async read(start = 0, end = bytes) {
        counts.reads += 1;
        counts.readBytes += end - start;
        counts.largest = Math.max(counts.largest, end - start);
        return pattern.subarray(0, end - start);
      },
    };
    return { checkpoint: { tensors: new Map([['huge', tensor]]) }, dims, counts };
  }

  it.each([
    // A gigabyte; a matrix that takes two bands.
    ['as it is', { precision: 'fp16', bytes: 2 ** 30, megabytes: 20 }],
    ['wider', { precision: 'fp32', bytes: 2 ** 30, megabytes: 20 }],
    ['in blocks of 8 bits', { precision: 'q8', kind: 'linear', bytes: 2 ** 30, megabytes: 60 }],
    ['transposed', { precision: 'fp16', kind: 'transposed', bytes: 2 ** 28, megabytes: 150 }],
  ] as const)('is stored %s without being held', async (_, { precision, bytes, megabytes, ...options }) => {
    const { checkpoint, dims, counts } = hugeCheckpoint(bytes);
    const source = { tensor: 'huge', shape: dims };
    const recipes: WeightRecipe[] = [{ name: 'huge.weight', dims, sources: [source], ...options }];
    const idle = arrayBytes();
    let [peak, largest, written] = [0, 0, 0];
    const sink: ShardSink = {
      async append({ name }, pieces) {
        for await (const piece of pieces) {
          written += piece.byteLength;
          largest = Math.max(largest, piece.byteLength);
          peak = Math.max(peak, arrayBytes() - idle);
        }
        return { shard: name, offset: 0 };
      },
    };
    const index = await compileWeights({ checkpoint, recipes }, { precision, sink });
    expect(written).toBe(Object.values(index).reduce((sum, { byteLength }) => sum + byteLength, 0));
    expect(counts.largest).toBeLessThanOrEqual(PIECE_BYTES);
    expect(largest).toBeLessThanOrEqual(2 * PIECE_BYTES);
    expect(counts.readBytes).toBe(bytes * Math.ceil(bytes / (recipes[0]?.kind === 'transposed' ? BAND_BYTES : bytes)));
    // Garbage that is not collected yet is counted as well.
    expect(peak).toBeLessThan((megabytes + 64) * 1e6);
  });

  it('is left in the middle when cancelled', async () => {
    const { checkpoint, dims, counts } = hugeCheckpoint(2 ** 30);
    const controller = new AbortController();
    const sink: ShardSink = {
      async append(_, pieces) {
        let count = 0;
        for await (const _ of pieces) if (++count === 3) controller.abort();
        return { shard: 'none', offset: 0 };
      },
    };
    const recipes = [{ name: 'huge', dims, sources: [{ tensor: 'huge', shape: dims }] }];
    await expect(
      compileWeights({ checkpoint, recipes }, { precision: 'fp16', sink, signal: controller.signal }),
    ).rejects.toMatchObject({ name: 'AbortError' });
    expect(counts.reads).toBeLessThanOrEqual(3 + 2);
  });
});

/** All ArrayBuffers, WebAssembly's memory among them. */
function arrayBytes(): number {
  const { arrayBuffers, external } = process.memoryUsage();
  return Math.max(arrayBuffers, external);
}

import { type ByteSource, bytesSource, type HubFolder } from '../../src/checkpoint/byteSource.ts';
import type { Checkpoint } from '../../src/checkpoint/checkpoint.ts';
import { tensorAsFloat32 } from '../../src/checkpoint/dtypes.ts';
import { openCheckpoint } from '../../src/checkpoint/hubFolder.ts';
import { readJson } from '../../src/checkpoint/readJson.ts';
import { openSafetensors } from '../../src/checkpoint/safetensors.ts';
import { type ClipConfig, parseClipConfig } from '../../src/graph/clipConfig.ts';
import { buildClipText, type ClipTextInput, endPosition, endRows } from '../../src/graph/clipText.ts';
import { buildClipUnpositioned } from '../../src/graph/clipUnpositioned.ts';
import { buildClipVision } from '../../src/graph/clipVision.ts';
import { compileClip } from '../../src/graph/compileClip.ts';
import type { Precision, WeightIndex } from '../../src/graph/weights.ts';
import type { ModelSession, TensorData } from '../../src/runtime/session.ts';
import { MemorySink } from './memorySink.ts';

/**
 * Compiles a tiny checkpoint of reference/fixtures, runs its graphs in whatever runtime is handed in, and compares with
 * what transformers and the CLIP Surgery reference computed. Runs in Node and in a page.
 */

/** What is asked of a session; the runtime's `ModelSession` is one. */
export interface Session extends Pick<ModelSession, 'dispose'> {
  run(feeds: Readonly<Record<string, TensorData>>): Promise<Record<string, TensorData>>;
}

/** Makes a session of an ONNX file and the shards its weights lie in. */
export type SessionFactory = (model: Uint8Array, shards: ReadonlyMap<string, Uint8Array>) => Promise<Session>;

/** The bytes of a file under reference/fixtures. */
export type ReadFixture = (path: string) => Promise<Uint8Array>;

/** One output against its golden. */
export interface Comparison {
  /** For example `image0.224.cls`. */
  readonly output: string;
  /** Largest difference, relative to the golden's largest magnitude. */
  readonly relativeError: number;
  /** Cosine of the whole output with its golden. */
  readonly cosine: number;
  /** Least cosine of a row (one patch, one text). */
  readonly worstRowCosine: number;
}

/** What is asked of every output; `q8` and `q4` are judged by direction because rounding weights is a real change. */
export const BOUNDS: Readonly<Record<Precision, { relativeError?: number; cosine?: number }>> = {
  fp32: { relativeError: 1e-4 },
  fp16: { relativeError: 5e-3 },
  q8: { cosine: 0.999 },
  q4: { cosine: 0.98 },
};

/** Whether a comparison is within the bounds of its precision; NaN is not. */
export function isWithinBounds(
  { relativeError, cosine }: Pick<Comparison, 'relativeError' | 'cosine'>,
  precision: Precision,
): boolean {
  const bounds = BOUNDS[precision];
  return relativeError <= (bounds.relativeError ?? Number.POSITIVE_INFINITY) && cosine >= (bounds.cosine ?? -1);
}

/** The tiny checkpoints and the files of their hub folders that compiling needs. */
export const TINY_CHECKPOINTS = {
  'clip-tiny': ['config.json', 'model.safetensors'],
  'clip-tiny-gelu': [
    'config.json',
    'model.safetensors.index.json',
    'model-00001-of-00003.safetensors',
    'model-00002-of-00003.safetensors',
    'model-00003-of-00003.safetensors',
  ],
} as const;
export type TinyCheckpoint = keyof typeof TINY_CHECKPOINTS;

export interface ComparisonOptions {
  readonly precision: Precision;
  readonly readFixture: ReadFixture;
  readonly createSession: SessionFactory;
  /** Square sizes in pixels. */
  readonly imageSizes: readonly number[];
}

/** Compares image features at every size, texts by id and texts by embedding. */
export async function compareClip(checkpointName: TinyCheckpoint, options: ComparisonOptions): Promise<Comparison[]> {
  const { precision, readFixture, createSession, imageSizes } = options;
  const { checkpoint, config } = await openTiny(checkpointName, readFixture);
  const sink = new MemorySink();
  const weights = await compileClip(checkpoint, config, { precision, sink });
  const goldens = await openGoldens(checkpointName, readFixture);
  const compiled = { config, weights, shards: sink.shards, goldens, createSession };
  const comparisons: Comparison[] = [];
  for (const imageSize of imageSizes) comparisons.push(...(await compareImages(compiled, imageSize)));
  comparisons.push(...(await compareUnpositioned(compiled)));
  for (const input of ['ids', 'embeddings'] as const) comparisons.push(...(await compareTexts(compiled, input)));
  return comparisons;
}

/** Opens a tiny checkpoint as a user's folder would be. */
export async function openTiny(
  name: TinyCheckpoint,
  readFixture: ReadFixture,
): Promise<{ checkpoint: Checkpoint; config: ClipConfig }> {
  const folder = new Map<string, ByteSource>();
  for (const file of TINY_CHECKPOINTS[name]) folder.set(file, bytesSource(file, await readFixture(`${name}/${file}`)));
  const hub: HubFolder = folder;
  return { checkpoint: await openCheckpoint(hub), config: parseClipConfig(await readJson(hub, 'config.json')) };
}

interface Compiled {
  readonly config: ClipConfig;
  readonly weights: WeightIndex;
  readonly shards: ReadonlyMap<string, Uint8Array>;
  readonly goldens: Checkpoint;
  readonly createSession: SessionFactory;
}

async function openGoldens(name: TinyCheckpoint, readFixture: ReadFixture): Promise<Checkpoint> {
  const files = ['image', 'unpositioned', 'text'].map((kind) => `golden/${name}.${kind}.safetensors`);
  const opened = await Promise.all(
    files.map(async (file) => openSafetensors(bytesSource(file, await readFixture(file)))),
  );
  return { tensors: new Map(opened.flatMap(({ tensors }) => [...tensors])) };
}

async function golden({ goldens }: Compiled, name: string): Promise<Float32Array> {
  const tensor = goldens.tensors.get(name);
  if (!tensor) throw new RangeError(`No golden "${name}"`);
  return tensorAsFloat32(tensor);
}

async function compareImages(compiled: Compiled, imageSize: number): Promise<Comparison[]> {
  const { config, weights, shards, goldens, createSession } = compiled;
  const session = await createSession(buildClipVision(config, weights, { imageSize }), shards);
  try {
    const comparisons: Comparison[] = [];
    for (const image of [0, 1].filter((k) => goldens.tensors.has(`image${k}.${imageSize}.cls`))) {
      const name = `image${image}.${imageSize}`;
      const data = syntheticPixels(image, imageSize);
      const features = await session.run({
        pixel_values: { dims: [1, 3, imageSize, imageSize], data },
      });
      comparisons.push(
        compare(`${name}.cls`, features.cls?.data, { golden: await golden(compiled, `${name}.cls`), dim: config.dim }),
        compare(`${name}.patches`, features.patch_features?.data, {
          golden: await golden(compiled, `${name}.patches`),
          dim: config.dim,
        }),
      );
    }
    if (comparisons.length === 0) throw new RangeError(`There are no goldens of ${imageSize} px`);
    return comparisons;
  } finally {
    await session.dispose();
  }
}

/** Parts of the test images, of a side that is no multiple of what the model was trained on, encoded without positions. */
async function compareUnpositioned(compiled: Compiled): Promise<Comparison[]> {
  const { config, weights, shards, goldens, createSession } = compiled;
  const { patchSize } = config.vision;
  const comparisons: Comparison[] = [];
  for (const name of [...goldens.tensors.keys()].filter((key) => /^\d+x\d+\.\d+\.cls$/.test(key))) {
    const [across, down, imageSize] = name.split(/[x.]/).map(Number) as [number, number, number];
    const [width, height] = [across * patchSize, down * patchSize];
    const session = await createSession(buildClipUnpositioned(config, weights, { across, down }), shards);
    try {
      const whole = syntheticPixels(0, imageSize);
      const data = Float32Array.from({ length: 3 * width * height }, (_, i) => {
        const [c, y, x] = [Math.floor(i / (width * height)), Math.floor(i / width) % height, i % width];
        return whole[(c * imageSize + y) * imageSize + x] as number;
      });
      const { cls } = await session.run({ pixel_values: { dims: [1, 3, height, width], data } });
      comparisons.push(compare(name, cls?.data, { golden: await golden(compiled, name), dim: config.dim }));
    } finally {
      await session.dispose();
    }
  }
  if (comparisons.length === 0) throw new RangeError('There are no goldens without positions');
  return comparisons;
}

async function compareTexts(compiled: Compiled, input: ClipTextInput): Promise<Comparison[]> {
  const { config, weights, shards, createSession } = compiled;
  const session = await createSession(buildClipText(config, weights, { input }), shards);
  try {
    const cases = input === 'ids' ? await idCases(compiled) : await embeddingCases(compiled);
    const comparisons: Comparison[] = [];
    for (const { name, feed, ends, golden } of cases) {
      const rows = endRows(ends, feed.dims[1] as number);
      const { features } = await session.run({ [input]: feed, end_rows: { dims: [rows.length], data: rows } });
      comparisons.push(compare(name, features?.data, { golden, dim: config.dim }));
    }
    return comparisons;
  } finally {
    await session.dispose();
  }
}

interface TextCase {
  readonly name: string;
  readonly feed: TensorData;
  /** Position of each text's end token. */
  readonly ends: readonly number[];
  readonly golden: Float32Array;
}

/** All texts at full length; then the short ones alone, cut at the longest of them, as the runtime feeds phrases. */
async function idCases(compiled: Compiled): Promise<TextCase[]> {
  const { contextLength, endToken } = compiled.config.text;
  const { dim } = compiled.config;
  const ids = Int32Array.from(await golden(compiled, 'input_ids'));
  const unit = await golden(compiled, 'unit');
  const texts = Array.from({ length: ids.length / contextLength }, (_, i) => {
    const tokens = ids.subarray(i * contextLength, (i + 1) * contextLength);
    return { tokens, end: endPosition(tokens, endToken), unit: unit.subarray(i * dim, (i + 1) * dim) };
  });
  const short = texts.filter(({ end }) => end < contextLength - 1);
  const shortLength = Math.max(...short.map(({ end }) => end + 1));
  return [
    { name: 'all texts', of: texts, length: contextLength },
    { name: 'short texts', of: short, length: shortLength },
  ].map(({ name, of, length }) => ({
    name,
    feed: {
      dims: [of.length, length],
      data: Int32Array.from(of.flatMap(({ tokens }) => [...tokens.subarray(0, length)])),
    },
    ends: of.map(({ end }) => end),
    golden: Float32Array.from(of.flatMap((text) => [...text.unit])),
  }));
}

/** Position of the end token in a learned sequence (spec "PQ-Map"). */
const LEARNED_END = 20;

async function embeddingCases(compiled: Compiled): Promise<TextCase[]> {
  const { contextLength, width } = compiled.config.text;
  const { dim } = compiled.config;
  const dims = [2, contextLength, width];
  const ends = [LEARNED_END, LEARNED_END];
  const textCase = async (name: string, unit: Float32Array): Promise<TextCase> => {
    return { name, feed: { dims, data: await golden(compiled, name) }, ends, golden: unit };
  };
  if (!compiled.goldens.tensors.has('learned.unit')) {
    return [await textCase('embeddings', await golden(compiled, 'embeddings.unit'))];
  }
  const unit = await golden(compiled, 'learned.unit');
  const stored = [...compiled.goldens.tensors.keys()].filter((name) => name.startsWith('learned.embeddings.'));
  return Promise.all(
    stored.map((name) => {
      const factor = LEARNED_FACTORS.indexOf(name.slice('learned.embeddings.'.length));
      return textCase(name, unit.subarray(factor * 2 * dim, (factor + 1) * 2 * dim));
    }),
  );
}

/** Order of the factors in the golden `learned.unit`. */
const LEARNED_FACTORS = ['overall', 'technical', 'rational', 'natural'];

/** Compares an output with its golden, both rows of `dim` numbers. */
export function compare(
  output: string,
  actual: TensorData['data'] | undefined,
  { golden, dim }: { golden: Float32Array; dim: number },
): Comparison {
  if (!(actual instanceof Float32Array) || actual.length !== golden.length) {
    throw new RangeError(`${output} has ${actual?.length} numbers, its golden ${golden.length}`);
  }
  let largest = 0;
  let largestError = 0;
  let worstRowCosine = 1;
  for (let row = 0; row < golden.length; row += dim) {
    for (let i = row; i < row + dim; i++) {
      largest = Math.max(largest, Math.abs(golden[i] as number));
      // Math.max keeps a NaN, so one bad number fails the comparison.
      largestError = Math.max(largestError, Math.abs((actual[i] as number) - (golden[i] as number)));
    }
    worstRowCosine = Math.min(worstRowCosine, cosine(actual.subarray(row, row + dim), golden.subarray(row, row + dim)));
  }
  return { output, relativeError: largestError / largest, cosine: cosine(actual, golden), worstRowCosine };
}

function cosine(a: Float32Array, b: Float32Array): number {
  let product = 0;
  let squareA = 0;
  let squareB = 0;
  for (let i = 0; i < a.length; i++) {
    product += (a[i] as number) * (b[i] as number);
    squareA += (a[i] as number) ** 2;
    squareB += (b[i] as number) ** 2;
  }
  return product / Math.sqrt(squareA * squareB);
}

const MEAN = [0.48145466, 0.4578275, 0.40821073];
const STD = [0.26862954, 0.26130258, 0.27577711];

/** Test image `k`, `[3, size, size]`: the formula of reference/synthetic_image.py. */
export function syntheticPixels(k: number, size: number): Float32Array<ArrayBuffer> {
  const pixels = new Float32Array(3 * size * size);
  let at = 0;
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < size; y++) {
      const v = (y + 0.5) / size;
      for (let x = 0; x < size; x++) {
        const u = (x + 0.5) / size;
        const wave = Math.sin(2 * Math.PI * ((1 + k) * u + (2 - c) * v) + c);
        const weave =
          Math.sin(2 * Math.PI * 23 * u) *
          Math.sin(2 * Math.PI * (17 + 4 * k) * v) *
          Math.exp(-18 * ((u - 0.3 - 0.4 * k) ** 2 + (v - 0.65) ** 2));
        const disc = Math.tanh(14 * (0.2 - Math.hypot(u - 0.68 + 0.3 * k, v - 0.3)));
        const value = 0.5 + 0.2 * wave + 0.22 * weave + 0.15 * (c - 1 + 0.5 * k) * disc;
        pixels[at++] = (value - (MEAN[c] as number)) / (STD[c] as number);
      }
    }
  }
  return pixels;
}

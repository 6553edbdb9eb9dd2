import type { HubFolder } from '../checkpoint/byteSource.ts';
import { bytesToFloat32 } from '../checkpoint/dtypes.ts';
import { UserError } from '../errors.ts';
import type { ClipConfig } from '../graph/clipConfig.ts';
import { buildClipText, type ClipTextInput, endPosition, endRows } from '../graph/clipText.ts';
import { buildClipUnpositioned } from '../graph/clipUnpositioned.ts';
import { buildClipVision } from '../graph/clipVision.ts';
import { CLASS_EMBEDDING, CLIP_IMAGE_SIZES, gridSide } from '../graph/clipWeights.ts';
import type { StoredTensor, WeightIndex } from '../graph/weights.ts';
import type { ClipEncoder, ClipImageFeatures, UnpositionedEncoder } from '../pipeline/ports.ts';
import { type ClipFolder, readClipFolder } from './clipFolder.ts';
import { loadedBytes, readBytes } from './memoryEstimate.ts';
import { ModelPart } from './modelPart.ts';
import type { Runtime } from './runtime.ts';
import type { ModelSession, TensorData } from './session.ts';
import type { Tier } from './status.ts';
import { externalShards, TierWeights } from './tierWeights.ts';
import type { Weights } from './widenedWeights.ts';

/** A compiled CLIP as it is kept: see `compileClip`. */
export interface ClipPack {
  /** Identifies the checkpoint; shown and written into records. */
  readonly modelName: string;
  readonly weights: WeightIndex;
  /** Opens a shard of the weights by name. */
  readonly shard: (name: string) => Promise<Blob>;
  /** The published files beside the weights: config, tokenizer, preprocessing. */
  readonly folder: HubFolder;
}

/** A compiled CLIP, opened. */
interface OpenClip extends ClipFolder {
  readonly modelName: string;
  readonly weights: TierWeights;
}

/** The part of {@link Runtime} that an encoder uses. */
export type SessionSource = Pick<Runtime, 'createSession' | 'residency' | 'status'>;

/**
 * Opens a compiled CLIP. No session is made yet, and no weight is read but the logit scale.
 * @throws {UserError} `CheckpointError`, `UnsupportedModelError`: the folder's files do not fit; whatever `shard` throws
 */
export async function openClipEncoder(
  runtime: SessionSource,
  { modelName, weights: index, shard, folder }: ClipPack,
): Promise<OnnxClipEncoder> {
  const shards = new Map<string, Blob>();
  for (const name of new Set(Object.values(index).map((tensor) => tensor.shard))) shards.set(name, await shard(name));
  const clip: OpenClip = { ...(await readClipFolder(folder)), modelName, weights: new TierWeights({ index, shards }) };
  const [logScale = Number.NaN] = await readStored(clip, 'logit_scale');
  return new OnnxClipEncoder(clip, { runtime, logitScale: Math.exp(logScale) });
}

/**
 * CLIP with surgery on onnxruntime. Sessions are made when they are first used, and made again after a change of tier or a
 * lost device, or when other models needed the memory. One image size and one kind of text input are loaded at a time,
 * because each session has its own copy of the weights. Whoever opened it disposes it.
 */
export class OnnxClipEncoder implements ClipEncoder {
  readonly modelName: string;
  readonly imageSizes: readonly number[];
  readonly imageMean: readonly [number, number, number];
  readonly imageStd: readonly [number, number, number];
  readonly dim: number;
  readonly textWidth: number;
  readonly logitScale: number;
  readonly startToken: number;
  readonly unpositioned: UnpositionedEncoder | null;
  readonly #clip: OpenClip;
  readonly #runtime: SessionSource;
  readonly #vision: ModelPart<number>;
  readonly #text: ModelPart<ClipTextInput>;
  readonly #unpositioned: ModelPart<PatchGrid>;

  /** Use {@link openClipEncoder}. */
  constructor(clip: OpenClip, { runtime, logitScale }: { runtime: SessionSource; logitScale: number }) {
    const { config, weights, tokenizer } = clip;
    this.modelName = clip.modelName;
    this.imageSizes = CLIP_IMAGE_SIZES.filter((size) =>
      Object.hasOwn(weights.stored.index, `vision.positions.${size}`),
    );
    this.imageMean = clip.imageMean;
    this.imageStd = clip.imageStd;
    this.dim = config.dim;
    this.textWidth = config.text.width;
    this.logitScale = logitScale;
    this.startToken = tokenizer.encode('')[0] ?? 0;
    this.#clip = clip;
    this.#runtime = runtime;
    const { residency } = runtime;
    this.#vision = new ModelPart({
      name: `${this.modelName} image encoder`,
      residency,
      key: String,
      bytes: (imageSize) => clipPartBytes(this.#sized(), { part: 'vision', imageSize, tier: runtime.status.tier }),
      readBytes: () => this.#readBytes('vision.'),
      create: (imageSize, onBytes) =>
        this.#createSession(({ index }) => buildClipVision(config, index, { imageSize }), onBytes),
    });
    this.#unpositioned = new ModelPart({
      name: `${this.modelName} image encoder without positions`,
      residency,
      key: ({ across, down }) => `${across}x${down}`,
      bytes: (grid) => clipPartBytes(this.#sized(), { part: 'unpositioned', grid, tier: runtime.status.tier }),
      readBytes: () => this.#readBytes('vision.'),
      create: (grid, onBytes) =>
        this.#createSession(({ index }) => buildClipUnpositioned(config, index, grid), onBytes),
    });
    this.unpositioned = Object.hasOwn(weights.stored.index, CLASS_EMBEDDING)
      ? { patchSize: config.vision.patchSize, encode: (...image) => this.#encodeUnpositioned(...image) }
      : null;
    this.#text = new ModelPart({
      name: `${this.modelName} text encoder`,
      residency,
      key: String,
      bytes: () => clipPartBytes(this.#sized(), { part: 'text', tier: runtime.status.tier }),
      readBytes: () => this.#readBytes('text.'),
      create: (input, onBytes) => this.#createSession(({ index }) => buildClipText(config, index, { input }), onBytes),
    });
  }

  async encodeImage(pixelValues: Float32Array, imageSize: number): Promise<ClipImageFeatures> {
    if (!this.imageSizes.includes(imageSize)) {
      throw new RangeError(`imageSize is ${imageSize}, expected one of ${this.imageSizes}`);
    }
    if (pixelValues.length !== 3 * imageSize ** 2) {
      throw new RangeError(`pixelValues has ${pixelValues.length} numbers, expected 3 × ${imageSize}²`);
    }
    const outputs = await this.#vision.use(imageSize, (session) =>
      session.run({ pixel_values: { dims: [1, 3, imageSize, imageSize], data: pixelValues } }),
    );
    const grid = gridSide(imageSize, this.#clip.config.vision.patchSize);
    return {
      gridWidth: grid,
      gridHeight: grid,
      cls: floats(outputs, 'cls'),
      patchFeatures: floats(outputs, 'patch_features'),
    };
  }

  async #encodeUnpositioned(
    pixelValues: Float32Array,
    { width, height }: { readonly width: number; readonly height: number },
  ): Promise<Float32Array> {
    const { patchSize } = this.#clip.config.vision;
    const grid = { across: width / patchSize, down: height / patchSize };
    if (!Number.isInteger(grid.across) || !Number.isInteger(grid.down) || width * height === 0) {
      throw new RangeError(`${width}x${height} pixels are no whole patches of ${patchSize}`);
    }
    if (pixelValues.length !== 3 * width * height) {
      throw new RangeError(`pixelValues has ${pixelValues.length} numbers, expected 3 × ${height} × ${width}`);
    }
    const outputs = await this.#unpositioned.use(grid, (session) =>
      session.run({ pixel_values: { dims: [1, 3, height, width], data: pixelValues } }),
    );
    return floats(outputs, 'cls');
  }

  async encodeText(texts: readonly string[]): Promise<Float32Array> {
    if (texts.length === 0) return new Float32Array(0);
    const { contextLength, endToken } = this.#clip.config.text;
    const sequences = texts.map((text) => this.#encodeTokens(text, contextLength));
    const ends = sequences.map((ids) => endPosition(ids, endToken));
    // Attention is causal: nothing after the last end token matters.
    const tokens = Math.max(...ends) + 1;
    const ids = new Int32Array(texts.length * tokens);
    for (const [row, sequence] of sequences.entries()) ids.set(sequence.slice(0, tokens), row * tokens);
    const outputs = await this.#text.use('ids', (session) =>
      session.run({
        ids: { dims: [texts.length, tokens], data: ids },
        end_rows: { dims: [texts.length], data: endRows(ends, tokens) },
      }),
    );
    return floats(outputs, 'features');
  }

  async encodePromptEmbeddings(
    embeddings: Float32Array,
    { count, eotIndex }: { count: number; eotIndex: number },
  ): Promise<Float32Array> {
    const { contextLength, width } = this.#clip.config.text;
    if (embeddings.length !== count * contextLength * width) {
      throw new RangeError(
        `embeddings has ${embeddings.length} numbers, expected ${count} × ${contextLength} × ${width}`,
      );
    }
    if (!(eotIndex >= 0 && eotIndex < contextLength)) {
      throw new RangeError(`eotIndex is ${eotIndex}, expected 0 to ${contextLength - 1}`);
    }
    const tokens = eotIndex + 1;
    const data = new Float32Array(count * tokens * width);
    for (let row = 0; row < count; row++) {
      const start = row * contextLength * width;
      data.set(embeddings.subarray(start, start + tokens * width), row * tokens * width);
    }
    const outputs = await this.#text.use('embeddings', (session) =>
      session.run({
        embeddings: { dims: [count, tokens, width], data },
        end_rows: { dims: [count], data: endRows(Array(count).fill(eotIndex), tokens) },
      }),
    );
    return floats(outputs, 'features');
  }

  tokenEmbedding(token: number): Promise<Float32Array> {
    const { vocabularySize } = this.#clip.config.text;
    if (!(Number.isInteger(token) && token >= 0 && token < vocabularySize)) {
      throw new RangeError(`token is ${token}, expected 0 to ${vocabularySize - 1}`);
    }
    return readStored(this.#clip, 'text.token_embedding', token);
  }

  /**
   * Some of the weights that no precision quantises: of the start token's embedding, the class token and the sum of the surgery
   * path's biases. To tell one checkpoint from another, fine-tuned on either side, whatever it was compiled to.
   */
  async fingerprint(): Promise<Float32Array> {
    const parts = [
      await this.tokenEmbedding(this.startToken),
      await readStored(this.#clip, 'vision.class_token'),
      await readStored(this.#clip, 'vision.surgery_bias'),
    ];
    // Each scaled to its own largest value, so that a difference shows wherever it is.
    return Float32Array.from(
      parts.flatMap((part) => {
        const largest = part.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
        return Array.from(part.subarray(0, fingerprintValues), (value) => value / largest);
      }),
    );
  }

  /** Frees all sessions. The encoder can be used again and then loads them anew. */
  async dispose(): Promise<void> {
    await Promise.all([this.#vision.unload(), this.#unpositioned.unload(), this.#text.unload()]);
  }

  /** Ids of a text, cut to the context with the end token kept (transformers' truncation). */
  #encodeTokens(text: string, contextLength: number): number[] {
    const ids = this.#clip.tokenizer.encode(text);
    const { vocabularySize } = this.#clip.config.text;
    const foreign = ids.find((id) => id >= vocabularySize);
    if (foreign !== undefined) {
      throw new UserError(
        'CheckpointError',
        `The tokenizer does not belong to "${this.modelName}": it gives token ${foreign} of ${vocabularySize}`,
      );
    }
    return ids.length <= contextLength ? ids : [...ids.slice(0, contextLength - 1), ids.at(-1) as number];
  }

  #createSession(build: (weights: Weights) => Uint8Array, onBytes: (count: number) => void): Promise<ModelSession> {
    const weights = this.#clip.weights.on(this.#runtime.status.tier);
    return this.#runtime.createSession(build(weights), externalShards([weights], onBytes));
  }

  #readBytes(prefix: string): number {
    return readBytes(this.#clip.weights.stored.index, { tier: this.#runtime.status.tier, prefix });
  }

  #sized() {
    return { config: this.#clip.config, index: this.#clip.weights.stored.index };
  }
}

/** Values of each weight that belong to a fingerprint. */
const fingerprintValues = 32;

/** Patches of an image. */
interface PatchGrid {
  readonly across: number;
  readonly down: number;
}

/** Texts encoded at once, for estimates: the written quality words. */
const TEXTS = 64;

/** Estimated bytes of one encoder of a CLIP at work. */
export function clipPartBytes(
  { config, index }: { readonly config: ClipConfig; readonly index: WeightIndex },
  kind: { readonly tier: Tier } & (
    | { readonly part: 'vision'; readonly imageSize: number }
    | { readonly part: 'unpositioned'; readonly grid: PatchGrid }
    | { readonly part: 'text' }
  ),
): number {
  const { vision, text } = config;
  const { tier } = kind;
  const bytes = (prefix: string, tokens: number, width: number) =>
    loadedBytes(index, { tier, prefix }) + activationBytes({ tokens, width });
  if (kind.part === 'text') return bytes('text.', TEXTS * text.contextLength, text.width);
  const patches =
    kind.part === 'vision' ? gridSide(kind.imageSize, vision.patchSize) ** 2 : kind.grid.across * kind.grid.down;
  return bytes('vision.', patches + 1, vision.width);
}

/** A transformer's activations: the widest layer has four times its width, and some are kept for later. */
function activationBytes({ tokens, width }: { tokens: number; width: number }): number {
  return 16 * tokens * width * Float32Array.BYTES_PER_ELEMENT;
}

/** A stored weight, or one of its rows, as float32. */
async function readStored({ weights, modelName }: OpenClip, name: string, row?: number): Promise<Float32Array> {
  const { index, shards } = weights.stored;
  const tensor: StoredTensor | undefined = index[name];
  const shard = tensor && shards.get(tensor.shard);
  if (!tensor || !shard || tensor.type === 'uint8') {
    throw new UserError('CheckpointError', `The pack of "${modelName}" lacks "${name}"; add its folder again`);
  }
  const rows = row === undefined ? 1 : (tensor.dims[0] ?? 1);
  const byteLength = tensor.byteLength / rows;
  const start = tensor.offset + (row ?? 0) * byteLength;
  const bytes = new Uint8Array(await shard.slice(start, start + byteLength).arrayBuffer());
  return bytesToFloat32(bytes, tensor.type === 'float16' ? 'F16' : 'F32');
}

function floats(outputs: Readonly<Record<string, TensorData>>, name: string): Float32Array {
  const data = outputs[name]?.data;
  if (!(data instanceof Float32Array)) throw new TypeError(`The graph has no float32 output "${name}"`);
  return data;
}

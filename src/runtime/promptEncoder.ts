import { UserError } from '../errors.ts';
import { endPosition, endRows } from '../graph/clipText.ts';
import { buildTextEncoder } from '../graph/textEncoder.ts';
import type { TextConditioning } from '../pipeline/diffusionPorts.ts';
import { type ChunkTokens, emptyChunk, type PromptChunk, promptChunks } from '../prompt/promptChunks.ts';
import type { WeightedPrompt } from '../prompt/weightedPrompt.ts';
import { joinHiddenStates, weightHiddenStates } from '../prompt/weightHiddenStates.ts';
import type { GuidanceText } from './denoiser.ts';
import type { ModelRuntime } from './denoisingNetwork.ts';
import type { TextEncoderPart } from './diffusionFolder.ts';
import { loadedBytes, readBytes } from './memoryEstimate.ts';
import { ModelPart } from './modelPart.ts';
import { externalShards } from './tierWeights.ts';

/** A text encoder with its tokenizer. */
export interface OpenTextEncoder extends TextEncoderPart {
  readonly tokens: ChunkTokens;
}

/** What one encoder makes of one chunk. */
interface EncodedChunk {
  /** `[77, width]`. */
  readonly hidden: Float32Array;
  /** `[projectionDim]`; null without a projection. */
  readonly pooled: Float32Array | null;
}

/** A prompt as the denoiser reads it, in memory: it survives a lost device. */
export class EncodedPrompt implements TextConditioning {
  readonly chunks: number;
  /** Of a chunk: 77. */
  readonly tokensPerChunk: number;
  /** Whether there was no text. */
  readonly isEmpty: boolean;
  readonly #hidden: Float32Array;
  readonly #pooled: Float32Array | null;
  readonly #empty: Float32Array;

  constructor(options: {
    /** `[77 · chunks, width]`. */
    hidden: Float32Array;
    pooled: Float32Array | null;
    /** The empty chunk, `[77, width]`. */
    empty: Float32Array;
    tokensPerChunk: number;
    isEmpty: boolean;
  }) {
    this.tokensPerChunk = options.tokensPerChunk;
    this.chunks = options.hidden.length / options.empty.length;
    this.isEmpty = options.isEmpty;
    this.#hidden = options.hidden;
    this.#pooled = options.pooled;
    this.#empty = options.empty;
  }

  /** As many chunks as asked for, empty ones at the end; `zeros`: instead of everything (diffusers' SDXL pipelines). */
  padded(chunks: number, { zeros = false }: { zeros?: boolean } = {}): GuidanceText {
    const hidden = new Float32Array(chunks * this.#empty.length);
    if (zeros) return { hidden, pooled: this.#pooled && new Float32Array(this.#pooled.length) };
    hidden.set(this.#hidden);
    for (let chunk = this.chunks; chunk < chunks; chunk++) hidden.set(this.#empty, chunk * this.#empty.length);
    return { hidden, pooled: this.#pooled };
  }

  dispose(): void {}
}

/**
 * Encodes prompts with one text encoder (Stable Diffusion 1: the last hidden states) or two side by side (XL: the
 * penultimate ones, and the second's pooled text). Chunks go one by one, so that one small graph serves all prompts.
 */
export class PromptEncoder {
  readonly #encoders: readonly OpenTextEncoder[];
  readonly #parts: readonly ModelPart<null>[];
  readonly #empty: (EncodedChunk | null)[];

  constructor(
    encoders: readonly OpenTextEncoder[],
    { runtime, modelName }: { runtime: ModelRuntime; modelName: string },
  ) {
    this.#encoders = encoders;
    this.#empty = encoders.map(() => null);
    this.#parts = encoders.map(({ name, config, weights }) => {
      const hidden = encoders.length === 1 ? 'last' : 'penultimate';
      return new ModelPart({
        name: `${modelName} ${name}`,
        residency: runtime.residency,
        key: String,
        bytes: () => loadedBytes(weights.stored.index, { tier: runtime.status.tier }),
        readBytes: () => readBytes(weights.stored.index, { tier: runtime.status.tier }),
        create: (_, onBytes) => {
          const loaded = weights.on(runtime.status.tier);
          return runtime.createSession(
            buildTextEncoder(config, loaded.index, { batch: 1, hidden }),
            externalShards([loaded], onBytes),
          );
        },
      });
    });
    for (const encoder of encoders) checkTokens(encoder);
  }

  /** @throws {UserError} `DeviceLostError`, `OutOfMemoryError` */
  async encode(prompt: WeightedPrompt): Promise<EncodedPrompt> {
    const states: Float32Array[] = [];
    const empties: Float32Array[] = [];
    let pooled: Float32Array | null = null;
    for (const [i, { config, tokens }] of this.#encoders.entries()) {
      const chunks = promptChunks(prompt, tokens);
      const empty = await this.#encodeEmpty(i);
      const encoded: EncodedChunk[] = [];
      for (const chunk of chunks) encoded.push(await this.#encodeChunk(i, chunk));
      const hidden = concatenated(encoded.map((chunk) => chunk.hidden));
      const weights = concatenated(chunks.map((chunk) => chunk.weights));
      states.push(weightHiddenStates(hidden, { empty: empty.hidden, weights, width: config.text.width }));
      empties.push(empty.hidden);
      // Of the first chunk, and not weighted; of the last encoder.
      pooled = encoded[0]?.pooled ?? null;
    }
    return new EncodedPrompt({
      hidden: this.#joined(states),
      pooled,
      empty: this.#joined(empties),
      tokensPerChunk: (this.#encoders[0] as OpenTextEncoder).tokens.contextLength,
      isEmpty: prompt.chunks.every((pieces) => pieces.every(({ text }) => text.trim() === '')),
    });
  }

  /** Frees the encoders; they load again when next used. */
  async unload(): Promise<void> {
    await Promise.all(this.#parts.map((part) => part.unload()));
  }

  #joined(states: readonly Float32Array[]): Float32Array {
    const [first, second] = states as [Float32Array, Float32Array | undefined];
    if (!second) return first;
    const [a, b] = this.#encoders.map(({ config }) => config.text.width) as [number, number];
    return joinHiddenStates([first, second], [a, b]);
  }

  async #encodeEmpty(encoder: number): Promise<EncodedChunk> {
    const known = this.#empty[encoder];
    if (known) return known;
    const { tokens } = this.#encoders[encoder] as OpenTextEncoder;
    const encoded = await this.#encodeChunk(encoder, emptyChunk(tokens));
    this.#empty[encoder] = encoded;
    return encoded;
  }

  async #encodeChunk(encoder: number, { ids }: PromptChunk): Promise<EncodedChunk> {
    const { config } = this.#encoders[encoder] as OpenTextEncoder;
    const part = this.#parts[encoder] as ModelPart<null>;
    const outputs = await part.use(null, (session) =>
      session.run({
        ids: { dims: [1, ids.length], data: ids },
        end_rows: { dims: [1], data: endRows([endPosition(ids, config.text.endToken)], ids.length) },
      }),
    );
    const { hidden, pooled } = outputs;
    if (!(hidden?.data instanceof Float32Array)) throw new TypeError('The text encoder has no output "hidden"');
    return { hidden: hidden.data, pooled: pooled?.data instanceof Float32Array ? pooled.data : null };
  }
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @throws {UserError} `CheckpointError`: the tokenizer is another model's */
function checkTokens({ name, config, tokens }: OpenTextEncoder): void {
  const { vocabularySize, contextLength } = config.text;
  const { startToken, endToken, padding } = tokens;
  const foreign = [startToken, endToken, padding].find((token) => token >= vocabularySize);
  const fault =
    foreign !== undefined
      ? `it gives token ${foreign} of ${vocabularySize}`
      : tokens.contextLength !== contextLength
        ? `it makes texts of ${tokens.contextLength} tokens, expected ${contextLength}`
        : null;
  if (fault === null) return;
  throw new UserError('CheckpointError', `The tokenizer does not belong to the ${name}: ${fault}; download both again`);
}

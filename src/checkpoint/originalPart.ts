import type { Checkpoint, CheckpointTensor } from './checkpoint.ts';
import { checkpointError, DOWNLOAD_AGAIN, quote } from './checkpointError.ts';
import type { JsonObject } from './readJson.ts';

/** One model of a single-file checkpoint, in diffusers' or transformers' terms. */
export interface OriginalPart {
  /** What its `config.json` would say. */
  readonly config: JsonObject;
  /** The tensors under the names of published folders. */
  readonly checkpoint: Checkpoint;
}

/** The tensors of one model inside a single file, their common prefix taken off. */
export class OriginalTensors {
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  readonly #file: string;
  readonly #prefix: string;

  /**
   * @param whole all tensors of the file
   * @param prefix what the model's names begin with, e.g. `first_stage_model.`
   */
  constructor(whole: ReadonlyMap<string, CheckpointTensor>, { file, prefix }: { file: string; prefix: string }) {
    const own = [...whole].filter(([name]) => name.startsWith(prefix));
    this.tensors = new Map(own.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
    this.#file = file;
    this.#prefix = prefix;
  }

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  /**
   * The shape of a tensor that tells something about the model.
   * @throws {UserError} `CheckpointError`: it is not there, or has another number of dimensions
   */
  shape(name: string, { rank }: { rank: number }): readonly number[] {
    const tensor = this.tensors.get(name);
    const shown = quote(this.#prefix + name);
    if (!tensor) throw checkpointError(this.#file, `tensor ${shown} is missing; ${DOWNLOAD_AGAIN}`);
    if (tensor.shape.length !== rank) {
      throw checkpointError(
        this.#file,
        `tensor ${shown} is [${tensor.shape}], expected ${rank} dimensions; this is another kind of model`,
      );
    }
    return tensor.shape;
  }

  /** How many of `name(0)`, `name(1)`, … there are without a gap. */
  count(name: (i: number) => string): number {
    let count = 0;
    while (this.has(name(count))) count++;
    return count;
  }
}

/** Channels of a group in everything published: 32 groups; models too narrow for that have fewer. */
export function normGroups(widths: readonly number[]): number {
  return widths.reduce(greatestCommonDivisor, 32);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** Heads of 64 channels each, as in everything published with heads of one width; at least one. */
export function headsOf64(width: number): number {
  return width % 64 === 0 ? Math.max(1, width / 64) : 1;
}

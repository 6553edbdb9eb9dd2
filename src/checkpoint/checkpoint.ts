/** Element types found in published checkpoints, by safetensors' names. */
export type CheckpointDtype = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL';

/** One tensor of a checkpoint. Nothing is read before `read` is called. */
export interface CheckpointTensor {
  readonly name: string;
  readonly dtype: CheckpointDtype;
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** File the tensor lies in, for error messages. */
  readonly file: string;
  /** Where in the file it lies: whoever reads tensors in this order reads the file from front to back. */
  readonly position: number;
  /**
   * The raw little-endian, contiguous, row-major bytes, or `[start, end)` of them. They may be somebody else's memory: not to
   * be written to.
   */
  read(start?: number, end?: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** All tensors of one model, from one file or from the shards an index lists. */
export interface Checkpoint {
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
}

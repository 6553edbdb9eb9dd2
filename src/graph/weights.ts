/** How weights are stored. `q8` and `q4`: linear weights block-quantised (block 32), everything else fp16. */
export type Precision = 'fp32' | 'fp16' | 'q8' | 'q4';

/** ONNX element types used for stored weights. */
export type StoredType = 'float32' | 'float16' | 'uint8';

/** Where one weight lies: external data of every graph that uses it. */
export interface StoredTensor {
  readonly type: StoredType;
  readonly dims: readonly number[];
  /** Name of the shard file; the `location` of the ONNX external data. */
  readonly shard: string;
  /** Byte offset in the shard and length in bytes. */
  readonly offset: number;
  readonly byteLength: number;
}

/** Index of all weights written for one model, by their name in the graph. Serialises as JSON. */
export type WeightIndex = Readonly<Record<string, StoredTensor>>;

/** Shape, type and size of one stored tensor, before it has a place. */
export type TensorLayout = Omit<StoredTensor, 'shard' | 'offset'> & { readonly name: string };

/**
 * Where compiled weights go, one tensor at a time: an OPFS folder in the browser, memory in tests.
 * `append` takes the tensor's `byteLength` bytes in pieces, in order, each valid only until the next is asked for, and may
 * start a new shard before them whenever the current one would exceed the sink's limit.
 */
export interface ShardSink {
  append(
    layout: TensorLayout,
    pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<{ readonly shard: string; readonly offset: number }>;
}

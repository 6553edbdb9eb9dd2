import {
  type Attribute,
  type ElementType,
  encodeModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from './onnxModel.ts';
import type { StoredTensor, WeightIndex } from './weights.ts';

/** Opset 20 is the first with Gelu; the WebGPU provider implements everything we use in it. */
const OPSETS = { '': 20, 'com.microsoft': 1 };

/** A tensor inside a graph: an input, a weight, a constant or what a node computes. */
export interface Value {
  /** Set by the builder; the name of a graph's output replaces the automatic one. */
  name: string;
}

/** Options of one node. */
export interface NodeOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** `com.microsoft` for onnxruntime's own operators. */
  readonly domain?: keyof typeof OPSETS;
}

/**
 * Writes one ONNX graph node by node. Weights are not copied: a weight becomes external data at the place its index gives.
 */
export class GraphBuilder {
  readonly #name: string;
  readonly #weights: WeightIndex;
  readonly #nodes: {
    op: string;
    options: NodeOptions;
    inputs: readonly (Value | null)[];
    outputs: readonly Value[];
  }[] = [];
  readonly #tensors = new Map<string, OnnxTensor>();
  readonly #inputs: OnnxValue[] = [];
  readonly #outputs: OnnxValue[] = [];
  #prefix = '';

  /** @param weights the stored weights that {@link weight} finds by name */
  constructor(name: string, weights: WeightIndex) {
    this.#name = name;
    this.#weights = weights;
  }

  /**
   * An input of the graph. A dimension given by a name may differ from run to run. Several models in the graph may each ask for
   * an input; they get the same.
   * @throws {RangeError} there is an input of this name with another type or shape
   */
  input(name: string, type: ElementType, dims: readonly (number | string)[]): Value {
    const asked = this.#inputs.find((input) => input.name === name);
    if (!asked) this.#inputs.push({ name, type, dims });
    else if (asked.type !== type || asked.dims.join() !== dims.join()) {
      throw new RangeError(`Input "${name}" is ${asked.type} [${asked.dims}], and is to be ${type} [${dims}]`);
    }
    return { name };
  }

  /** Makes the result of a node an output of the graph. */
  output(name: string, value: Value, { type, dims }: { type: ElementType; dims: readonly (number | string)[] }): void {
    value.name = name;
    this.#outputs.push({ name, type, dims });
  }

  /** Adds a node with one output. `null` leaves an optional input out. */
  node(op: string, inputs: readonly (Value | null)[], options: NodeOptions = {}): Value {
    const [output] = this.nodeWithOutputs(op, inputs, { ...options, count: 1 });
    return output as Value;
  }

  /** Adds a node with several outputs; those nobody uses are harmless. */
  nodeWithOutputs(
    op: string,
    inputs: readonly (Value | null)[],
    { count, ...options }: NodeOptions & { count: number },
  ): Value[] {
    const outputs = Array.from({ length: count }, (_, i) => ({ name: `${op}_${this.#nodes.length}_${i}` }));
    this.#nodes.push({ op, options, inputs, outputs });
    return outputs;
  }

  /**
   * Builds one of several models in the graph: names of weights have the prefix before them while `build` runs, so that models
   * which call their weights alike lie in one index. See {@link prefixed}.
   */
  withPrefix<T>(prefix: string, build: () => T): T {
    const outer = this.#prefix;
    this.#prefix = outer + prefix;
    try {
      return build();
    } finally {
      this.#prefix = outer;
    }
  }

  /** Whether a weight of this name is stored. */
  hasWeight(name: string): boolean {
    return Object.hasOwn(this.#weights, this.#prefix + name);
  }

  /**
   * How a weight is stored.
   * @throws {RangeError} there is no weight of this name: the weights were compiled for another graph
   */
  stored(name: string): StoredTensor {
    const stored = this.hasWeight(name) ? this.#weights[this.#prefix + name] : undefined;
    if (!stored)
      throw new RangeError(`Graph "${this.#name}" needs a weight "${this.#prefix}${name}" that is not stored`);
    return stored;
  }

  /**
   * A stored weight, by name.
   * @throws {RangeError} there is no weight of this name
   */
  weight(name: string): Value {
    const { type, dims, shard, offset, byteLength } = this.stored(name);
    return this.#tensor({ name: this.#prefix + name, type, dims, data: { location: shard, offset, byteLength } });
  }

  /** A small constant list of int64, as shapes, axes and slice bounds want them. Equal lists are stored once. */
  int64s(...values: number[]): Value {
    const data = new Uint8Array(new BigInt64Array(values.map(BigInt)).buffer);
    return this.#tensor({ name: `int64s(${values.join(',')})`, type: 'int64', dims: [values.length], data });
  }

  /** A constant in the file itself: for small tensors that are no weights. Equal names must mean equal constants. */
  constant(name: string, tensor: Omit<OnnxTensor, 'name'>): Value {
    return this.#tensor({ name, ...tensor });
  }

  /** The graph as an `.onnx` file. */
  toBytes(): Uint8Array<ArrayBuffer> {
    const nodes = this.#nodes.map(
      ({ op, options, inputs, outputs }, i): OnnxNode => ({
        op,
        domain: options.domain ?? '',
        name: `${op}_${i}`,
        inputs: inputs.map((input) => input?.name ?? ''),
        outputs: outputs.map((output) => output.name),
        attributes: options.attributes ?? {},
      }),
    );
    return encodeModel({
      name: this.#name,
      opsets: OPSETS,
      nodes,
      tensors: [...this.#tensors.values()],
      inputs: this.#inputs,
      outputs: this.#outputs,
    });
  }

  #tensor(tensor: OnnxTensor): Value {
    this.#tensors.set(tensor.name, tensor);
    return { name: tensor.name };
  }
}

/** The index with a prefix before every name, for {@link GraphBuilder.withPrefix}. */
export function prefixed(weights: WeightIndex, prefix: string): WeightIndex {
  return Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [prefix + name, tensor]));
}

import {
  type Attribute,
  ELEMENT_TYPE,
  type ElementType,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from './onnxModel.ts';

/** Type and shape of a value in a graph. */
export interface ValueType {
  readonly type: ElementType;
  readonly dims: readonly number[];
}

/**
 * Types and shapes of all values of a graph of fixed sizes, constants included, by name. Checks on the way what
 * onnxruntime would refuse, or worse, would not.
 * @throws {RangeError} shapes or types that do not fit, named with their node; an operator without a rule; an output that is
 *   not as the graph says
 */
export function inferShapes(model: OnnxModel): Map<string, ValueType> {
  const types = new Map<string, ValueType>();
  const tensors = new Map(model.tensors.map((tensor) => [tensor.name, tensor]));
  for (const { name, type, dims } of model.tensors) types.set(name, { type, dims });
  for (const { name, type, dims } of model.inputs) {
    if (!dims.every((dim) => typeof dim === 'number')) throw new RangeError(`Input "${name}" has no fixed size`);
    types.set(name, { type, dims });
  }
  for (const node of model.nodes) {
    try {
      inferNode(node, { types, tensors });
    } catch (error) {
      const inputs = node.inputs.map((name) => (name ? describe(types.get(name)) : 'none'));
      const detail = error instanceof Error ? error.message : String(error);
      throw new RangeError(`${node.name} of ${inputs.join(', ') || 'nothing'}: ${detail}`, { cause: error });
    }
  }
  for (const { name, type, dims } of model.outputs) {
    const found = describe(types.get(name));
    if (found !== describe({ type, dims: dims as number[] })) {
      throw new RangeError(`Output "${name}" is ${found}, the graph says ${type} [${dims}]`);
    }
  }
  return types;
}

/** Bytes of one element. */
const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = {
  float32: 4,
  float16: 2,
  int64: 8,
  int32: 4,
  uint8: 1,
  bool: 1,
};

/** Bytes of a value. */
export function byteLengthOf({ type, dims }: ValueType): number {
  return elements(dims) * ELEMENT_BYTES[type];
}

function inferNode(
  node: OnnxNode,
  { types, tensors }: { types: Map<string, ValueType>; tensors: ReadonlyMap<string, OnnxTensor> },
): void {
  const rule = RULES[node.op];
  if (!rule) throw new RangeError('there is no rule for this operator');
  const inputs = node.inputs.map((name) => {
    if (name === '') return undefined;
    const found = types.get(name);
    if (!found) throw new RangeError(`"${name}" is computed nowhere before`);
    return found;
  });
  const outputs = rule({
    at: (i) => inputs[i] ?? fail(`input ${i} is missing`),
    optional: (i) => inputs[i],
    count: inputs.length,
    outputs: node.outputs.length,
    integers: (i) => constantIntegers(tensors.get(node.inputs[i] ?? '')),
    integer: (name, defaultValue) => integerAttribute(node.attributes[name], { name, defaultValue }),
    list: (name) => listAttribute(node.attributes[name], name),
  });
  node.outputs.forEach((name, i) => {
    const output = outputs[i];
    if (output) types.set(name, output);
  });
}

/** What a rule reads of its node. */
interface RuleInput {
  at(input: number): ValueType;
  optional(input: number): ValueType | undefined;
  readonly count: number;
  /** Outputs that the node names. */
  readonly outputs: number;
  /** Numbers of an input that has to be constant. */
  integers(input: number): number[];
  integer(attribute: string, defaultValue?: number): number;
  list(attribute: string): readonly number[];
}

/** Outputs of a node; those it does not say are not used by anything. */
type Rule = (node: RuleInput) => readonly (ValueType | undefined)[];

const same: Rule = ({ at }) => [at(0)];

const elementwise: Rule = ({ at }) => [{ type: sameType(at(0), at(1)), dims: broadcast(at(0).dims, at(1).dims) }];

/** One number for each list along some axes. */
const reduced: Rule = ({ at, integers, integer }) => {
  const { type, dims } = at(0);
  const axes = integers(1).map((axis) => axisOf(axis, dims.length));
  const keep = integer('keepdims', 1) === 1;
  return [
    { type, dims: dims.map((dim, i) => (axes.includes(i) ? 1 : dim)).filter((_, i) => keep || !axes.includes(i)) },
  ];
};

/** Operators of ONNX and of onnxruntime that our graphs use. */
const RULES: Readonly<Record<string, Rule>> = {
  Add: elementwise,
  Sub: elementwise,
  Mul: elementwise,
  Div: elementwise,
  Floor: same,
  Sin: same,
  Gelu: same,
  QuickGelu: same,
  LeakyRelu: same,
  Softmax: same,

  Cast: ({ at, integer }) => {
    const to = Object.entries(ELEMENT_TYPE).find(([, number]) => number === integer('to'));
    if (!to) throw new RangeError('the type to cast to is none of ours');
    return [{ type: to[0] as ElementType, dims: at(0).dims }];
  },

  Reshape: ({ at, integers }) => [{ type: at(0).type, dims: reshape(at(0).dims, integers(1)) }],

  Expand: ({ at, integers }) => {
    const target = integers(1);
    const dims = broadcast(at(0).dims, target);
    return [{ type: at(0).type, dims }];
  },

  Transpose: ({ at, list }) => {
    const { type, dims } = at(0);
    const perm = list('perm');
    check([...perm].sort((a, b) => a - b).join() === dims.map((_, i) => i).join(), `perm is [${perm}]`);
    return [{ type, dims: perm.map((axis) => dims[axis] as number) }];
  },

  Concat: ({ at, count, integer }) => {
    const { type, dims } = at(0);
    const axis = axisOf(integer('axis'), dims.length);
    let length = 0;
    for (let i = 0; i < count; i++) {
      sameType(at(0), at(i));
      const other = at(i).dims;
      const fits = other.length === dims.length && other.every((dim, j) => j === axis || dim === dims[j]);
      check(fits, `input ${i} differs from the first beside axis ${axis}`);
      length += other[axis] as number;
    }
    return [{ type, dims: dims.with(axis, length) }];
  },

  Split: ({ at, integer, outputs }) => {
    const { type, dims } = at(0);
    const axis = axisOf(integer('axis', 0), dims.length);
    const parts = integer('num_outputs');
    const length = (dims[axis] as number) / parts;
    check(parts === outputs && Number.isInteger(length), `${dims[axis]} are not ${parts} equal parts`);
    return Array.from({ length: parts }, () => ({ type, dims: dims.with(axis, length) }));
  },

  Slice: ({ at, integers }) => {
    const { type, dims } = at(0);
    const [starts, ends, axes] = [integers(1), integers(2), integers(3)];
    const sliced = [...dims];
    axes.forEach((given, i) => {
      const axis = axisOf(given, dims.length);
      const size = dims[axis] as number;
      const bound = (value: number) => Math.min(Math.max(value < 0 ? value + size : value, 0), size);
      sliced[axis] = Math.max(0, bound(ends[i] as number) - bound(starts[i] as number));
    });
    return [{ type, dims: sliced }];
  },

  Gather: ({ at, integer }) => {
    const { type, dims } = at(0);
    const axis = axisOf(integer('axis', 0), dims.length);
    return [{ type, dims: [...dims.slice(0, axis), ...at(1).dims, ...dims.slice(axis + 1)] }];
  },

  Gemm: ({ at, optional, integer }) => {
    const type = sameType(at(0), at(1));
    const [rows, inner] = matrix(at(0), integer('transA', 0) === 1);
    const [weightInner, columns] = matrix(at(1), integer('transB', 0) === 1);
    check(inner === weightInner, `the inner dimensions are ${inner} and ${weightInner}`);
    const added = optional(2);
    if (added) {
      sameType(at(0), added);
      check(broadcast([rows, columns], added.dims).join() === `${rows},${columns}`, 'what is added does not fit');
    }
    return [{ type, dims: [rows, columns] }];
  },

  MatMulNBits: ({ at, optional, integer }) => {
    const { type, dims } = at(0);
    const [inner, columns, bits, block] = [integer('K'), integer('N'), integer('bits'), integer('block_size')];
    const blocks = Math.ceil(inner / block);
    check(dims.at(-1) === inner, `K is ${inner}`);
    check(at(1).dims.join() === [columns, blocks, (block * bits) / 8].join(), 'the weight does not fit');
    check(at(2).dims.join() === [columns, blocks].join() && at(2).type === type, 'the scales do not fit');
    const bias = optional(5);
    check(!bias || (bias.dims.join() === `${columns}` && bias.type === type), 'the bias does not fit');
    return [{ type, dims: dims.with(-1, columns) }];
  },

  Conv: ({ at, optional, list }) => {
    const [batch, channels, ...size] = rank(at(0), 4);
    const [outputs = 0, inputs, ...kernel] = rank(at(1), 4);
    const type = sameType(at(0), at(1));
    check(channels === inputs, `the weight takes ${inputs} channels`);
    check(kernel.join() === list('kernel_shape').join(), 'kernel_shape is not that of the weight');
    const bias = optional(2);
    check(!bias || (bias.dims.join() === `${outputs}` && bias.type === type), 'the bias does not fit');
    const [pads, strides] = [list('pads'), list('strides')];
    const result = size.map((length, i) => {
      const padded = length + (pads[i] as number) + (pads[i + 2] as number);
      return Math.floor((padded - (kernel[i] as number)) / (strides[i] as number)) + 1;
    });
    check(
      result.every((length) => length > 0),
      'nothing is left',
    );
    return [{ type, dims: [batch as number, outputs, ...result] }];
  },

  InstanceNormalization: ({ at }) => [normalised(at(0), [at(1), at(2)], at(0).dims[1])],

  LayerNormalization: ({ at, integer }) => {
    check(axisOf(integer('axis', -1), at(0).dims.length) === at(0).dims.length - 1, 'only the last axis is known');
    return [normalised(at(0), [at(1), at(2)], at(0).dims.at(-1))];
  },

  /** Outputs: the normalised sum, two of training, the sum. */
  SkipLayerNormalization: ({ at }) => {
    sameType(at(0), at(1));
    check(at(0).dims.join() === at(1).dims.join(), 'the branches differ');
    const result = normalised(at(0), [at(2), at(3)], at(0).dims.at(-1));
    return [result, undefined, undefined, result];
  },

  GroupNorm: ({ at, integer }) => [groupNormalised({ at, integer })],

  SkipGroupNorm: ({ at, integer }) => {
    const [batch, channels] = [at(0).dims[0], at(0).dims.at(-1)];
    sameType(at(0), at(3));
    const dims = at(3).dims.join();
    check(dims === at(0).dims.join() || dims === `${batch},${channels}`, 'what is added does not fit');
    return [groupNormalised({ at, integer })];
  },

  MultiHeadAttention: ({ at, integer }) => {
    const [batch, tokens, width = 0] = rank(at(0), 3);
    const [keyBatch, keys, keyWidth] = rank(at(1), 3);
    const [valueBatch, values, valueWidth = 0] = rank(at(2), 3);
    const type = sameType(at(0), at(1));
    sameType(at(0), at(2));
    check(batch === keyBatch && batch === valueBatch, 'the batches differ');
    check(keys === values, `there are ${keys} keys and ${values} values`);
    check(width === keyWidth, 'queries and keys have different widths');
    const heads = integer('num_heads');
    check(width % heads === 0 && valueWidth % heads === 0, `${heads} heads do not divide the width`);
    return [{ type, dims: [batch as number, tokens as number, valueWidth] }];
  },

  ReduceL2: reduced,
  ReduceMean: reduced,
};

function groupNormalised({ at, integer }: Pick<RuleInput, 'at' | 'integer'>): ValueType {
  check(integer('channels_last', 1) === 1, 'channels have to lie last');
  const channels = at(0).dims.at(-1) as number;
  check(channels % integer('groups') === 0, `${integer('groups')} groups do not divide ${channels} channels`);
  return normalised(at(0), [at(1), at(2)], channels);
}

function normalised(x: ValueType, parameters: readonly ValueType[], width: number | undefined): ValueType {
  for (const parameter of parameters) {
    sameType(x, parameter);
    check(parameter.dims.join() === `${width}`, `scale or bias is [${parameter.dims}], expected [${width}]`);
  }
  return x;
}

/** ONNX's broadcasting, which is numpy's. */
function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const length = Math.max(a.length, b.length);
  const padded = (dims: readonly number[]) => [...Array<number>(length - dims.length).fill(1), ...dims];
  const others = padded(b);
  return padded(a).map((left, i) => {
    const right = others[i] as number;
    check(left === right || left === 1 || right === 1, `[${a}] and [${b}] do not broadcast`);
    return left === 1 ? right : left;
  });
}

/** ONNX's Reshape: 0 keeps a dimension, -1 is what is left. */
function reshape(dims: readonly number[], target: readonly number[]): number[] {
  const kept = target.map((dim, i) =>
    dim === 0 ? (dims[i] ?? fail(`[${target}] keeps a dimension there is not`)) : dim,
  );
  const known = elements(kept.filter((dim) => dim !== -1));
  const result = kept.map((dim) => (dim === -1 ? elements(dims) / known : dim));
  check(kept.filter((dim) => dim === -1).length <= 1, `[${target}] leaves more than one dimension open`);
  check(elements(result) === elements(dims) && result.every(Number.isInteger), `cannot become [${target}]`);
  return result;
}

function matrix(value: ValueType, isTransposed: boolean): [number, number] {
  const [rows, columns] = rank(value, 2) as [number, number];
  return isTransposed ? [columns, rows] : [rows, columns];
}

function rank({ dims }: ValueType, expected: number): readonly number[] {
  check(dims.length === expected, `[${dims}] should have ${expected} dimensions`);
  return dims;
}

function axisOf(axis: number, dimensions: number): number {
  const counted = axis < 0 ? axis + dimensions : axis;
  check(counted >= 0 && counted < dimensions, `there is no axis ${axis}`);
  return counted;
}

function sameType(a: ValueType, b: ValueType): ElementType {
  check(a.type === b.type, `the types are ${a.type} and ${b.type}`);
  return a.type;
}

function constantIntegers(tensor: OnnxTensor | undefined): number[] {
  if (tensor?.type !== 'int64' || !(tensor.data instanceof Uint8Array)) throw new RangeError('a shape is not constant');
  return Array.from(new BigInt64Array(tensor.data.slice().buffer), Number);
}

function integerAttribute(
  value: Attribute | undefined,
  { name, defaultValue }: { name: string; defaultValue: number | undefined },
): number {
  const found = value ?? defaultValue;
  return typeof found === 'number' ? found : fail(`attribute "${name}" is missing`);
}

function listAttribute(value: Attribute | undefined, name: string): readonly number[] {
  return Array.isArray(value) ? value : fail(`attribute "${name}" is missing`);
}

function elements(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

function describe(value: ValueType | undefined): string {
  return value ? `${value.type} [${value.dims}]` : 'computed nowhere';
}

function check(holds: boolean, otherwise: string): asserts holds {
  if (!holds) fail(otherwise);
}

function fail(message: string): never {
  throw new RangeError(message);
}

import { ProtoWriter } from './protobuf.ts';

/**
 * The messages of ONNX (onnx/onnx.proto) that our graphs use, as plain data, and their encoding. Field numbers are those
 * of onnx.proto.
 */

/** Element types of tensors, numbered as `TensorProto.DataType`. */
export const ELEMENT_TYPE = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10 } as const;
export type ElementType = keyof typeof ELEMENT_TYPE;

/** Value of a node's attribute. A bare number is an integer; floats say so, because 1 may be meant as either. */
export type Attribute = number | string | readonly number[] | { readonly float: number };

export interface OnnxNode {
  readonly op: string;
  readonly domain: string;
  readonly name: string;
  /** An empty name is an input or output left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A constant: its bytes here, or in a file beside the model. */
export interface OnnxTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly data: Uint8Array | { readonly location: string; readonly offset: number; readonly byteLength: number };
}

/** A graph's input or output; a dimension with a name may differ from run to run. */
export interface OnnxValue {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly (number | string)[];
}

export interface OnnxModel {
  readonly name: string;
  /** Version by operator domain; `''` is ONNX's own. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly nodes: readonly OnnxNode[];
  readonly tensors: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/** IR version 9 (ONNX 1.14 and later) is what opset 20 came with. */
const IR_VERSION = 9;
const EXTERNAL = 1;
const ATTRIBUTE_TYPE = { float: 1, integer: 2, string: 3, integers: 7 } as const;

/** The `.onnx` file of a model. */
export function encodeModel(model: OnnxModel): Uint8Array<ArrayBuffer> {
  const graph = new ProtoWriter();
  for (const node of model.nodes) graph.message(1, encodeNode(node));
  graph.string(2, model.name);
  for (const tensor of model.tensors) graph.message(5, encodeTensor(tensor));
  for (const value of model.inputs) graph.message(11, encodeValue(value));
  for (const value of model.outputs) graph.message(12, encodeValue(value));

  const file = new ProtoWriter().integer(1, IR_VERSION).string(2, 'g-refine').message(7, graph);
  for (const [domain, version] of Object.entries(model.opsets)) {
    file.message(8, new ProtoWriter().string(1, domain).integer(2, version));
  }
  return file.finish();
}

function encodeNode(node: OnnxNode): ProtoWriter {
  const message = new ProtoWriter();
  for (const input of node.inputs) message.string(1, input);
  for (const output of node.outputs) message.string(2, output);
  message.string(3, node.name).string(4, node.op);
  for (const [name, value] of Object.entries(node.attributes)) message.message(5, encodeAttribute(name, value));
  return message.string(7, node.domain);
}

function encodeAttribute(name: string, value: Attribute): ProtoWriter {
  const message = new ProtoWriter().string(1, name);
  if (typeof value === 'number') return message.integer(3, value).integer(20, ATTRIBUTE_TYPE.integer);
  if (typeof value === 'string') return message.string(4, value).integer(20, ATTRIBUTE_TYPE.string);
  if ('float' in value) return message.float(2, value.float).integer(20, ATTRIBUTE_TYPE.float);
  return message.integers(8, value).integer(20, ATTRIBUTE_TYPE.integers);
}

function encodeTensor(tensor: OnnxTensor): ProtoWriter {
  const message = new ProtoWriter()
    .integers(1, tensor.dims)
    .integer(2, ELEMENT_TYPE[tensor.type])
    .string(8, tensor.name);
  if (tensor.data instanceof Uint8Array) return message.bytes(9, tensor.data);
  const { location, offset, byteLength } = tensor.data;
  for (const [key, value] of Object.entries({ location, offset: `${offset}`, length: `${byteLength}` })) {
    message.message(13, new ProtoWriter().string(1, key).string(2, value));
  }
  return message.integer(14, EXTERNAL);
}

function encodeValue(value: OnnxValue): ProtoWriter {
  const shape = new ProtoWriter();
  for (const dim of value.dims) {
    const dimension = new ProtoWriter();
    shape.message(1, typeof dim === 'number' ? dimension.integer(1, dim) : dimension.string(2, dim));
  }
  const tensor = new ProtoWriter().integer(1, ELEMENT_TYPE[value.type]).message(2, shape);
  return new ProtoWriter().string(1, value.name).message(2, new ProtoWriter().message(1, tensor));
}

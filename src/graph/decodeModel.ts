import {
  type Attribute,
  ELEMENT_TYPE,
  type ElementType,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from './onnxModel.ts';
import { readPacked, readProto } from './protobuf.ts';

/**
 * Reads an ONNX file that `encodeModel` wrote, for what has to be known of a graph before it runs.
 * @throws {RangeError} the file holds what we do not write
 */
export function decodeModel(bytes: Uint8Array<ArrayBuffer>): OnnxModel {
  const file = fieldsOf(bytes);
  const graph = fieldsOf(file.bytes(7)[0] ?? new Uint8Array());
  const opsets = file.bytes(8).map((message) => {
    const opset = fieldsOf(message);
    return [opset.text(1), opset.integer(2)] as const;
  });
  return {
    name: graph.text(2),
    opsets: Object.fromEntries(opsets),
    nodes: graph.bytes(1).map(decodeNode),
    tensors: graph.bytes(5).map(decodeTensor),
    inputs: graph.bytes(11).map(decodeValue),
    outputs: graph.bytes(12).map(decodeValue),
  };
}

function decodeNode(bytes: Uint8Array<ArrayBuffer>): OnnxNode {
  const node = fieldsOf(bytes);
  return {
    inputs: node.texts(1),
    outputs: node.texts(2),
    name: node.text(3),
    op: node.text(4),
    attributes: Object.fromEntries(node.bytes(5).map(decodeAttribute)),
    domain: node.text(7),
  };
}

/** Values of `AttributeProto.type`. */
const [FLOAT, INTEGER, STRING, INTEGERS] = [1, 2, 3, 7];

function decodeAttribute(bytes: Uint8Array<ArrayBuffer>): readonly [name: string, value: Attribute] {
  const attribute = fieldsOf(bytes);
  const name = attribute.text(1);
  const type = attribute.integer(20);
  if (type === FLOAT) return [name, { float: attribute.float(2) }];
  if (type === INTEGER) return [name, attribute.integer(3)];
  if (type === STRING) return [name, attribute.text(4)];
  if (type === INTEGERS) return [name, readPacked(attribute.bytes(8)[0] ?? new Uint8Array())];
  throw new RangeError(`Attribute "${name}" has type ${type}`);
}

function decodeTensor(bytes: Uint8Array<ArrayBuffer>): OnnxTensor {
  const tensor = fieldsOf(bytes);
  const dims = readPacked(tensor.bytes(1)[0] ?? new Uint8Array());
  const common = { name: tensor.text(8), type: elementType(tensor.integer(2)), dims };
  const external = Object.fromEntries(
    tensor.bytes(13).map((message) => {
      const entry = fieldsOf(message);
      return [entry.text(1), entry.text(2)] as const;
    }),
  );
  if (external.location === undefined) return { ...common, data: tensor.bytes(9)[0] ?? new Uint8Array() };
  const { location, offset, length } = external;
  return { ...common, data: { location, offset: Number(offset), byteLength: Number(length) } };
}

function decodeValue(bytes: Uint8Array<ArrayBuffer>): OnnxValue {
  const value = fieldsOf(bytes);
  const type = fieldsOf(value.bytes(2)[0] ?? new Uint8Array());
  const tensor = fieldsOf(type.bytes(1)[0] ?? new Uint8Array());
  const shape = fieldsOf(tensor.bytes(2)[0] ?? new Uint8Array());
  const dims = shape.bytes(1).map((message) => {
    const dim = fieldsOf(message);
    return dim.has(2) ? dim.text(2) : dim.integer(1);
  });
  return { name: value.text(1), type: elementType(tensor.integer(1)), dims };
}

function elementType(number: number): ElementType {
  const found = Object.entries(ELEMENT_TYPE).find(([, value]) => value === number);
  if (!found) throw new RangeError(`Element type ${number} is none of ours`);
  return found[0] as ElementType;
}

const utf8 = new TextDecoder();

/** Fields of a message by number. What is left out reads as 0 or empty, as Protocol Buffers has it. */
function fieldsOf(bytes: Uint8Array<ArrayBuffer>) {
  const numbers = new Map<number, bigint>();
  const runs = new Map<number, Uint8Array<ArrayBuffer>[]>();
  for (const { field, kind, value } of readProto(bytes)) {
    if (kind === 'integer') numbers.set(field, value);
    else if (runs.has(field)) runs.get(field)?.push(value);
    else runs.set(field, [value]);
  }
  const all = (field: number) => runs.get(field) ?? [];
  const texts = (field: number) => all(field).map((run) => utf8.decode(run));
  return {
    has: (field: number) => numbers.has(field) || runs.has(field),
    integer: (field: number) => Number(numbers.get(field) ?? 0n),
    bytes: all,
    texts,
    text: (field: number) => texts(field)[0] ?? '',
    float: (field: number) => {
      const [run] = all(field);
      return run ? new DataView(run.buffer, run.byteOffset).getFloat32(0, true) : 0;
    },
  };
}

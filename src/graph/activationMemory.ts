import type { OnnxModel, OnnxNode } from './onnxModel.ts';
import { byteLengthOf, inferShapes } from './shapeInference.ts';

/** The largest total of values that are needed at once while a graph runs, weights not counted. */
export interface ActivationMemory {
  readonly peakBytes: number;
  /** The node at which it is reached. */
  readonly peakNode: string;
  /** The largest single value; a GPU buffer cannot be larger than the device's limit. */
  readonly largestBytes: number;
}

/**
 * Memory for the values of a graph of fixed sizes, if every value is freed after its last use. Inputs and outputs count as
 * long as they are needed, constants and what is computed of them alone do not. What onnxruntime computes in place or
 * not at all takes nothing: Reshape, and the transpositions around a convolution whose channels lie last.
 *
 * onnxruntime's WebGPU provider keeps freed buffers in buckets, so it holds more than this.
 * @throws {RangeError} as {@link inferShapes}
 */
export function activationMemory(model: OnnxModel): ActivationMemory {
  const types = inferShapes(model);
  const constants = new Set(model.tensors.map(({ name }) => name));
  const owners = storageOwners(model);
  const owner = (name: string) => owners.get(name) ?? name;
  for (const { inputs, outputs } of model.nodes) {
    if (inputs.every((name) => name === '' || constants.has(name))) for (const name of outputs) constants.add(name);
  }

  const lastUse = new Map<string, number>();
  model.nodes.forEach(({ inputs, outputs }, i) => {
    for (const name of [...inputs, ...outputs]) lastUse.set(owner(name), i);
  });
  for (const { name } of model.outputs) lastUse.set(owner(name), model.nodes.length);

  const live = new Map<string, number>();
  let total = 0;
  let peak: ActivationMemory = { peakBytes: 0, peakNode: 'inputs', largestBytes: 0 };
  const hold = (name: string, node: string) => {
    const type = types.get(name);
    if (!type || constants.has(name) || live.has(owner(name)) || owner(name) !== name) return;
    const bytes = byteLengthOf(type);
    live.set(name, bytes);
    total += bytes;
    const largestBytes = Math.max(peak.largestBytes, bytes);
    peak = total > peak.peakBytes ? { peakBytes: total, peakNode: node, largestBytes } : { ...peak, largestBytes };
  };
  for (const { name } of model.inputs) hold(name, 'inputs');
  model.nodes.forEach((node, i) => {
    for (const name of node.outputs) hold(name, node.name);
    for (const name of [...node.inputs, ...node.outputs]) {
      if (lastUse.get(owner(name)) !== i) continue;
      total -= live.get(owner(name)) ?? 0;
      live.delete(owner(name));
    }
  });
  return peak;
}

/** For values that lie in the memory of another: that one. */
function storageOwners({ nodes }: OnnxModel): Map<string, string> {
  const owners = new Map<string, string>();
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const users = new Map<string, OnnxNode[]>();
  for (const node of nodes) {
    for (const name of node.inputs) users.set(name, [...(users.get(name) ?? []), node]);
  }
  for (const { op, inputs, outputs } of nodes) {
    const [from = '', to = ''] = [inputs[0], outputs[0]];
    const isAroundConv =
      op === 'Transpose' && (producers.get(from)?.op === 'Conv' || users.get(to)?.every((user) => user.op === 'Conv'));
    if (op === 'Reshape' || isAroundConv) owners.set(to, owners.get(from) ?? from);
  }
  return owners;
}

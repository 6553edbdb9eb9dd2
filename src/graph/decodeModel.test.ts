import { describe, expect, it } from 'vitest';
import { decodeModel } from './decodeModel.ts';
import { encodeModel, type OnnxModel } from './onnxModel.ts';

const MODEL: OnnxModel = {
  name: 'all there is',
  opsets: { '': 20, 'com.microsoft': 1 },
  nodes: [
    {
      op: 'Op',
      domain: 'com.microsoft',
      name: 'Op_0',
      inputs: ['x', '', 'w'],
      outputs: ['y'],
      attributes: { one: 1, half: { float: 0.5 }, word: 'text', list: [3, -1, 300], none: 0 },
    },
  ],
  tensors: [
    { name: 'here', type: 'int64', dims: [], data: new Uint8Array(8).fill(255) },
    { name: 'w', type: 'float16', dims: [2, 3], data: { location: 'shard', offset: 2 ** 33, byteLength: 12 } },
  ],
  inputs: [{ name: 'x', type: 'float32', dims: [1, 'rows'] }],
  outputs: [{ name: 'y', type: 'bool', dims: [] }],
};

describe('decodeModel', () => {
  it('reads all that encodeModel writes', () => {
    expect(decodeModel(encodeModel(MODEL))).toEqual(MODEL);
  });

  it('refuses a file that is cut off', () => {
    const bytes = encodeModel(MODEL);
    expect(() => decodeModel(bytes.slice(0, -3))).toThrow(RangeError);
  });
});

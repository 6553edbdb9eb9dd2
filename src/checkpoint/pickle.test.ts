import { describe, expect, test } from 'vitest';
import { concat, dict, global, int, le, type Part, pickle, tensor, tuple, unicode } from './handMadeFiles.ts';
import { MAX_PICKLE_BYTES, unpickle } from './pickle.ts';
import type { PickleValue } from './pickleValue.ts';
import { flattenStateDict } from './stateDict.ts';

const load = (...parts: Part[]) => unpickle(pickle(...parts), 'x.pth');

/** Values as plain JavaScript, to compare. */
function plain(value: PickleValue): unknown {
  if (typeof value !== 'object' || value === null) return value;
  switch (value.kind) {
    case 'tuple':
    case 'list':
      return value.items.map(plain);
    case 'dict':
      return value.entries.map(([key, member]) => [plain(key), plain(member)]);
    case 'bytes':
      return value.bytes;
    default:
      return value;
  }
}

describe('unpickle', () => {
  test.each<[string, Part[], unknown]>([
    ['none and booleans', ['(N', 0x88, 0x89, 't'], [null, true, false]],
    ['integers', ['(', 'K', 200, 'M', le(2, 60000), int(-2 >>> 0), 't'], [200, 60000, -2]],
    ['long integers', ['(', 0x8a, 0, 0x8a, 1, 0xff, 0x8a, 6, 0, 0, 0, 0, 0, 1, 't'], [0, -1, 2 ** 40]],
    ['an integer beyond 2^53', [0x8b, le(4, 9), 0, 0, 0, 0, 0, 0, 0, 0, 1], 2n ** 64n],
    ['a float', ['G', 0x3f, 0xf8, 0, 0, 0, 0, 0, 0], 1.5],
    ['strings', ['(', unicode('ä'), 0x8c, 1, 'b', 0x8d, le(8, 1), 'c', 't'], ['ä', 'b', 'c']],
    ['bytes', ['C', 2, 1, 2], Uint8Array.of(1, 2)],
    [
      'tuples',
      ['(', ')', 'K', 1, 0x85, 'K', 1, 'K', 2, 0x86, 'K', 1, 'K', 2, 'K', 3, 0x87, 't'],
      [[], [1], [1, 2], [1, 2, 3]],
    ],
    ['lists', [']', 'K', 1, 'a', '(K', 2, 'K', 3, 'e'], [1, 2, 3]],
    ['sets', [0x8f, '(K', 2, 'K', 3, 0x90], [2, 3]],
    [
      'dicts',
      ['}', 'K', 1, 'K', 2, 's', '(K', 3, 'K', 4, 'u'],
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ['the memo', ['K', 7, 'q', 5, '0', 'K', 8, 'r', le(4, 300), '0', '(h', 5, 'j', le(4, 300), 't'], [7, 8]],
    ['pop, mark, duplicate', ['K', 1, '(', 'K', 2, '1', '2', 0x86], [1, 1]],
    [
      'an OrderedDict of pairs',
      [global('collections', 'OrderedDict'), ']', 'K', 1, 'K', 2, 0x86, 'a', 0x85, 'R'],
      [[1, 2]],
    ],
    [
      'an OrderedDict made as an object, its attributes dropped',
      [global('collections', 'OrderedDict'), ')', 0x81, '}', 'b'],
      [],
    ],
    ['a torch.Size', [global('torch', 'Size'), tuple(int(2), int(3)), 0x85, 'R'], [2, 3]],
  ])('%s', (_, parts, expected) => {
    expect(plain(load(...parts))).toEqual(expected);
  });

  test('a dtype is a token; a parameter is its tensor', () => {
    expect(load(global('torch', 'float16'))).toMatchObject({ kind: 'global', role: 'dtype', name: 'torch.float16' });
    const value = tensor({ shape: [2], stride: [1], storageType: 'HalfStorage', key: '7' });
    expect(load(global('torch._utils', '_rebuild_parameter'), tuple(value, 0x88, '}'), 'R')).toMatchObject({
      kind: 'tensor',
      storage: { dtype: 'F16', key: '7', count: 2 },
    });
  });

  test.each([
    ['os', 'system'],
    ['builtins', 'eval'],
    ['__builtin__', 'exec'],
    ['torch', 'load'],
    ['torch.hub', 'load'],
    ['torch', '__proto__'],
    ['torch', 'toString'],
    ['torch', 'FloatStorage.__class__'],
    ['collections', 'OrderedDict.__init__'],
    ['numpy.core.multiarray', '_reconstruct'],
  ])('refuses %s.%s by name, however it is spelled', (module, name) => {
    const refused = `refuses global "${module}.${name}"`;
    expect(() => load(global(module, name))).toThrow(refused);
    expect(() => load(unicode(module), unicode(name), 0x93)).toThrow(refused);
  });

  test.each<[string, Part[], RegExp]>([
    ['a call of a value', ['K', 1, ')', 'R'], /calls what is not a global/],
    ['a call of a dtype', [global('torch', 'float16'), ')', 'R'], /calls "torch\.float16"/],
    ['a call of a storage type', [global('torch', 'FloatStorage'), ')', 'R'], /calls "torch\.FloatStorage"/],
    ['attributes of a tensor', [tensor({ shape: [1], stride: [1] }), '}', 'b'], /sets attributes/],
    ['items of a list', [']', 'K', 1, 'K', 2, 's'], /sets items/],
    ['an odd number of items', ['}(K', 1, 'u'], /sets items/],
    ['appending to a dict', ['}K', 1, 'a'], /appends/],
    ['a foreign persistent id', [unicode('http://'), 'Q'], /refers to what is not a storage/],
    [
      'a storage of negative length',
      [tuple(unicode('storage'), global('torch', 'FloatStorage'), unicode('0'), unicode('cpu'), int(0xffffffff)), 'Q'],
      /without a key or length/,
    ],
    ['a tensor without a storage', [global('torch._utils', '_rebuild_tensor_v2'), ')', 'R'], /without a storage/],
    ['an unknown opcode', ['\x00'], /opcode 0x0/],
    ['an extension', [0x82, 1], /opcode 0x82/],
    ['instances of protocol 0', ['(ios\nsystem\n'], /opcode 0x69/],
    ['an empty stack', ['0'], /empty stack/],
    ['no mark', ['t'], /empty stack/],
    ['a mark as a value', ['(', 0x85], /empty stack/],
    ['a memo never stored', ['h', 1], /recalls/],
    ['a string beyond the end', ['X', le(4, 0xffffffff), 'a'], /breaks off/],
    ['a string of 2^63 bytes', [0x8d, 0, 0, 0, 0, 0, 0, 0, 0x80], /breaks off/],
    ['an integer of 2 GB', [0x8b, le(4, 0x7fffffff)], /integer of 2147483647 bytes/],
    ['a name without end', ['cos'], /breaks off in a name/],
  ])('refuses %s', (_, parts, message) => {
    let error: unknown;
    try {
      load(...parts);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ name: 'CheckpointError', message: expect.stringMatching(message) });
  });

  test('refuses no bytes, another protocol, a missing end, an empty result', () => {
    for (const bytes of [
      concat(),
      concat(0x80),
      concat(0x80, 1, 'N.'),
      concat('N.'),
      concat(0x80, 2, 'N'),
      concat(0x80, 2, '.'),
    ]) {
      expect(() => unpickle(bytes, 'x.pth')).toThrow('Cannot read "x.pth": its pickle');
    }
    expect(() => unpickle(new Uint8Array(MAX_PICKLE_BYTES + 1), 'x.pth')).toThrow('expected at most');
  });

  test.each<[string, string]>([
    ['dicts', '}'],
    ['lists', ']'],
    ['marks', '('],
    ['nested tuples', ')' + '\x85'],
    ['remembered values', '2q\x01'],
  ])('gives up a million %s early', (_, unit) => {
    const bytes = new Uint8Array(2_000_000);
    for (let i = 0; i < bytes.length; i++) bytes[i] = unit.charCodeAt(i % unit.length);
    expect(() => load(...(unit === '2q\x01' ? ['N'] : []), bytes)).toThrow('more than 500000 values');
  });

  test('copying a long list over and over is counted', () => {
    const pairs = concat(']q', 1, '(', ...Array.from({ length: 20_000 }, () => ')))'.slice(0, 1)), 'e');
    const pair = concat('K', 1, 'K', 2, 0x86, 'q', 2);
    const list = concat(pair, ']q', 1, '(', ...Array.from({ length: 20_000 }, () => concat('h', 2)), 'e');
    const copies = Array.from({ length: 1000 }, () => concat(global('collections', 'OrderedDict'), 'h', 1, 0x85, 'R'));
    expect(() => load(list, ...copies)).toThrow('more than 500000 values');
    expect(() => load(pairs, global('collections', 'OrderedDict'), 'h', 1, 0x85, 'R')).toThrow('not pairs');
  });
});

describe('flattenStateDict', () => {
  const T = tensor({ shape: [1], stride: [1] });
  const names = (...parts: Part[]) => [...flattenStateDict(load(...parts), 'x.pth').keys()];

  test.each<[string, Part, string[]]>([
    ['a flat dict', dict({ 'a.weight': T, 'a.bias': T }), ['a.weight', 'a.bias']],
    ['state_dict beside others', dict({ epoch: int(1), optimizer: dict({ m: T }), state_dict: dict({ a: T }) }), ['a']],
    ['params', dict({ params: dict({ a: T }) }), ['a']],
    ['averaged weights before raw ones', dict({ params: dict({ a: T }), params_ema: dict({ b: T }) }), ['b']],
    ['wrapped twice', dict({ model: dict({ state_dict: dict({ a: T }) }) }), ['a']],
    ['a model that has a part called module', dict({ module: dict({ a: T }), scale: T }), ['module.a', 'scale']],
    ['a wrapper key that holds something else', dict({ model: dict({ width: int(8) }), a: dict({ b: T }) }), ['a.b']],
    ['an empty wrapper', dict({ state_dict: '}', a: dict({ b: T }) }), ['a.b']],
    ['lists, tuples, numbers as keys', concat('}', int(3), ']', T, 'a', T, 0x85, 'a', 's'), ['3.0', '3.1.0']],
    ['names in bytes', concat('}', 'U', 1, 'a', T, 's'), ['a']],
    ['a key twice: the last counts', concat('}(', unicode('a'), 'N', unicode('a'), T, 'u'), ['a']],
  ])('%s', (_, value, expected) => {
    expect(names(value)).toEqual(expected);
  });

  test('refuses no tensors, and one name for two tensors', () => {
    expect(() => names(dict({ a: int(1) }))).toThrow('holds no tensors');
    expect(() => names(dict({ 'a.b': T, a: dict({ b: T }) }))).toThrow('two tensors "a.b"');
  });

  test('refuses a list that contains itself, and references that multiply', () => {
    expect(() => names(']q', 1, 'h', 1, 'a')).toThrow('nested too deeply');
    // Twenty-five levels of lists of two references each: 2^25 values.
    const level = (i: number) => concat(']q', i, '(h', i - 1, 'h', i - 1, 'e');
    const bomb = concat(']q', 0, ...Array.from({ length: 25 }, (_, i) => level(i + 1)));
    expect(() => names(bomb)).toThrow('nested too deeply');
  });

  test('refuses a long key shared by many', () => {
    const shared = concat(']q', 1, '(', ...Array.from({ length: 200 }, () => T), 'e');
    expect(() => names(shared, '}', unicode('k'.repeat(100_000)), 'h', 1, 's')).toThrow('names are longer');
  });
});

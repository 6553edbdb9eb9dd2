import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type ByteSource, bytesSource } from './byteSource.ts';
import { tensorAsFloat32 } from './dtypes.ts';
import { MAX_HEADER_BYTES, MAX_TENSORS, openSafetensors } from './safetensors.ts';

const FIXTURES = new URL('../../reference/fixtures/checkpoints/', import.meta.url);

/** A file by hand: the length, the header as given, the data. */
function file(header: string | Uint8Array, data: ArrayLike<number> = []): ByteSource {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytesSource('model.safetensors', bytes);
}

/** A file that reads as spaces after its head and allocates nothing of its size. */
function sparse(head: Uint8Array, size: number): ByteSource & { reads: [number, number][] } {
  const reads: [number, number][] = [];
  return {
    name: 'model.safetensors',
    size,
    reads,
    async read(start, end) {
      reads.push([start, end]);
      const bytes = new Uint8Array(end - start).fill(0x20);
      bytes.set(head.subarray(Math.min(start, head.length), Math.min(end, head.length)));
      return bytes;
    },
  };
}

const entry = (dtype: string, shape: string, begin: number, end: number) =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;

describe('openSafetensors', () => {
  test('reads what the safetensors library wrote: every element type, a scalar, an empty tensor, metadata', async () => {
    const name = 'every_dtype.safetensors';
    const { tensors } = await openSafetensors(bytesSource(name, readFileSync(new URL(name, FIXTURES))));
    const contents: Record<string, unknown> = {};
    for (const { name: key, dtype, shape, read } of tensors.values()) {
      contents[key] = { dtype, shape, hex: Buffer.from(await read()).toString('hex') };
    }
    expect(contents).toEqual(JSON.parse(readFileSync(new URL('expected.json', FIXTURES), 'utf8'))[name]);
  });

  test('by hand: two tensors in the other order than their data, spaces after the header', async () => {
    const header = `{"b":${entry('U8', '[3]', 4, 7)}, "a":${entry('F32', '[1,1]', 0, 4)}}   `;
    const { tensors } = await openSafetensors(file(header, [0, 0, 0x80, 0x3f, 7, 8, 9]));
    const [b, a] = [...tensors.values()];
    expect(b).toMatchObject({ name: 'b', dtype: 'U8', shape: [3], byteLength: 3, file: 'model.safetensors' });
    expect(b && [...(await b.read())]).toEqual([7, 8, 9]);
    expect(a && [...(await tensorAsFloat32(a))]).toEqual([1]);
  });

  test('no tensors at all is a valid file', async () => {
    expect((await openSafetensors(file('{}'))).tensors.size).toBe(0);
    expect((await openSafetensors(file('{"__metadata__":{"a":"b"}}'))).tensors.size).toBe(0);
  });

  test('names with quotes, braces, escapes and non-ASCII letters; a name that is a property of objects', async () => {
    const header = `{"a\\"{[,:\\\\":${entry('U8', '[0]', 0, 0)},"ä\\u00e9😀":${entry('U8', '[0]', 0, 0)},"__proto__":${entry('U8', '[1]', 0, 1)}}`;
    const { tensors } = await openSafetensors(file(header, [5]));
    expect([...tensors.keys()]).toEqual(['a"{[,:\\', 'äé😀', '__proto__']);
    expect(tensors.get('__proto__')?.shape).toEqual([1]);
  });

  test('a header longer than one read, its entries across the seams', async () => {
    const count = 20_000;
    const header = `{${Array.from({ length: count }, (_, i) => `"läyers.${i}.weight":${entry('I8', '[1]', i, i + 1)}`)}}`;
    expect(header.length).toBeGreaterThan(1 << 20);
    const data = Uint8Array.from({ length: count }, (_, i) => i);
    const { tensors } = await openSafetensors(file(header, data));
    expect(tensors.size).toBe(count);
    expect([...((await tensors.get('läyers.19999.weight')?.read()) ?? [])]).toEqual([19999 & 255]);
  });
});

describe('openSafetensors refuses', () => {
  const cases: [what: string, source: ByteSource, message: RegExp][] = [
    ['an empty file', bytesSource('x', new Uint8Array(0)), /has 0 bytes, a safetensors file at least 10/],
    [
      'a Git LFS pointer',
      bytesSource('x', new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\n')),
      /git lfs pull/,
    ],
    [
      'a header beyond the file',
      bytesSource('x', Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d)),
      /should have 9 bytes, the file has 10 in all/,
    ],
    [
      'a header beyond 2^53',
      bytesSource('x', new Uint8Array(16).fill(0xff)),
      /expected at most 100000000; this is not a safetensors file/,
    ],
    ['invalid UTF-8', file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), /not UTF-8/],
    ['UTF-8 cut in the middle of a letter', file(Uint8Array.of(0x7b, 0x22, 0xc3)), /not UTF-8/],
    ['a byte order mark', file('\uFEFF{}'), /does not start with "\{"/],
    ['a list', file('[]'), /does not start with/],
    ['an empty header', file(''), /has 8 bytes|not closed/],
    ['spaces only', file('   '), /does not start with/],
    ['an open object', file('{"a":{}'), /not closed/],
    ['an open string', file('{"a'), /not closed/],
    ['a wrong bracket', file(`{"a":1]`), /ends with "\]"/],
    ['crossed brackets', file('{"a":{]}'), /not JSON|not closed/],
    ['text after the object', file('{} x'), /something follows/],
    ['a second object', file('{}{}'), /something follows/],
    ['a trailing comma', file(`{"a":${entry('U8', '[0]', 0, 0)},}`), /missing after a comma/],
    ['a missing name', file(`{${entry('U8', '[0]', 0, 0)}}`), /not JSON/],
    ['deep nesting', file(`{"a":${'['.repeat(50_000)}`), /nested more than 3 deep/],
    ['an entry that is a number', file('{"a":1}'), /"a" is not an object/],
    [
      'a repeated tensor',
      file(`{"a":${entry('U8', '[0]', 0, 0)},"\\u0061":${entry('U8', '[0]', 0, 0)}}`),
      /"a" occurs twice/,
    ],
    ['a repeated key', file('{"a":{"dtype":"U8","dtype":"I8","shape":[0],"data_offsets":[0,0]}}'), /"a" repeats a key/],
    ['repeated metadata', file('{"__metadata__":{},"__metadata__":{}}'), /occurs twice/],
    ['metadata that is not text', file('{"__metadata__":{"a":1}}'), /"a" that is not a string/],
    [
      'metadata of too many keys',
      file(`{"__metadata__":{${'"":"",'.repeat(20_000)}`),
      /more than 20000 commas and colons/,
    ],
    ['a list of a million lists', file(`{"a":[${'[],'.repeat(1_000_000)}[]]}`), /more than 20000 commas and colons/],
    [
      'an unknown element type',
      file(`{"x":${entry('F8_E4M3', '[1]', 0, 1)}}`, [0]),
      /tensor "x" has element type "F8_E4M3", expected F64, F32/,
    ],
    [
      'an element type that is a property of objects',
      file(`{"x":${entry('toString', '[0]', 0, 0)}}`),
      /element type "toString"/,
    ],
    ['a missing element type', file('{"x":{"shape":[],"data_offsets":[0,0]}}'), /element type missing/],
    ['a negative dimension', file(`{"x":${entry('U8', '[-1]', 0, 1)}}`, [0]), /has shape \[-1\]/],
    ['a fraction', file(`{"x":${entry('U8', '[0.5]', 0, 1)}}`, [0]), /has shape \[0\.5\]/],
    ['a dimension that is text', file(`{"x":${entry('U8', '["1"]', 0, 1)}}`, [0]), /has shape \["1"\]/],
    ['a product beyond 2^53', file(`{"x":${entry('U8', '[4294967296,4294967296]', 0, 0)}}`), /product below 2\^53/],
    [
      'the same hidden by a zero',
      file(`{"x":${entry('U8', '[0,4294967296,4294967296]', 0, 0)}}`),
      /product below 2\^53/,
    ],
    ['too many dimensions', file(`{"x":${entry('U8', `[${Array(17).fill(1)}]`, 0, 1)}}`, [0]), /at most 16/],
    ['offsets in the wrong order', file(`{"x":${entry('U8', '[1]', 1, 0)}}`, [0]), /the first not above the second/],
    [
      'three offsets',
      file('{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}', [0]),
      /two non-negative integers/,
    ],
    ['a negative offset', file(`{"x":${entry('U8', '[1]', -1, 0)}}`, [0]), /two non-negative integers/],
    [
      'data cut short',
      file(`{"x":${entry('F32', '[2]', 0, 8)}}`, [0, 0, 0, 0]),
      /tensor "x" ends at byte 8 of the data, found only 4 bytes/,
    ],
    [
      'a size that is not that of the shape',
      file(`{"x":${entry('F32', '[2]', 0, 4)}}`, [0, 0, 0, 0]),
      /tensor "x" has 4 bytes, expected 8 for F32 of shape \[2\]/,
    ],
    [
      'an overlap',
      file(`{"x":${entry('U8', '[2]', 0, 2)},"y":${entry('U8', '[2]', 1, 3)}}`, [0, 0, 0]),
      /tensor "y" overlaps/,
    ],
    [
      'a hole',
      file(`{"x":${entry('U8', '[1]', 0, 1)},"y":${entry('U8', '[1]', 2, 3)}}`, [0, 0, 0]),
      /tensor "y" leaves a hole/,
    ],
    ['a hole at the start', file(`{"x":${entry('U8', '[1]', 1, 2)}}`, [0, 0]), /tensor "x" leaves a hole/],
    [
      'bytes after the last tensor',
      file(`{"x":${entry('U8', '[1]', 0, 1)}}`, [0, 0]),
      /tensors have 1 bytes, found 2 after the header/,
    ],
  ];
  test.each(cases)('%s', async (_, source, message) => {
    const error = await openSafetensors(source).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'CheckpointError', message: expect.stringMatching(message) });
    expect(String((error as Error).message)).toMatch(/^Cannot read "(x|model\.safetensors)": /);
  });

  test('more tensors than the limit', async () => {
    const header = `{${Array.from({ length: MAX_TENSORS + 1 }, (_, i) => `"${i}":${entry('U8', '[0]', 0, 0)}`)}}`;
    await expect(openSafetensors(file(header))).rejects.toMatchObject({ name: 'CheckpointError' });
  });

  test('a header of 100 MB is given up in the first pieces, no tensor is read', async () => {
    const head = new Uint8Array(9);
    new DataView(head.buffer).setBigUint64(0, BigInt(MAX_HEADER_BYTES), true);
    head[8] = 0x7b;
    const source = sparse(head, MAX_HEADER_BYTES + 8);
    await expect(openSafetensors(source)).rejects.toMatchObject({
      message: expect.stringContaining('one entry is longer than 4000000 characters'),
    });
    expect(Math.max(...source.reads.map(([start, end]) => end - start))).toBeLessThanOrEqual(1 << 20);
    expect(source.reads.length).toBeLessThan(8);
  });

  test('a medium that returns less than asked for', async () => {
    const whole = file(`{"x":${entry('U8', '[4]', 0, 4)}}`, [1, 2, 3, 4]);
    const { tensors } = await openSafetensors({
      ...whole,
      read: async (start, end) => (await whole.read(start, end)).slice(0, start > 8 ? 2 : undefined),
    });
    await expect(tensors.get('x')?.read()).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringContaining('4 bytes were expected'),
    });
  });
});

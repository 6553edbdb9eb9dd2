import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type ByteSource, bytesSource } from './byteSource.ts';
import { concat, endRecord, le, type Part, zipFile } from './handMadeFiles.ts';
import { MAX_INFLATED_BYTES, openZip } from './zip.ts';

const text = new TextEncoder();
const source = (bytes: Uint8Array) => bytesSource('x.pth', bytes);
const FILES = { 'a/one': text.encode('first'), 'a/two': text.encode('the second') };

async function contentOf(bytes: Uint8Array, name: string): Promise<string> {
  const entry = (await openZip(source(bytes))).get(name);
  if (!entry) throw new Error(`no entry ${name}`);
  return new TextDecoder().decode(await entry.read());
}

describe('openZip', () => {
  test('lists stored entries and reads them, whole and in part', async () => {
    const entries = await openZip(source(zipFile(FILES)));
    expect([...entries.values()].map(({ name, size }) => [name, size])).toEqual([
      ['a/one', 5],
      ['a/two', 10],
    ]);
    expect(new TextDecoder().decode(await entries.get('a/two')?.read(4, 7))).toBe('sec');
  });

  test('finds the end record before a comment, even one that contains its signature', async () => {
    const archive = zipFile(FILES);
    new DataView(archive.buffer).setUint16(archive.length - 2, 12, true);
    expect(await contentOf(concat(archive, 'PK', 5, 6, 'comments'), 'a/one')).toBe('first');
  });

  test('inflates', async () => {
    const content = text.encode('repeated '.repeat(1000));
    const packed = deflateRawSync(content);
    const archive = zipFile({ a: packed }, { a: { method: 8, size: content.length } });
    expect(await contentOf(archive, 'a')).toBe('repeated '.repeat(1000));
  });

  test('zip64: an entry beyond 4 GB, and end records beyond it, in a file of which little is read', async () => {
    const far = 5_000_000_000;
    const local = concat(
      le(4, 0x04034b50),
      le(2, 45, 0, 0, 0, 0),
      le(4, 0, 0xffffffff, 0xffffffff),
      le(2, 1, 0),
      'a',
      'hello',
    );
    const extra = concat(le(2, 9, 4), 'skip', le(2, 1, 24), le(8, 5, 5, far));
    const directory = concat(
      le(4, 0x02014b50),
      le(2, 45, 45, 0, 0, 0, 0),
      le(4, 0, 0xffffffff, 0xffffffff),
      le(2, 1, extra.length, 0, 0, 0),
      le(4, 0, 0xffffffff),
      'a',
      extra,
    );
    const directoryAt = far + local.length;
    const end64 = concat(
      le(4, 0x06064b50),
      le(8, 44),
      le(2, 45, 45),
      le(4, 0, 0),
      le(8, 1, 1, directory.length, directoryAt),
    );
    const locator = concat(le(4, 0x07064b50, 0), le(8, directoryAt + directory.length), le(4, 1));
    const tail = concat(
      local,
      directory,
      end64,
      locator,
      endRecord({ count: 0xffff, size: 0xffffffff, offset: 0xffffffff }),
    );
    const sparse: ByteSource = {
      name: 'big.pth',
      size: far + tail.length,
      async read(start, end) {
        const bytes = new Uint8Array(end - start);
        for (let i = Math.max(start, far); i < end; i++) bytes[i - start] = tail[i - far] as number;
        return bytes;
      },
    };
    const entry = (await openZip(sparse)).get('a');
    expect(entry?.size).toBe(5);
    expect(new TextDecoder().decode(await entry?.read())).toBe('hello');
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['an empty file', new Uint8Array(0), /no zip directory/],
    ['no end record', zipFile(FILES).slice(0, -1), /no zip directory/],
    [
      'a directory beyond the file',
      concat(endRecord({ count: 1, size: 100, offset: 0 })),
      /bytes 0 to 100 were expected/,
    ],
    ['a directory of 4 GB', concat(endRecord({ count: 1, size: 0xfffffff0, offset: 0 })), /expected at most/],
    ['fewer entries than counted', concat(endRecord({ count: 1, size: 0, offset: 0 })), /breaks off at entry 1 of 1/],
    ['the same name twice', duplicate(), /lists "a" twice/],
    ['a zip64 field that is missing', zipFile(FILES, { 'a/one': { size: 0xffffffff } }), /breaks off/],
    [
      'a zip64 field that is too short',
      zipFile(FILES, { 'a/one': { size: 0xffffffff, extra: concat(le(2, 1, 4), 'abcd') } }),
      /breaks off/,
    ],
    [
      'a zip64 end record out of place',
      concat(zip64Locator(1_000), endRecord({ count: 0, size: 0, offset: 0 })),
      /bytes 1000 to/,
    ],
  ])('refuses %s', async (_, bytes, message) => {
    await expect(openZip(source(bytes))).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringMatching(message),
    });
  });

  test.each<[string, Parameters<typeof zipFile>[1], RegExp]>([
    ['sizes that differ', { a: { size: 6 } }, /"a" has 5 bytes, expected 6/],
    ['data beyond the file', { a: { size: 5000, compressedSize: 5000 } }, /bytes 31 to 5031 were expected/],
    ['a local header beyond the file', { a: { localHeader: 0xfffffffe } }, /bytes 4294967294 to/],
    ['a local header out of place', { a: { localHeader: 1 } }, /"a" is not where its zip directory says/],
    ['encryption', { a: { flags: 1 } }, /encrypted/],
    ['another compression', { a: { method: 12 } }, /method 12/],
    ['a stream that is none', { a: { method: 8 } }, /does not inflate to 5 bytes/],
    ['a claim beyond the limit', { a: { method: 8, size: MAX_INFLATED_BYTES + 1 } }, /larger than/],
  ])('refuses to read an entry with %s', async (_, lies, message) => {
    const entry = (await openZip(source(zipFile({ a: text.encode('hello') }, lies)))).get('a');
    await expect(entry?.read()).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringMatching(message),
    });
  });

  test('refuses to inflate more or less than announced, and ranges outside the entry', async () => {
    const packed = deflateRawSync(new Uint8Array(10_000_000));
    for (const size of [100, 10_000_001]) {
      const entry = (await openZip(source(zipFile({ a: packed }, { a: { method: 8, size } })))).get('a');
      await expect(entry?.read()).rejects.toThrow('does not inflate');
    }
    const entry = (await openZip(source(zipFile(FILES)))).get('a/one');
    await expect(entry?.read(0, 6)).rejects.toThrow('bytes 0 to 6 of "a/one" were expected, found 5');
    await expect(entry?.read(-1, 3)).rejects.toThrow('found 5 in all');
  });
});

function duplicate(): Uint8Array {
  const bytes = zipFile({ a: new Uint8Array(0), b: new Uint8Array(0) });
  return bytes.map((byte) => (byte === 0x62 ? 0x61 : byte));
}

function zip64Locator(offset: number): Part {
  return concat(le(4, 0x07064b50, 0), le(8, offset), le(4, 1));
}

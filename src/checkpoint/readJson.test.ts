import { expect, test } from 'vitest';
import { MAX_JSON_DEPTH, MAX_JSON_SEPARATORS } from '../jsonBounds.ts';
import { bytesSource } from './byteSource.ts';
import { MAX_JSON_BYTES, readJson } from './readJson.ts';

const read = (text: string) =>
  readJson(new Map([['config.json', bytesSource('config.json', new TextEncoder().encode(text))]]), 'config.json');
/** An object with a value nested in `depth - 1` arrays. */
const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;

test('reads what is published, Python’s numbers as null', async () => {
  expect(await read('{"a": -Infinity, "b": "NaN", "c": [1]}')).toEqual({ a: null, b: 'NaN', c: [1] });
});

test('depth is bounded before anything is parsed', async () => {
  expect(Object.keys(await read(nested(MAX_JSON_DEPTH)))).toEqual(['a']);
  for (const depth of [MAX_JSON_DEPTH + 1, 1_000_000]) {
    await expect(read(nested(depth))).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringContaining(`nested at most ${MAX_JSON_DEPTH} deep`),
    });
  }
  // Brackets in a string are no nesting.
  expect(await read(`{"a": "${'['.repeat(1000)}\\"["}`)).toBeTruthy();
});

test('a file within the limit of its length that would make millions of values is refused', async () => {
  const values = (count: number) => `{"a":[${Array.from({ length: count }, () => '[]').join(',')}]}`;
  expect(values(MAX_JSON_SEPARATORS * 4).length).toBeLessThan(MAX_JSON_BYTES);
  await expect(read(values(MAX_JSON_SEPARATORS * 4))).rejects.toThrow(/at most 500000 values/);
  // One colon, the rest commas.
  const { a } = await read(values(MAX_JSON_SEPARATORS));
  expect(a).toHaveLength(MAX_JSON_SEPARATORS);
});

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type ClipTokenizer, loadClipTokenizer } from './clipTokenizer.ts';

const fixtures = new URL('../../reference/fixtures/', import.meta.url);
const text = (path: string) => readFileSync(new URL(path, fixtures), 'utf8');
const json = (path: string) => JSON.parse(text(path)) as never;

interface Goldens {
  readonly cases: readonly { readonly text: string; readonly ids_uncut: readonly number[] }[];
}
const { cases }: Goldens = json('golden/tokenizations.json');

function expectGoldens(tokenizer: ClipTokenizer) {
  expect(cases.length).toBeGreaterThan(40);
  for (const { text, ids_uncut } of cases) expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids_uncut);
}

describe("encodes as transformers' CLIPTokenizer", () => {
  test('from tokenizer.json', async () => {
    const tokenizer = json('clip-tiny/tokenizer.json');
    expectGoldens(await loadClipTokenizer({ tokenizer, config: json('clip-tiny/tokenizer_config.json') }));
    expectGoldens(await loadClipTokenizer({ tokenizer }));
  });

  test('from vocab.json and merges.txt', async () => {
    const files = { vocab: json('clip-tiny/vocab.json'), merges: text('clip-tiny/merges.txt') };
    expectGoldens(await loadClipTokenizer(files));
  });
});

const published = new URL('../../../shared/data/clip_tokenizer/', import.meta.url);

test.skipIf(!existsSync(published))("openai's own vocabulary gives the ids its models were trained on", async () => {
  const read = (name: string) => readFileSync(new URL(name, published), 'utf8');
  const tokenizer = await loadClipTokenizer({ vocab: JSON.parse(read('vocab.json')), merges: read('merges.txt') });
  // As in openai's own example, "a photo of a cat".
  expect(tokenizer.encode('a photo of a cat')).toEqual([49406, 320, 1125, 539, 320, 2368, 49407]);
});

test('says what is missing', async () => {
  await expect(loadClipTokenizer({ vocab: { a: 0 } })).rejects.toThrow('expected tokenizer.json, or vocab.json');
  await expect(loadClipTokenizer({ vocab: { a: 0 }, merges: '' })).rejects.toThrow('no token "<|startoftext|>"');
  await expect(loadClipTokenizer({ tokenizer: { model: {} } })).rejects.toMatchObject({ name: 'CheckpointError' });
});

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type ByteSource, bytesSource } from '../checkpoint/byteSource.ts';
import { tensorAsFloat32 } from '../checkpoint/dtypes.ts';
import { openSafetensors } from '../checkpoint/safetensors.ts';
import { promptChunks } from '../prompt/promptChunks.ts';
import { unweightedPrompt } from '../prompt/promptWeights.ts';
import { loadDiffusionTokenizer } from './diffusionTokenizer.ts';

const fixtures = new URL('../../reference/fixtures/', import.meta.url);

/** Files of a folder of fixtures, under the directory a diffusion model has them in. */
function folderOf(path: string, names: readonly string[], directory = 'tokenizer/'): Map<string, ByteSource> {
  return new Map(
    names.map((name) => [
      directory + name,
      bytesSource(directory + name, readFileSync(new URL(`${path}/${name}`, fixtures))),
    ]),
  );
}

const PUBLISHED = ['vocab.json', 'merges.txt', 'special_tokens_map.json', 'tokenizer_config.json'];

interface Goldens {
  readonly cases: readonly { readonly text: string; readonly ids_uncut: readonly number[] }[];
}
const { cases }: Goldens = JSON.parse(readFileSync(new URL('golden/tokenizations.json', fixtures), 'utf8'));

/** What reference/diffusion_goldens.py gave the tokenizers. */
const PROMPTS = ['a photo of a red cat, sitting on a wooden table', ''];

describe('loadDiffusionTokenizer', () => {
  test.each([
    ['vocab.json and merges.txt', 'sd-inpainting-tiny/tokenizer', PUBLISHED],
    ['tokenizer.json', 'clip-tiny', ['tokenizer.json', 'tokenizer_config.json']],
  ])("gives the ids of transformers' tokenizer from %s", async (_, path, names) => {
    const tokens = await loadDiffusionTokenizer(folderOf(path, names), 'tokenizer/');
    expect(tokens).toMatchObject({ startToken: 922, endToken: 923, padding: 923, contextLength: 77 });
    expect(cases.length).toBeGreaterThan(40);
    for (const { text, ids_uncut } of cases) expect(tokens.tokenize(text)).toEqual(ids_uncut.slice(1, -1));
  });

  test.each([
    ['sd-inpainting-tiny', 'tokenizer', 'text_encoder', 923],
    ['sdxl-inpainting-tiny', 'tokenizer_2', 'text_encoder_2', 0],
  ])('%s/%s: chunks of prompts that fit are what transformers pads', async (model, part, encoder, padding) => {
    const tokens = await loadDiffusionTokenizer(folderOf(`${model}/${part}`, PUBLISHED, `${part}/`), `${part}/`);
    expect(tokens.padding).toBe(padding);
    const file = 'golden/text-encoders.safetensors';
    const { tensors } = await openSafetensors(bytesSource(file, readFileSync(new URL(file, fixtures))));
    const golden = tensors.get(`${model}/${encoder}.ids`);
    const ids = golden && [...(await tensorAsFloat32(golden))];
    for (const [i, prompt] of PROMPTS.entries()) {
      const chunks = promptChunks(unweightedPrompt(prompt), tokens);
      expect(chunks.map((chunk) => [...chunk.ids])).toEqual([ids?.slice(i * 77, (i + 1) * 77)]);
    }
  });

  test('finds the padding wherever it is written, however', async () => {
    const files = folderOf('sdxl-inpainting-tiny/tokenizer_2', PUBLISHED);
    files.delete('tokenizer/tokenizer_config.json');
    expect((await loadDiffusionTokenizer(files, 'tokenizer/')).padding).toBe(0);
    const object = { pad_token: { __type: 'AddedToken', content: '!' }, model_max_length: 1e30 };
    const bytes = new TextEncoder().encode(JSON.stringify(object));
    files.set('tokenizer/tokenizer_config.json', bytesSource('tokenizer/tokenizer_config.json', bytes));
    files.delete('tokenizer/special_tokens_map.json');
    expect(await loadDiffusionTokenizer(files, 'tokenizer/')).toMatchObject({ padding: 0, contextLength: 77 });
    files.delete('tokenizer/tokenizer_config.json');
    expect((await loadDiffusionTokenizer(files, 'tokenizer/')).padding).toBe(923);
  });

  test('says what is missing', async () => {
    await expect(loadDiffusionTokenizer(new Map(), 'tokenizer/')).rejects.toMatchObject({ name: 'CheckpointError' });
  });
});

import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bytesSource } from '../checkpoint/byteSource.ts';
import { tensorAsFloat32 } from '../checkpoint/dtypes.ts';
import { PROMPT_CONTEXT_FILES, readPromptContexts } from '../checkpoint/promptContexts.ts';
import { openSafetensors } from '../checkpoint/safetensors.ts';
import { learnedPromptEmbeddings } from './learnedPrompts.ts';

function readContexts(folder: URL) {
  const file = (name: string) => bytesSource(name, readFileSync(new URL(name, folder)));
  return readPromptContexts({
    overall: file(PROMPT_CONTEXT_FILES.overall),
    technical: file(PROMPT_CONTEXT_FILES.technical),
    rationality: file(PROMPT_CONTEXT_FILES.rationality),
    naturalness: file(PROMPT_CONTEXT_FILES.naturalness),
  });
}

const fixtures = new URL('../../reference/fixtures/', import.meta.url);

test("sequences equal the reference's, value for value", async () => {
  const contexts = await readContexts(new URL('clip-tiny/', fixtures));
  const name = 'golden/clip-tiny.text.safetensors';
  const { tensors } = await openSafetensors(bytesSource(name, readFileSync(new URL(name, fixtures))));
  const golden = tensors.get('learned.embeddings.overall');
  if (!golden) throw new Error('the golden is missing');
  const { embeddings, eotIndex } = learnedPromptEmbeddings(contexts.overall);
  expect(eotIndex).toBe(20);
  expect(embeddings).toEqual(await tensorAsFloat32(golden));
});

const published = new URL('../../../shared/data/pq_embeddings/', import.meta.url);

test.skipIf(!existsSync(published))('the published contexts fit together (needs ../shared/data)', async () => {
  const contexts = await readContexts(published);
  for (const context of Object.values(contexts)) {
    const { embeddings, eotIndex } = learnedPromptEmbeddings(context);
    expect(embeddings).toHaveLength(2 * 77 * 512);
    expect(eotIndex).toBe(20);
    const row = (pair: number, at: number) => embeddings.subarray((pair * 77 + at) * 512, (pair * 77 + at + 1) * 512);
    // "Good photo." and "Bad photo." differ in their first token and share "photo", ".", end of text and padding.
    expect(row(0, 9)).not.toEqual(row(1, 9));
    expect(row(0, 10)).toEqual(row(1, 10));
    expect(row(0, 11)).toEqual(row(1, 11));
    expect(row(0, 20)).toEqual(row(1, 20));
    expect(row(0, 20)).not.toEqual(row(0, 21));
    expect(row(0, 21)).toEqual(row(0, 76));
    expect(row(0, 0)).toEqual(contexts.overall.tokenPrefix.subarray(0, 512));
  }
});

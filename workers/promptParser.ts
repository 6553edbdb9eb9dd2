import { DependencyParser } from '../src/prompt/parser/dependencyParser.ts';
import type { PromptReader } from '../src/prompt/phrase.ts';
import { promptReader } from '../src/prompt/promptReader.ts';
import { publicUrl } from '../src/publicUrl.ts';

let loading: Promise<PromptReader> | null = null;

/**
 * The reader of prompts, its weights fetched on first use: 4 MB from the app's own origin, ready in a tenth of a second.
 *
 * @param url of the weights
 * @returns null where they cannot be had; the next call tries again
 */
export async function loadPromptReader(url = publicUrl('parser/english-ewt.bin')): Promise<PromptReader | null> {
  loading ??= fetchReader(url);
  try {
    return await loading;
  } catch (error) {
    loading = null;
    console.warn(`Cannot load the prompt parser from "${url}":`, error);
    return null;
  }
}

async function fetchReader(url: string): Promise<PromptReader> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the server answers ${response.status}`);
  return promptReader(new DependencyParser(new Uint8Array(await response.arrayBuffer())));
}

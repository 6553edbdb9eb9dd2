import { type ByteSource, bytesSource, type HubFolder } from './byteSource.ts';
import { checkpointError } from './checkpointError.ts';
import { type JsonObject, readJson } from './readJson.ts';

/** Files of a published tokenizer that are of use. */
const TOKENIZER_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'vocab.json',
  'merges.txt',
];
/** Those of them that hold its words. */
const WORDS = ['tokenizer.json', 'vocab.json', 'merges.txt'];

/** The files of a tokenizer in a directory (with its trailing slash), by name; whatever is there. */
export function tokenizerFiles(folder: HubFolder, directory: string): HubFolder {
  return chosen(folder, { directory, names: TOKENIZER_FILES });
}

/** Whether a directory holds all that a CLIP tokenizer is made of: one file, or vocabulary and merges. */
export function hasTokenizer(folder: HubFolder, directory: string): boolean {
  const has = (name: string) => folder.has(directory + name);
  return has('tokenizer.json') || (has('vocab.json') && has('merges.txt'));
}

/**
 * A text encoder's tokenizer made of another one with the same words: all of CLIP's have those of openai's. Only what short
 * texts are filled up with differs: XL's second encoder was trained with `!`.
 * @param from the directory whose words are taken, and what the encoder it is for needs
 * @throws {UserError} `CheckpointError`: unreadable, or it has another number of words than the encoder
 */
export async function sharedTokenizer(
  folder: HubFolder,
  { directory, padding, vocabularySize }: { directory: string; padding: '!' | '<|endoftext|>'; vocabularySize: number },
): Promise<HubFolder> {
  const path = directory + (folder.has(`${directory}vocab.json`) ? 'vocab.json' : 'tokenizer.json');
  const count = Object.keys(vocabulary(await readJson(folder, path))).length;
  if (count !== vocabularySize) {
    throw checkpointError(
      path,
      `it has ${count} words, expected ${vocabularySize} as the model's text encoder has; use the tokenizer of the model itself`,
    );
  }
  const config = { model_max_length: 77, pad_token: padding, tokenizer_class: 'CLIPTokenizer' };
  return new Map([
    ...chosen(folder, { directory, names: WORDS }),
    ['tokenizer_config.json', jsonSource('tokenizer_config.json', config)],
  ]);
}

function vocabulary(json: JsonObject): JsonObject {
  const { vocab } = (json.model ?? {}) as JsonObject;
  return typeof vocab === 'object' && vocab !== null ? (vocab as JsonObject) : json;
}

function chosen(folder: HubFolder, { directory, names }: { directory: string; names: readonly string[] }): HubFolder {
  const found = new Map<string, ByteSource>();
  for (const name of names) {
    const source = folder.get(directory + name);
    if (source) found.set(name, source);
  }
  return found;
}

/** A JSON file that no one published, as if it had been read. */
export function jsonSource(name: string, value: JsonObject): ByteSource {
  return bytesSource(name, new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`));
}

import type { HubFolder } from '../checkpoint/byteSource.ts';
import { checkpointError } from '../checkpoint/checkpointError.ts';
import { type JsonObject, readJson } from '../checkpoint/readJson.ts';
import type { ChunkTokens } from '../prompt/promptChunks.ts';
import { loadClipTokenizer } from './clipTokenizer.ts';

/** Tokens a CLIP text encoder reads at once. */
const CONTEXT_LENGTH = 77;
/** Some files say 10³⁰ for "no limit". */
const MAX_CONTEXT_LENGTH = 1024;

/**
 * The tokenizer of one text encoder of a diffusers folder, from `vocab.json` and `merges.txt` (all that most published
 * models have) or `tokenizer.json`. What chunks are padded with, `tokenizer_config.json` or `special_tokens_map.json` says;
 * without, it is the end token, as in Stable Diffusion 1.
 * @param directory `tokenizer/` or `tokenizer_2/`, with the slash
 * @throws {UserError} `CheckpointError`: files are missing or damaged
 */
export async function loadDiffusionTokenizer(folder: HubFolder, directory: string): Promise<ChunkTokens> {
  const optional = (name: string) =>
    folder.has(directory + name) ? readJson(folder, directory + name) : Promise.resolve(null);
  const [tokenizer, vocab, config, special] = await Promise.all([
    optional('tokenizer.json'),
    optional('vocab.json'),
    optional('tokenizer_config.json'),
    optional('special_tokens_map.json'),
  ]);
  const merges = folder.get(`${directory}merges.txt`);
  // Their configs write special tokens in ways that come and go with versions; CLIP's are always the same.
  const { encode } = await loadClipTokenizer({
    ...(tokenizer ? { tokenizer } : {}),
    ...(vocab ? { vocab: vocab as Readonly<Record<string, number>> } : {}),
    ...(merges ? { merges: new TextDecoder().decode(await merges.read(0, merges.size)) } : {}),
  });
  const [startToken, endToken, ...more] = encode('');
  if (startToken === undefined || endToken === undefined || more.length > 0) {
    throw checkpointError(`${directory}vocab.json`, 'an empty text is not a start and an end token; it is not CLIP');
  }
  const given = config?.model_max_length;
  const isLength = typeof given === 'number' && Number.isInteger(given) && given > 2 && given <= MAX_CONTEXT_LENGTH;
  return {
    tokenize: (text) => encode(text).slice(1, -1),
    startToken,
    endToken,
    padding:
      paddingToken(config?.pad_token ?? special?.pad_token, { vocab: vocab ?? vocabularyOf(tokenizer) }) ?? endToken,
    contextLength: isLength ? given : CONTEXT_LENGTH,
  };
}

/** A special token is written as a string, or as an object with its `content`. */
function paddingToken(written: unknown, { vocab }: { vocab: JsonObject }): number | null {
  const token = typeof written === 'object' && written !== null ? (written as JsonObject).content : written;
  const id = typeof token === 'string' && Object.hasOwn(vocab, token) ? vocab[token] : null;
  return typeof id === 'number' ? id : null;
}

function vocabularyOf(tokenizer: JsonObject | null): JsonObject {
  const model = tokenizer?.model as JsonObject | undefined;
  return (model?.vocab as JsonObject | undefined) ?? {};
}

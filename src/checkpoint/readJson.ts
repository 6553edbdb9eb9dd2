import { isBoundedJson, MAX_JSON_DEPTH, MAX_JSON_SEPARATORS } from '../jsonBounds.ts';
import type { ByteSource, HubFolder } from './byteSource.ts';
import { checkpointError, DOWNLOAD_AGAIN } from './checkpointError.ts';
import { readExactly } from './readExactly.ts';
import { recogniseWrongFile } from './wrongFile.ts';

/** Longest JSON file read, in bytes: CLIP's tokenizer has 2.2 million, an index less than one. */
export const MAX_JSON_BYTES = 8_000_000;

/** What a published JSON file says; its values are checked by whoever uses them. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads a JSON file of a folder.
 * @param path relative to the folder
 * @throws {UserError} `CheckpointError`: missing, too long or nested, not UTF-8, not a JSON object
 */
export async function readJson(folder: HubFolder, path: string): Promise<JsonObject> {
  const source = folder.get(path);
  if (!source) {
    throw checkpointError(path, "it is not in the folder; choose the model's folder as its authors publish it");
  }
  return parseJson(source);
}

async function parseJson(source: ByteSource): Promise<JsonObject> {
  if (source.size > MAX_JSON_BYTES) {
    throw checkpointError(source.name, `it has ${source.size} bytes, expected at most ${MAX_JSON_BYTES}`);
  }
  const bytes = await readExactly(source, 0, source.size);
  const wrong = recogniseWrongFile(bytes);
  if (wrong) throw checkpointError(source.name, wrong);
  const notJson = (cause: unknown) => checkpointError(source.name, `it is not JSON; ${DOWNLOAD_AGAIN}`, { cause });
  let text: string;
  try {
    text = withoutPythonNumbers(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw notJson(error);
  }
  if (!isBoundedJson(text)) {
    throw checkpointError(
      source.name,
      `it is more than a model needs, expected at most ${MAX_JSON_SEPARATORS} values nested at most ${MAX_JSON_DEPTH} deep`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw notJson(error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw checkpointError(source.name, `it is JSON, but not an object; ${DOWNLOAD_AGAIN}`);
  }
  return value as JsonObject;
}

/**
 * Python writes numbers that JSON does not have, and diffusers publishes them (`"lambda_min_clipped": -Infinity` of every DPM-Solver).
 * They become null, which counts as left out.
 */
function withoutPythonNumbers(text: string): string {
  if (!/Infinity|NaN/.test(text)) return text;
  return text.replace(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g, (found) => (found.startsWith('"') ? found : 'null'));
}

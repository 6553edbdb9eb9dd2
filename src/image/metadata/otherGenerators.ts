import { member, parseBoundedJson, settingsOf, textMember } from './boundedJson.ts';
import type { ParsedGeneration } from './generationMetadata.ts';

/** Names under which generators keep their prompts in JSON: SwarmUI's, Draw Things' (`c`, `uc`) and the usual ones. */
const promptNames = ['prompt', 'Prompt', 'positive_prompt', 'positivePrompt', 'c'];
const negativeNames = ['negativeprompt', 'negative_prompt', 'negativePrompt', 'Negative Prompt', 'uc'];

/** Midjourney closes its description with switches and the job's id. */
function midjourney(description: string): ParsedGeneration | null {
  const job = /\s*Job ID:\s*([0-9a-f-]{36})\s*$/i.exec(description);
  if (!job) return null;
  const words = description.slice(0, job.index);
  const switches = words.search(/\s--[a-z]/);
  const settings: Record<string, string> = { 'Job ID': job[1] as string };
  if (switches >= 0) settings.Parameters = words.slice(switches).trim();
  return { source: 'unknown', prompt: (switches < 0 ? words : words.slice(0, switches)).trim(), settings };
}

function fromJson(text: string): ParsedGeneration | null {
  const json = parseBoundedJson(text);
  const found = member(json, 'sui_image_params') ?? json;
  const first = (names: readonly string[]) =>
    names.map((name) => textMember(found, name)).find((value) => value !== undefined);
  const prompt = first(promptNames);
  if (prompt === undefined) return null;
  const negative = first(negativeNames);
  return {
    source: 'unknown',
    prompt: prompt.trim(),
    ...(negative ? { negativePrompt: negative.trim() } : {}),
    settings: settingsOf(found, [...promptNames, ...negativeNames]),
  };
}

/** Keywords whose text is a prompt as it stands. Titles and camera makers' descriptions are not taken for one. */
const plainKeywords = ['prompt', 'Prompt', 'parameters', 'xmp:prompt', 'xmp:parameters'];

/**
 * Reads what generators without a dialect of their own here write: JSON with a prompt in it, Midjourney's description, a
 * plain text under the keyword `prompt`.
 *
 * @param texts all texts of the file by keyword
 */
export function parseOtherGenerators(texts: ReadonlyMap<string, string>): ParsedGeneration | null {
  for (const text of texts.values()) {
    const found = text.trimStart().startsWith('{') ? fromJson(text) : midjourney(text);
    if (found) return found;
  }
  for (const keyword of plainKeywords) {
    const text = texts.get(keyword)?.trim();
    if (text && !/^[[{]/.test(text)) return { source: 'unknown', prompt: text, settings: {} };
  }
  return null;
}

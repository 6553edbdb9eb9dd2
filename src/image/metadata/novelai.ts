import type { Json } from '../json.ts';
import { isArray, member, parseBoundedJson, settingsOf, textMember } from './boundedJson.ts';
import type { ParsedGeneration } from './generationMetadata.ts';

/** Version 4 keeps the words in a caption with one part per character: `{ base_caption, char_captions: [{ char_caption }] }`. */
function captionOf(prompt: Json | undefined): string | undefined {
  const caption = member(prompt, 'caption');
  const base = textMember(caption, 'base_caption');
  const characters = member(caption, 'char_captions');
  const parts = isArray(characters) ? characters.flatMap((entry) => textMember(entry, 'char_caption') ?? []) : [];
  const words = [...(base ? [base] : []), ...parts];
  return words.length > 0 ? words.join(', ') : undefined;
}

/**
 * Reads what NovelAI writes: `Comment` is JSON with `prompt`, `uc` (the undesired content), from version 4 on also
 * `v4_prompt` and `v4_negative_prompt`; `Description` repeats the prompt; `Software` is `NovelAI`.
 *
 * @param texts all texts of the file by keyword
 * @returns null if the file is not NovelAI's
 */
export function parseNovelAI(texts: ReadonlyMap<string, string>): ParsedGeneration | null {
  const comment = parseBoundedJson(texts.get('Comment') ?? '');
  const named = texts.get('Software') === 'NovelAI';
  // Without the name, only what nobody else writes counts.
  if (!named && member(comment, 'uc') === undefined && member(comment, 'v4_prompt') === undefined) return null;
  const prompt = captionOf(member(comment, 'v4_prompt')) ?? textMember(comment, 'prompt') ?? texts.get('Description');
  if (prompt === undefined) return null;
  const negative = captionOf(member(comment, 'v4_negative_prompt')) ?? textMember(comment, 'uc');
  const model = texts.get('Source');
  const settings = settingsOf(comment, ['prompt', 'uc', 'v4_prompt', 'v4_negative_prompt', 'signed_hash']);
  return {
    source: 'NovelAI',
    prompt: prompt.trim(),
    ...(negative ? { negativePrompt: negative.trim() } : {}),
    settings: { ...(model ? { Source: model } : {}), ...settings },
  };
}

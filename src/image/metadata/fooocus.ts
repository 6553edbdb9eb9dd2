import type { Json } from '../json.ts';
import { parseA1111 } from './a1111.ts';
import { isArray, isObject, member, parseBoundedJson, settingsOf, textMember } from './boundedJson.ts';
import type { ParsedGeneration } from './generationMetadata.ts';

/** Fooocus' own words for the prompt, in its current metadata and in its log's. */
function promptOf(metadata: Json, negative: boolean): string | undefined {
  return negative
    ? (textMember(metadata, 'negative_prompt') ?? textMember(metadata, 'Negative Prompt'))
    : (textMember(metadata, 'prompt') ?? textMember(metadata, 'Prompt'));
}

/** Members that only Fooocus writes. */
function isFooocus(metadata: Json | undefined): metadata is Json {
  if (!isObject(metadata)) return false;
  const keys = [
    'full_prompt',
    'prompt_expansion',
    'Fooocus V2 Expansion',
    'metadata_scheme',
    'refiner_switch',
    'adm_guidance',
  ];
  return (
    keys.some((key) => member(metadata, key) !== undefined) || /fooocus/i.test(textMember(metadata, 'version') ?? '')
  );
}

/**
 * Reads what Fooocus writes: `parameters` (PNG) or UserComment (EXIF) as JSON with `prompt` and `negative_prompt` as typed
 * and `full_prompt` with the styles' words, or A1111's text, and `fooocus_scheme` (MakerNote) saying which. As typed is
 * what the image is to be measured by; the styles stay in the settings.
 *
 * @param texts all texts of the file by keyword
 * @param parameters the text that stands where Fooocus writes
 * @returns null if the text is not Fooocus'
 */
export function parseFooocus(texts: ReadonlyMap<string, string>, parameters: string): ParsedGeneration | null {
  const scheme = texts.get('fooocus_scheme') ?? texts.get('exif:MakerNote');
  const named = scheme === 'fooocus' || scheme === 'a1111' || /^fooocus/i.test(texts.get('exif:Software') ?? '');
  if (named && scheme === 'a1111') {
    const parsed = parseA1111(parameters);
    return parsed && { ...parsed, source: 'Fooocus' };
  }
  const metadata = parseBoundedJson(parameters);
  if (metadata === undefined || !(isFooocus(metadata) || (named && isObject(metadata)))) return null;
  const full = member(metadata, 'full_prompt');
  const prompt =
    promptOf(metadata, false) ?? (isArray(full) ? full.find((part) => typeof part === 'string') : undefined);
  if (prompt === undefined && promptOf(metadata, true) === undefined) return null;
  const negative = promptOf(metadata, true);
  return {
    source: 'Fooocus',
    prompt: String(prompt ?? '').trim(),
    ...(negative ? { negativePrompt: negative.trim() } : {}),
    settings: settingsOf(metadata, [
      'prompt',
      'negative_prompt',
      'Prompt',
      'Negative Prompt',
      'full_prompt',
      'full_negative_prompt',
    ]),
  };
}

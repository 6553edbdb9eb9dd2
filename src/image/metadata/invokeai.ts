import type { Json } from '../json.ts';
import { isArray, member, parseBoundedJson, settingsOf, textMember } from './boundedJson.ts';
import type { ParsedGeneration } from './generationMetadata.ts';

/** Before version 3 the negative prompt stood in the prompt, in square brackets. */
function splitBrackets(text: string): { prompt: string; negativePrompt?: string } {
  const negatives = Array.from(text.matchAll(/\[([^[\]]*)\]/g), (found) => (found[1] as string).trim()).filter(Boolean);
  const prompt = text.replace(/\s*\[[^[\]]*\]/g, '').trim();
  return negatives.length > 0 ? { prompt, negativePrompt: negatives.join(', ') } : { prompt };
}

/** `invokeai_metadata`, since version 3. */
function current(metadata: Json): ParsedGeneration | null {
  const words = (name: string) =>
    [textMember(metadata, `${name}_prompt`), textMember(metadata, `${name}_style_prompt`)].filter(
      (text) => text !== undefined,
    );
  const [positive, negative] = [words('positive'), words('negative')];
  if (positive.length === 0 && member(metadata, 'positive_prompt') === undefined) return null;
  return {
    source: 'InvokeAI',
    prompt: [...new Set(positive)].join(', ').trim(),
    ...(negative.length > 0 ? { negativePrompt: [...new Set(negative)].join(', ').trim() } : {}),
    settings: settingsOf(metadata, [
      'positive_prompt',
      'negative_prompt',
      'positive_style_prompt',
      'negative_style_prompt',
      'canvas_v2_metadata',
    ]),
  };
}

/** `sd-metadata`, version 2: the prompt is a string or a list of weighted parts. */
function version2(metadata: Json): ParsedGeneration | null {
  const image = member(metadata, 'image');
  const prompt = member(image, 'prompt');
  const parts = isArray(prompt) ? prompt.flatMap((part) => textMember(part, 'prompt') ?? []) : [];
  const text = typeof prompt === 'string' ? prompt : parts.join(', ');
  if (text === '') return null;
  const model = textMember(metadata, 'model_weights') ?? textMember(metadata, 'model');
  return {
    source: 'InvokeAI',
    ...splitBrackets(text),
    settings: { ...(model ? { model } : {}), ...settingsOf(image, ['prompt']) },
  };
}

/** Names of the switches of `Dream`, the command line of version 1. */
const switches: Readonly<Record<string, string>> = {
  s: 'steps',
  S: 'seed',
  W: 'width',
  H: 'height',
  C: 'cfg_scale',
  A: 'sampler',
  f: 'strength',
  U: 'upscale',
  G: 'face_restore',
};

/** `Dream`: `"a prompt [negative]" -s 50 -S 1234 -W 512 -H 512 -C 7.5 -A k_lms`. */
function version1(command: string): ParsedGeneration | null {
  const quoted = /^\s*"((?:[^"\\]|\\.)*)"/.exec(command);
  if (!quoted) return null;
  const settings: Record<string, string> = {};
  for (const [, name, value] of command.slice(quoted[0].length).matchAll(/\s-([a-zA-Z])\s*([^\s-][^\s]*)/g)) {
    const known = switches[name as string];
    if (known) settings[known] = value as string;
  }
  return { source: 'InvokeAI', ...splitBrackets((quoted[1] as string).replaceAll('\\"', '"')), settings };
}

/**
 * Reads what InvokeAI writes: `invokeai_metadata` (JSON, version 3 on), `sd-metadata` (JSON, version 2) or `Dream` (a
 * command line, version 1).
 *
 * @param texts all texts of the file by keyword
 * @returns null if the file is not InvokeAI's
 */
export function parseInvokeAI(texts: ReadonlyMap<string, string>): ParsedGeneration | null {
  const json = (keyword: string) => parseBoundedJson(texts.get(keyword) ?? '') ?? null;
  return (
    current(json('invokeai_metadata')) ??
    version2(json('sd-metadata')) ??
    version1(texts.get('Dream') ?? texts.get('dream') ?? '')
  );
}

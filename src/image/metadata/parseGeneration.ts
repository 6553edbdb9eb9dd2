import { parseA1111 } from './a1111.ts';
import { isObject, member, parseBoundedJson } from './boundedJson.ts';
import { parseComfyUI } from './comfyui.ts';
import { parseFooocus } from './fooocus.ts';
import type { MetadataText, ParsedGeneration } from './generationMetadata.ts';
import { parseInvokeAI } from './invokeai.ts';
import { parseNovelAI } from './novelai.ts';
import { parseOtherGenerators } from './otherGenerators.ts';

/** Where A1111, Forge and Fooocus write, the most likely first. */
const parametersKeywords = [
  'parameters',
  'exif:UserComment',
  'xmp:parameters',
  'xmp:UserComment',
  'exif:ImageDescription',
  'xmp:description',
  'exif:XPComment',
  'jpeg:Comment',
  'Comment',
  'Description',
];

/** Texts by keyword, the first of each; ComfyUI's graphs under their PNG names wherever they were. */
function byKeyword(texts: readonly MetadataText[]): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  const add = (keyword: string, text: string) => {
    if (!map.has(keyword)) map.set(keyword, text);
  };
  for (const { keyword, text } of texts) add(keyword, text);
  for (const { keyword, text } of texts) {
    // In EXIF, ComfyUI writes `prompt:{…}` into Model and `workflow:{…}` into Make or ImageDescription.
    const tagged = /^\s*(prompt|workflow)\s*:\s*(?=\{)/i.exec(text);
    if (tagged) add((tagged[1] as string).toLowerCase(), text.slice(tagged[0].length));
    // Civitai's generator puts both graphs into one JSON.
    if (keyword !== 'exif:UserComment' || !text.trimStart().startsWith('{')) continue;
    const json = parseBoundedJson(text);
    const prompt = member(json, 'prompt');
    if (isObject(prompt)) add('prompt', JSON.stringify(prompt));
    else if (isObject(json) && Object.values(json).some((node) => member(node, 'class_type') !== undefined))
      add('prompt', text);
    const workflow = member(json, 'workflow');
    if (isObject(workflow)) add('workflow', JSON.stringify(workflow));
  }
  return map;
}

function firstParsed(
  texts: ReadonlyMap<string, string>,
  parse: (text: string) => ParsedGeneration | null,
): ParsedGeneration | null {
  for (const keyword of parametersKeywords) {
    const text = texts.get(keyword);
    const parsed = text === undefined ? null : parse(text);
    if (parsed) return parsed;
  }
  return null;
}

/**
 * Finds out which generator wrote the texts and reads its prompt. The generators with keywords of their own first; A1111's
 * text, which others imitate, later.
 *
 * @returns null if no generator's words are among them
 */
export function parseGeneration(all: readonly MetadataText[]): ParsedGeneration | null {
  const texts = byKeyword(all);
  const own = parseInvokeAI(texts) ?? parseNovelAI(texts) ?? firstParsed(texts, (text) => parseFooocus(texts, text));
  if (own) return own;
  const a1111 = firstParsed(texts, parseA1111);
  const comfy = parseComfyUI(texts);
  // ComfyUI nodes that save A1111's text beside the graph write the final words there, wildcards and all resolved.
  if (comfy && a1111?.prompt) return { ...a1111, source: 'ComfyUI' };
  return comfy ?? a1111 ?? parseOtherGenerators(texts);
}

/** Keywords under which only generators write. */
const generatorKeywords = /^(parameters|prompt|workflow|invokeai_metadata|sd-metadata|dream|fooocus_scheme)$/i;

/** The keyword of a text that a generator must have written, for saying that it could not be understood; null: none. */
export function generatorKeyword(all: readonly MetadataText[]): string | null {
  return all.find(({ keyword, text }) => generatorKeywords.test(keyword) && text.trim() !== '')?.keyword ?? null;
}

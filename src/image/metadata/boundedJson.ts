import { isBoundedJson } from '../../jsonBounds.ts';
import type { Json, JsonObject } from '../json.ts';

/** Longest JSON text that is read, in UTF-16 units: large ComfyUI workflows have a few hundred thousand. */
export const MAX_JSON_LENGTH = 8 << 20;

/**
 * Parses JSON from an untrusted file. Python writes `NaN` and `Infinity`, which are no JSON: ComfyUI does so in `is_changed`, and
 * they are read as null.
 *
 * @returns undefined if the text is not JSON, longer than {@link MAX_JSON_LENGTH}, or deeper or of more values than
 *   {@link isBoundedJson} allows
 */
export function parseBoundedJson(text: string): Json | undefined {
  if (text.length > MAX_JSON_LENGTH || !isBoundedJson(text)) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    // Outside strings only: a string is matched first and kept.
    const repaired = text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (found) =>
      found[0] === '"' ? found : 'null',
    );
    if (repaired === text) return undefined;
    try {
      return JSON.parse(repaired) as Json;
    } catch {
      return undefined;
    }
  }
}

/** Whether a value is a JSON object (not an array). */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a value is a JSON array. */
export function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** An own member of an object; undefined for anything else, so that `__proto__` and the like find nothing. */
export function member(value: Json | undefined, key: string): Json | undefined {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** A member that is a string with something in it. */
export function textMember(value: Json | undefined, key: string): string | undefined {
  const found = member(value, key);
  return typeof found === 'string' && found.trim() !== '' ? found : undefined;
}

/** Longest value of a setting that is kept for showing. */
const maxSettingLength = 2000;

/**
 * The members of an object as settings, without the ones named. What is nested is kept as JSON.
 */
export function settingsOf(value: Json | undefined, without: readonly string[] = []): Record<string, string> {
  const settings: Record<string, string> = Object.create(null);
  if (!isObject(value)) return {};
  for (const [key, entry] of Object.entries(value)) {
    if (without.includes(key) || entry === null || entry === '') continue;
    const text = typeof entry === 'string' ? entry : JSON.stringify(entry);
    settings[key] = text.slice(0, maxSettingLength);
  }
  return { ...settings };
}

/** Nested objects and arrays; published configurations have up to eight, ComfyUI's graphs fewer. No walk over less overflows the stack. */
export const MAX_JSON_DEPTH = 64;

/**
 * Most commas and colons outside strings: CLIP's `tokenizer.json` has 200,000. `JSON.parse` makes up to a hundred bytes of the two
 * of `[],`, so that a file's length alone does not bound the memory.
 */
export const MAX_JSON_SEPARATORS = 500_000;

/**
 * Whether parsing a text would stay within {@link MAX_JSON_DEPTH} and {@link MAX_JSON_SEPARATORS}, found without parsing it.
 * Whether it is JSON is for `JSON.parse` to say.
 */
export function isBoundedJson(text: string): boolean {
  let depth = 0;
  let separators = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (inString) {
      if (unit === 0x5c) i++;
      else if (unit === 0x22) inString = false;
    } else if (unit === 0x22) inString = true;
    else if (unit === 0x7b || unit === 0x5b) {
      if (++depth > MAX_JSON_DEPTH) return false;
    } else if (unit === 0x7d || unit === 0x5d) depth--;
    else if ((unit === 0x2c || unit === 0x3a) && ++separators > MAX_JSON_SEPARATORS) return false;
  }
  return true;
}

/** Writing in a sentence: a sign that says "Open". */
import type { WordAnalysis } from './dependencyParser.ts';

const OPENING = new Set(['"', '“', '«', '``', '‘']);
const CLOSING = new Set(['"', '”', '»', "''", '’']);
/** Longest writing looked for, in words: a stray quotation mark must not swallow a prompt. */
const LONGEST = 15;
const WRITING = /^(?:words?|text|letters?|phrase|saying|message|slogan|title|inscription|caption|label|logo|sign)$/i;

/**
 * Makes what stands in quotation marks hang on the word before them (a verb, a noun), and what hung on it hang there too.
 * Changes `heads` (0-based, -1 the root).
 * @returns indices of the quoted words, without marks; none where the marks hold the whole sentence
 */
export function quotedWords(
  words: readonly string[],
  tree: readonly WordAnalysis[],
  heads: Int32Array,
): ReadonlySet<number> {
  const quoted = new Set<number>();
  for (let open = 0; open < words.length; open++) {
    if (!OPENING.has(words[open] as string)) continue;
    let close = open + 1;
    while (close < words.length && close - open <= LONGEST && !CLOSING.has(words[close] as string)) close++;
    if (close >= words.length || close - open > LONGEST || close === open + 1) continue;
    let before = open - 1;
    while (before >= 0 && tree[before]?.upos === 'PUNCT') before--;
    const inside = (i: number): boolean => i > open && i < close;
    if (before >= 0 && /^(?:VERB|NOUN|PROPN)$/.test(tree[before]?.upos ?? '') && !leadsInto(before, heads, inside)) {
      const above =
        WRITING.test(words[before] as string) && (heads[before] as number) >= 0 ? (heads[before] as number) : before;
      for (let i = 0; i < words.length; i++) {
        const head = heads[i] as number;
        if (inside(i)) {
          quoted.add(i);
          if (!inside(head)) heads[i] = before;
        } else if (inside(head)) heads[i] = i === before || leadsTo(above, i, heads) ? before : above;
      }
    } else if (before >= 0 || close < words.length - 1) {
      for (let i = open + 1; i < close; i++) quoted.add(i);
    }
    open = close;
  }
  return quoted.size === words.filter((word) => /[\p{L}\p{N}]/u.test(word)).length ? new Set() : quoted;
}

/** Whether the way from a word to the root passes through words of a kind. */
function leadsInto(from: number, heads: Int32Array, among: (i: number) => boolean): boolean {
  for (let v = from; v >= 0; v = heads[v] as number) if (among(v)) return true;
  return false;
}

function leadsTo(from: number, to: number, heads: Int32Array): boolean {
  return leadsInto(from, heads, (i) => i === to);
}

/**
 * A prompt's text without what generators put around words: weights, LoRAs, breaks, options. Every character keeps its
 * place in the prompt as typed, and the weight written for it.
 */

import { BRACKET_FACTOR, LARGEST_WEIGHT } from './promptWeights.ts';

/** Text of a prompt with its origin. */
export interface PromptText {
  /** Words and punctuation. Syntax became blanks; `\n\n` parts what `BREAK`, `AND` and new lines part; `,` what `;|:` part. */
  readonly text: string;
  /** For each UTF-16 unit of `text` its index in the prompt. */
  readonly offsets: Int32Array;
  /** For each UTF-16 unit of `text` its written weight: 1 where none is written; negative: to be avoided. */
  readonly weights: Float64Array;
}

/** Factor of a pair of brackets without a number (AUTOMATIC1111; `{}` NovelAI). */
const FACTOR_OF: Readonly<Record<string, number>> = { '(': BRACKET_FACTOR, '[': 1 / BRACKET_FACTOR, '{': 1.05 };
const OPENED_BY: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/** What A1111 writes after the prompt when its whole note is pasted: the negative prompt and the settings. */
const NOTE = /(?:^|\n)[ \t]*(?:Negative prompt:|Steps: \d+,)/i;

/**
 * One piece of a prompt. Alternatives in order: the first that matches at a place wins; every one consumes at least a
 * character and none backtracks over more than it matched, so that any prompt takes linear time.
 */
const PIECES = new RegExp(
  [
    // <lora:name:0.8>, <hypernet:…>, <lyco:…>: names of files, not words.
    String.raw`(?<network><[\p{L}\p{N}_-]{1,40}:[^<>\n]{0,300}>)`,
    // Midjourney's trailing options, with up to one value; --no begins what is not wanted.
    String.raw`(?<without>(?<![^\s])--no(?![\p{L}\p{N}]))`,
    String.raw`(?<option>(?<![^\s])--\p{L}[\p{L}\p{N}]{0,30}(?:[ \t]+[\d.:]{1,20}(?![\p{L}\p{N}]))?)`,
    // (word:1.2), [from:to:0.4], word::2, (word)1.2: a weight or a step. "12:30" is none.
    String.raw`:[ \t]*(?<inner>[+-]?\d{0,9}\.?\d{1,9})(?=[ \t]*[)\]}])`,
    String.raw`::[ \t]*(?<after>[+-]?\d{0,9}\.?\d{1,9})(?!\d|::)`,
    String.raw`(?<=\))(?<outer>\d{0,9}\.?\d{1,9})`,
    // NovelAI's 1.2::word::
    String.raw`(?<![\p{L}\p{N}.])(?<prefix>[+-]?\d{0,9}\.?\d{1,9})::`,
    '(?<end>::)',
    // compel's word++ and (word)--
    String.raw`(?<=[\p{L}\p{N})])(?<steps>\+{1,9}|-{2,9})(?![\p{L}\p{N}+-])`,
    String.raw`(?<break>(?<![\p{L}\p{N}])(?:BREAK|AND|ADDCOMM|ADDBASE|ADDROW|ADDCOL)(?![\p{L}\p{N}])|[ \t]*\r?\n)`,
    // Escaped brackets are read by the generator as brackets in the text: "miku \(vocaloid\)".
    String.raw`(?<escaped>\\[()[\]{}])`,
    String.raw`(?<kept>[\p{L}\p{N}][\p{L}\p{N}\p{M}]*(?:(?:['’.-]|\/(?=\d)|(?<=\d):(?=\d)|(?<=\d),(?=\d{3}(?!\d)))[\p{L}\p{N}][\p{L}\p{N}\p{M}]*)*|\p{Extended_Pictographic}[\p{Emoji_Modifier}\u{FE0F}\u{20E3}]*(?:\u{200D}\p{Extended_Pictographic}[\p{Emoji_Modifier}\u{FE0F}]*)*)`,
    '(?<comma>[,;:|/、，；：–—]+)',
    String.raw`(?<bracket>[()[\]{}])`,
    '(?<plain>[.!?。！？"“”«»\'’‘%&$€£°@#-])',
    '(?<other>[^])',
  ].join('|'),
  'gu',
);

/**
 * Reads a prompt's text. Understood: `(word:1.2)`, `((word))`, `[word]`, `{word}`, `[a:b:0.5]`, `[a|b]`, `word::2`,
 * `1.2::word::`, `word++`, `(word)1.2`, `<lora:…>`, `BREAK`, `AND`, `\(`, `--ar 16:9`, `--no dogs`, booru_tags, and the note that
 * follows a prompt in A1111 (`Negative prompt: …`), which is left out. Brackets may be unbalanced: what is never closed
 * reaches to the end, what was never opened is nothing. Linear in the prompt's length; never throws.
 */
export function promptText(prompt: string): PromptText {
  const end = NOTE.exec(prompt)?.index ?? prompt.length;
  const out = new Emitted();
  const open: { bracket: string; start: number }[] = [];
  let closed = { start: 0, factor: 1 };
  let number: number | null = null;
  let prefix: { start: number; factor: number } | null = null;
  let statement = 0;
  for (const match of prompt.slice(0, end).matchAll(PIECES)) {
    const at = match.index;
    const g = match.groups as Groups;
    if (g.kept !== undefined) {
      closed = { start: out.length, factor: 1 };
      out.verbatim(g.kept, at);
    } else if (g.plain !== undefined) out.verbatim(g.plain, at);
    else if (g.comma !== undefined || g.network !== undefined || g.escaped !== undefined) out.put(',', at);
    else if (g.without !== undefined) {
      // The option's own "no" negates what follows, as the word would; its list reaches to the end.
      out.put('\n\n', at);
      out.withoutFrom ??= out.length;
      out.verbatim('no', at + 2);
    } else if (g.break !== undefined || g.option !== undefined) out.put('\n\n', at);
    else if (g.inner !== undefined) number = Number(g.inner);
    else if (g.bracket !== undefined) {
      const opener = OPENED_BY[g.bracket];
      const top = open.at(-1);
      if (opener === undefined) open.push({ bracket: g.bracket, start: out.length });
      else if (top?.bracket === opener) {
        open.pop();
        // In square brackets the number is a step of the schedule.
        const factor = number === null ? (FACTOR_OF[opener] as number) : opener === '[' ? 1 : number;
        closed = { start: top.start, factor };
        out.weigh(top.start, factor);
      }
      number = null;
      out.put(' ', at);
    } else if (g.outer !== undefined) {
      out.weigh(closed.start, Number(g.outer) / closed.factor);
      out.put(' ', at);
    } else if (g.steps !== undefined) {
      out.weigh(closed.start, (g.steps.startsWith('+') ? 1.1 : 0.9) ** g.steps.length / closed.factor);
      out.put(' ', at);
    } else if (g.after !== undefined) {
      out.weigh(statement, Number(g.after));
      out.put(',', at);
      statement = out.length;
    } else if (g.prefix !== undefined || g.end !== undefined) {
      if (prefix) out.weigh(prefix.start, prefix.factor);
      prefix = g.prefix === undefined ? null : { start: out.length, factor: Number(g.prefix) };
      out.put(',', at);
      statement = out.length;
    } else out.put(' ', at);
  }
  if (prefix) out.weigh(prefix.start, prefix.factor);
  for (const { bracket, start } of open) out.weigh(start, FACTOR_OF[bracket] as number);
  return out.finish();
}

/** The prompt without syntax and without what is to be avoided, as CLIP should read it: words, commas and full stops. */
export function plainPrompt(prompt: string): string {
  const { text, weights } = promptText(prompt);
  let wanted = '';
  for (let i = 0; i < text.length; i++) wanted += (weights[i] as number) < 0 ? ' ' : text[i];
  return wanted
    .replace(/\s*\n\n\s*/g, '. ')
    .replace(/(?:\s*,)+/g, ',')
    .replace(/^[\s,.]+|[\s,.]+$/g, '')
    .replace(/([.!?])[\s,.]*\./g, '$1')
    .replace(/,\s*\./g, '.')
    .replace(/,(?=\S)/g, ', ')
    .replace(/\s+/g, ' ');
}

type Groups = Partial<
  Record<
    | 'network' | 'without' | 'option' | 'inner' | 'after' | 'outer' | 'prefix' | 'end' | 'steps' | 'break' | 'escaped'
    | 'kept' | 'comma' | 'bracket' | 'plain' | 'other',
    string
  >
>; // biome-ignore format: one list

/** Text in the making. Weights are kept as factors from a place to a place, so that any nesting takes linear time. */
class Emitted {
  private readonly parts: string[] = [];
  private readonly places: number[] = [];
  /** Steps of the weight's logarithm; zeros and signs are counted apart, because they have none. */
  private readonly steps = new Map<number, { log: number; zeros: number; signs: number }>();
  length = 0;
  withoutFrom: number | null = null;

  verbatim(text: string, at: number): void {
    for (let i = 0; i < text.length; i++) this.places.push(at + i);
    this.parts.push(text);
    this.length += text.length;
  }

  put(text: string, at: number): void {
    for (let i = 0; i < text.length; i++) this.places.push(at);
    this.parts.push(text);
    this.length += text.length;
  }

  /** Multiplies the weight of everything from `start` to here. */
  weigh(start: number, factor: number): void {
    if (!Number.isFinite(factor) || start >= this.length) return;
    for (const [place, sign] of [
      [start, 1],
      [this.length, -1],
    ] as const) {
      const step = this.steps.get(place) ?? { log: 0, zeros: 0, signs: 0 };
      if (factor === 0) step.zeros += sign;
      else step.log += sign * Math.log(Math.abs(factor));
      if (factor < 0) step.signs += sign;
      this.steps.set(place, step);
    }
  }

  finish(): PromptText {
    if (this.withoutFrom !== null) this.weigh(this.withoutFrom, -1);
    const weights = new Float64Array(this.length);
    const sum = { log: 0, zeros: 0, signs: 0 };
    for (let i = 0; i < this.length; i++) {
      const step = this.steps.get(i);
      if (step) {
        sum.log += step.log;
        sum.zeros += step.zeros;
        sum.signs += step.signs;
      }
      const size = sum.zeros > 0 ? 0 : Math.min(Math.exp(sum.log), LARGEST_WEIGHT);
      // Sums of logarithms leave crumbs; no weight is written with more than a few decimals.
      weights[i] = (Number(size.toFixed(4)) || 0) * (sum.signs % 2 === 0 ? 1 : -1);
    }
    return { text: this.parts.join(''), offsets: Int32Array.from(this.places), weights };
  }
}

import type { WeightedPiece, WeightedPrompt } from './weightedPrompt.ts';

/** Factor of `(words)`; `[words]` divides by it. */
export const BRACKET_FACTOR = 1.1;

/** Weights beyond this, either sign, mean nothing to a model but numbers too large for it. */
export const LARGEST_WEIGHT = 10;

/** `<lora:name:0.8>`, `<hypernet:…>`: names of files to load, removed before anything is read. */
const NETWORK = /<[\p{L}\p{N}_-]{1,40}:[^<>\n]{0,300}>/gu;
/** `[from:to:0.4]`, `[to:0.4]`, `[from::0.4]`: what stands there when the schedule ends, which is where refining works. */
const EDITING = /(?<!\\)\[([^[\]():|\\]*):(?:([^[\]():|\\]*):)?[ \t]*\d{0,9}\.?\d{1,9}[ \t]*\]/g;
/** `[one|other]` alternates from step to step; the first is taken. */
const ALTERNATION = /(?<!\\)\[([^[\]()|\\]*)\|[^[\]()\\]*\]/g;

/** One piece of a prompt; no alternative goes back over what another may match, so any prompt takes linear time. */
const PIECES = new RegExp(
  [
    String.raw`\\(?<escaped>[\\()[\]])`,
    '(?<open>[([])',
    // No number is that long: the rest is text.
    String.raw`:[ \t]*(?<weight>[+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9}))[ \t]*\)`,
    String.raw`(?<close>[)\]])`,
    String.raw`(?<break>(?<![\p{L}\p{N}_])BREAK(?![\p{L}\p{N}_]))`,
    String.raw`(?<text>[^\\()[\]:B]+|[^])`,
  ].join('|'),
  'gu',
);

/**
 * Reads a prompt in AUTOMATIC1111's syntax: `(word:1.2)`; `(word)` × 1.1; `[word]` ÷ 1.1; nested brackets multiply; `\(`, `\)`,
 * `\[`, `\]`, `\\` are characters; `BREAK` starts a new chunk; `<lora:…>` is removed; of `[from:to:0.4]` the later part
 * stands. Brackets may be unbalanced: one never closed reaches to the prompt's end, one never opened is a character, as
 * there. Weights are kept within ±{@link LARGEST_WEIGHT}. Never throws.
 *
 * Source: the behaviour documented by A1111's `parse_prompt_attention`. Prompts reach this function as the user typed them,
 * with the brackets of `emphasisedPrompt` added, so text outside of syntax is kept to the letter.
 */
export function parseWeightedPrompt(prompt: string): WeightedPrompt {
  const read = prompt.replace(NETWORK, '').replace(EDITING, editedTo).replace(ALTERNATION, '$1');
  const matches = [...read.matchAll(PIECES)];
  const factors = bracketFactors(matches);

  const chunks: WeightedPiece[][] = [[]];
  // Round and square brackets each nest among themselves and may overlap one another.
  const products = { '(': [1], '[': [1] };
  let text = '';
  let weight = 1;
  const flush = () => {
    if (text !== '') chunks.at(-1)?.push({ text, weight });
    text = '';
  };
  matches.forEach((match, i) => {
    const { escaped, open, close, break: breaks } = match.groups as Groups;
    const factor = factors[i];
    if (factor !== undefined && open !== undefined) {
      const stack = products[open as '(' | '['];
      stack.push(finite((stack.at(-1) as number) * factor));
    } else if (factor !== undefined) {
      products[close === ']' ? '[' : '('].pop();
    } else if (breaks !== undefined) {
      flush();
      chunks.push([]);
    } else {
      // Products leave crumbs, and `([word])` is to be 1.
      const product = (products['('].at(-1) as number) * (products['['].at(-1) as number);
      const now = Number(Math.min(Math.max(product, -LARGEST_WEIGHT), LARGEST_WEIGHT).toFixed(6));
      if (now !== weight) flush();
      weight = now;
      text += escaped ?? match[0];
    }
  });
  flush();
  const last = chunks.length - 1;
  const used = chunks
    .map((pieces, i) => withoutMargins(pieces, { start: i > 0, end: i < last }))
    .filter((pieces) => pieces.some((piece) => piece.text.trim() !== ''));
  return { chunks: used.length === 0 ? [[]] : used };
}

type Groups = Partial<Record<'escaped' | 'open' | 'weight' | 'close' | 'break' | 'text', string>>;

/** By the number of its piece: the factor of each opening bracket, 1 for each closing one; none where it is text. */
function bracketFactors(matches: readonly RegExpMatchArray[]): (number | undefined)[] {
  const factors: (number | undefined)[] = [];
  const opened = { '(': [] as number[], '[': [] as number[] };
  matches.forEach((match, i) => {
    const { open, weight, close } = match.groups as Groups;
    if (open !== undefined) {
      opened[open as '(' | '['].push(i);
      factors[i] = open === '(' ? BRACKET_FACTOR : 1 / BRACKET_FACTOR;
    } else if (close !== undefined || weight !== undefined) {
      const opening = opened[close === ']' ? '[' : '('].pop();
      if (opening === undefined) return;
      factors[i] = 1;
      if (weight !== undefined) factors[opening] = Number(weight);
    }
  });
  return factors;
}

/** White space around `BREAK` belongs to it. */
function withoutMargins(
  pieces: readonly WeightedPiece[],
  at: { readonly start: boolean; readonly end: boolean },
): WeightedPiece[] {
  return pieces.flatMap(({ text, weight }, i) => {
    const begun = at.start && i === 0 ? text.trimStart() : text;
    const trimmed = at.end && i === pieces.length - 1 ? begun.trimEnd() : begun;
    return trimmed === '' ? [] : [{ text: trimmed, weight }];
  });
}

/** Keeps products of thousands of brackets from becoming infinite: zero times that would be no number. */
function finite(product: number): number {
  return Math.min(Math.max(product, -Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}

function editedTo(_whole: string, first: string, second: string | undefined): string {
  return second ?? first;
}

/** The prompt as one chunk of weight 1, its text to the letter: for models without a notion of weights, and to compare. */
export function unweightedPrompt(text: string): WeightedPrompt {
  return { chunks: [text === '' ? [] : [{ text, weight: 1 }]] };
}

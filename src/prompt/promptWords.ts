/** Words of a prompt and the phrases made of them, with their places in the prompt as typed. */
import { tokenizeUd } from './parser/udTokenizer.ts';
import type { Phrase, Span } from './phrase.ts';
import type { PromptText } from './promptSyntax.ts';
import { type Standing, standingOf } from './standing.ts';

/** A word of the prompt: UD token with its place in the prompt as typed. */
export interface Word extends Span {
  readonly weight: number;
  readonly sentenceStart: boolean;
  /** Written together with the word before. */
  readonly joined: boolean;
}

/** A phrase in the making: `ancestor` is a phrase of the same prompt. */
export interface Draft {
  readonly words: readonly Word[];
  readonly noun: readonly Word[];
  ancestor: number | null;
  scope: Phrase['scope'];
  negated: boolean;
  /** Named a medium ("a painting of …") and nothing else: a thing after all where the prompt names no other. */
  readonly medium: boolean;
}

/** Words of a prompt's text. */
export function wordsOf(prompt: string, { text, offsets, weights }: PromptText): Word[] {
  let end = -1;
  return tokenizeUd(text).map(({ start, end: stop, text: word, sentenceStart }) => {
    const at = offsets[start] as number;
    const joined = start === end && at === (offsets[start - 1] as number) + 1;
    end = stop;
    // A comma that stands for other syntax is a comma to the parser; its place is where the syntax begins.
    const isTyped = prompt.startsWith(word, at);
    const span = { text: word, start: at, end: isTyped ? at + word.length : at + 1 };
    return { ...span, weight: weights[start] as number, sentenceStart, joined };
  });
}

/** Sentences of at least one word that is not punctuation. */
export function splitSentences(words: readonly Word[]): Word[][] {
  const sentences: Word[][] = [];
  for (const word of words) {
    if (word.sentenceStart || sentences.length === 0) sentences.push([]);
    sentences.at(-1)?.push(word);
  }
  return sentences.filter((sentence) => sentence.some(isWord));
}

/** More than punctuation. */
export function isWord({ text }: Span): boolean {
  return /[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(text);
}

/** Words as written, hyphenated ones whole, lower case. */
export function surface(words: readonly Word[]): string[] {
  const out: string[] = [];
  for (const [i, { text, joined }] of words.entries()) {
    const lower = text.toLowerCase();
    if (joined && i > 0 && out.length > 0 && (isWord({ text } as Span) || text === '-')) out[out.length - 1] += lower;
    else if (isWord({ text } as Span)) out.push(lower);
  }
  return out;
}

/** Where a phrase stands to its ancestor, if that comes before it: "a table, a cup on it" says too little [ours]. */
export function draftStanding(
  draft: Draft,
  { drafts, all }: { readonly drafts: readonly Draft[]; readonly all: readonly Word[] },
): Standing {
  const { noun, ancestor } = draft;
  const above = ancestor === null ? undefined : drafts[ancestor];
  const from = above?.noun.at(-1)?.end;
  const to = noun[0]?.start;
  if (above === undefined || from === undefined || to === undefined || from > to) return 'on';
  const others = new Set(drafts.filter((other) => other !== above && other !== draft).flatMap(({ words }) => words));
  return standingOf(
    all
      .filter((word) => word.start >= from && word.end <= to && !others.has(word))
      .map(({ text }) => text.toLowerCase()),
  );
}

/** The phrase, with its spans in the prompt. */
export function asPhrase(
  { words, noun, ancestor, scope, negated }: Draft,
  { prompt, standing }: { readonly prompt: string; readonly standing: Standing },
): Phrase {
  const tokens = spansOf(words, prompt);
  const named = spansOf(noun, prompt);
  const weight = words.reduce((sum, word) => sum + Math.abs(word.weight), 0) / words.length;
  const rounded = Number(weight.toFixed(3));
  return {
    text: textOf(tokens),
    tokens,
    noun: { text: textOf(named), start: (named[0] as Span).start, end: (named.at(-1) as Span).end },
    ancestor,
    ...(standing === 'on' ? {} : { standing }),
    scope,
    ...(negated ? { negated } : {}),
    ...(rounded === 1 ? {} : { weight: rounded }),
  };
}

function textOf(spans: readonly Span[]): string {
  return spans.map(({ text }) => text).join(' ');
}

/** Tokens of the phrase; those with nothing or a hyphen between them are one ("1girl", "red-haired", "don't"). */
function spansOf(words: readonly Word[], prompt: string): Span[] {
  const spans: Span[] = [];
  for (const { text, start, end } of words) {
    const last = spans.at(-1);
    const between = last ? prompt.slice(last.end, start) : ' ';
    if (last && start >= last.end && (between === '' || between === '-')) {
      spans[spans.length - 1] = { text: prompt.slice(last.start, end), start: last.start, end };
    } else spans.push({ text, start, end });
  }
  return spans;
}

/**
 * What image generators put around words: weights, LoRAs, breaks, options. Stripped here, with every word's place in the
 * prompt as typed kept.
 */
import { abbreviations } from './englishWords.ts';
import type { Span } from './phrase.ts';

/** A word of the prompt and how strongly it is separated from the word before it. */
export interface PromptWord extends Span {
  /**
   * `none`: white space or invisible syntax; `comma`: a tag's or clause's end; `stop`: a sentence's, line's or `BREAK`'s
   * end. The first word's is `stop`.
   */
  readonly separator: 'none' | 'comma' | 'stop';
}

/**
 * One piece of a prompt. Alternatives in order: the first that matches at a place wins; every one consumes at least a
 * character and none backtracks over more than it matched, so that any prompt takes linear time.
 */
const pieces = new RegExp(
  [
    // <lora:name:0.8>, <hypernet:…>, <lyco:…>: names of files, not words.
    String.raw`(?<network><[\p{L}\p{N}_-]{1,40}:[^<>\n]{0,300}>)`,
    // Midjourney's trailing options, with up to one value.
    String.raw`(?<option>(?<![^\s])--\p{L}[\p{L}\p{N}]{0,30}(?:[ \t]+[\d.:]{1,20}(?![\p{L}\p{N}]))?)`,
    // (word:1.2), [from:to:0.4], word::2, (word)1.2: a weight or a step. "12:30" is none.
    String.raw`(?<weight>:[ \t]*[+-]?\d{0,9}\.?\d{1,9}(?=[ \t]*[)\]}])|::[ \t]*[+-]?\d{0,9}\.?\d{1,9}|(?<=\))\d{0,9}\.?\d{1,9})`,
    // NovelAI's 1.2::word::
    String.raw`(?<prefix>[+-]?\d{0,9}\.?\d{1,9}::)`,
    String.raw`(?<break>(?<![\p{L}\p{N}])(?:BREAK|AND|ADDCOMM|ADDBASE|ADDROW|ADDCOL)(?![\p{L}\p{N}]))`,
    // Escaped brackets are read by the generator as brackets in the text: "miku \(vocaloid\)".
    String.raw`(?<escaped>\\[()[\]{}])`,
    // Letters and digits, joined inside by apostrophes, hyphens or dots ("dog's", "t-shirt", "1.5"). Marks may follow.
    String.raw`(?<word>[\p{L}\p{N}][\p{L}\p{N}\p{M}]*(?:['’.-][\p{L}\p{N}][\p{L}\p{N}\p{M}]*)*)`,
    // A picture character with its joiners and modifiers is one word, as CLIP's tokenizer sees its bytes together.
    String.raw`(?<emoji>\p{Extended_Pictographic}[\p{Emoji_Modifier}\u{FE0F}\u{20E3}]*(?:\u{200D}\p{Extended_Pictographic}[\p{Emoji_Modifier}\u{FE0F}]*)*)`,
    '(?<stop>[.!?。！？]+|\r?\n)',
    '(?<comma>[,;:|/、，；：–—]+)',
    '(?<other>[^])',
  ].join('|'),
  'gu',
);

/**
 * The words of a prompt in order, with UTF-16 offsets into it: `prompt.slice(word.start, word.end) === word.text`. Words
 * joined by underscores (booru tags) come apart. Understood: `(word:1.2)`, `((word))`, `[word]`, `{word}`, `[a:b:0.5]`,
 * `[a|b]`, `word::2`, `1.2::word::`, `word++`, `<lora:…>`, `BREAK`, `AND`, `\(`, `--ar 16:9`. Never throws.
 */
export function promptWords(prompt: string): readonly PromptWord[] {
  const words: PromptWord[] = [];
  let separator: PromptWord['separator'] = 'stop';
  for (const match of prompt.matchAll(pieces)) {
    const { word, emoji, stop, comma, network, option, break: broken, escaped } = match.groups as Groups;
    const text = word ?? emoji;
    if (text !== undefined) {
      words.push({ text, start: match.index, end: match.index + text.length, separator });
      separator = 'none';
    } else if (broken !== undefined || (stop !== undefined && !endsAbbreviation(stop, words.at(-1)))) {
      separator = 'stop';
    } else if (separator === 'none' && (comma ?? network ?? option ?? escaped) !== undefined) {
      separator = 'comma';
    }
  }
  return words;
}

function endsAbbreviation(stop: string, word: PromptWord | undefined): boolean {
  return stop === '.' && word !== undefined && abbreviations.has(word.text.toLowerCase());
}

type Groups = Partial<Record<'network' | 'option' | 'break' | 'escaped' | 'word' | 'emoji' | 'stop' | 'comma', string>>;

/** The prompt without syntax, as CLIP should read it: words, commas and full stops. */
export function plainPrompt(prompt: string): string {
  return promptWords(prompt)
    .map(({ text, separator }, i) => (i === 0 ? '' : { none: ' ', comma: ', ', stop: '. ' }[separator]) + text)
    .join('');
}

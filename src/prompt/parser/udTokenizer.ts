/** One syntactic word of Universal Dependencies with its place in the text: UTF-16 offsets `[start, end)`. */
export interface UdToken {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** First word of a sentence. */
  readonly sentenceStart: boolean;
}

/** Prefixes that stay joined to their word in English EWT ("non-human"); other hyphenated words become three tokens. */
const JOINED_PREFIXES = new Set(
  'anti arch co counter e ex inter intra mid micro mini multi neo non over post pre pro psycho re semi socio sub ultra un'.split(
    ' ',
  ),
);
const ABBREVIATIONS = new Set(
  'dr mr mrs ms st vs sept oct nov dec jan feb aug inc etc ft no corp co jr sr wed thur thurs fri sat sun mon tue tues lt gen gov ltd rev sen reps rep attn vol sec col blvd ave prof capt sgt ph esp approx'.split(
    ' ',
  ),
);
/** Written-together forms and where the second word starts. */
const FUSED: ReadonlyMap<string, number> = new Map([
  ['cannot', 3],
  ['gonna', 3],
  ['wanna', 3],
  ['gotta', 3],
  ['dont', 2],
  ['cant', 2],
  ['wont', 2],
  ['didnt', 3],
  ['doesnt', 4],
  ['isnt', 2],
  ['wasnt', 3],
  ['couldnt', 5],
  ['wouldnt', 5],
  ['havent', 4],
  ['hasnt', 3],
  ['arent', 3],
  ['im', 1],
  ['ive', 1],
  ['thats', 4],
  ['whats', 4],
]); // prettier-ignore

const URL_LIKE =
  /(?:https?:\/\/|www\.)[^\s<>"]*[^\s<>".,;:!?)'\]]|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|edu|gov|info|doc|xls|pdf|jpg|png|html?|uk|co)(?![\w.-]*\w)/iuy;
const EMOTICON = /(?:>?[:;=8][-o^']?[)(DPp/\\|*]|\^_+\^|-_+-|<3|[:;]-?[DPp])(?![\p{L}\p{N}])/uy;
const EMOJI =
  /(?:\p{RI}\p{RI}|[0-9#*]\uFE0F?\u20E3|\p{Extended_Pictographic}(?:\uFE0F|\p{EMod})?(?:[\u{E0020}-\u{E007F}]+)?(?:\u200D\p{Extended_Pictographic}(?:\uFE0F|\p{EMod})?)*)/uy;
const INITIALS = /(?:\p{L}\.){2,}(?![\p{L}\p{N}])|\p{Lu}\.(?=\s*\p{Lu})/uy;
const ORDINAL = /\d+(?:st|nd|rd|th|s|d|D)(?![\p{L}\p{N}])/uy;
const NUMBER = /\d+[x×]\d+(?![\p{L}\p{N}])|\d+(?:[.,:/-]\d+)*/uy;
const WORD = /[\p{L}\p{M}_][\p{L}\p{M}\p{N}_]*(?:&\p{L}+(?!\p{L}))?/uy;
/** Names with an apostrophe, newsgroups, hashtags: whole. */
const WHOLE = /[OoDdLl]['’]\p{Lu}[\p{L}]+|[a-z]+(?:\.[a-z-]+){2,}(?![\p{L}\p{N}])|#\p{L}[\p{L}\p{N}_]*/uy;
const CLITIC = /(?:n['’`´]t|['’`´](?:s|m|d|re|ve|ll))(?![\p{L}\p{N}])/iuy;
const REPEATED = /([.!?…]+(?:[.!?…])*)|([-=_*+~#$])\2+|``|''|,,|<<|>>/uy;

/**
 * Splits text into UD words as the English EWT treebank does: `don't` → `do n't`, `bird's` → `bird 's`, `red-haired` →
 * `red - haired` but `non-human`, `5pm` → `5 pm`, `$20` → `$ 20`; URLs, abbreviations, emoticons and emoji stay whole.
 * Every character but white space belongs to exactly one token. Never throws, whatever the string.
 */
export function tokenizeUd(text: string): UdToken[] {
  const spans: { start: number; end: number }[] = [];
  const push = (start: number, end: number): void => {
    if (end > start) spans.push({ start, end });
  };
  for (let i = 0; i < text.length; ) {
    const c = text.charCodeAt(i);
    if (/\s/.test(text[i] as string)) {
      i++;
      continue;
    }
    const end = tokenEnd(text, i, c);
    pushWord(text, i, end, push);
    i = end;
  }
  return withSentences(text, spans);
}

function tokenEnd(text: string, at: number, code: number): number {
  const previous = at > 0 ? (text[at - 1] as string) : ' ';
  const fresh = !/[\p{L}\p{N}]/u.test(previous);
  const digit = code >= 48 && code <= 57;
  const opens = /[\s([{<"'“‘,;:|/]/.test(previous);
  const special =
    (opens && matchNear(URL_LIKE, text, at)) ||
    emojiEnd(text, at) ||
    (fresh && (!digit || code === 56) && match(EMOTICON, text, at)) ||
    (!fresh && match(CLITIC, text, at));
  if (special) return special;
  if (digit) return (fresh && match(ORDINAL, text, at)) || match(NUMBER, text, at);
  const whole = fresh && (match(INITIALS, text, at) || matchNear(WHOLE, text, at));
  if (whole) return whole;
  const word = match(WORD, text, at);
  if (word > 0) return wordEnd(text, at, word);
  return match(REPEATED, text, at) || at + ((text.codePointAt(at) as number) > 0xffff ? 2 : 1);
}

/** Digits, © ® ™ and the like are pictographic by Unicode, but signs in writing. */
function emojiEnd(text: string, at: number): number {
  const end = match(EMOJI, text, at);
  return end === at + 1 && text.charCodeAt(at) < 0x2190 ? 0 : end;
}

function wordEnd(text: string, at: number, end: number): number {
  const word = text.slice(at, end).toLowerCase();
  if (text[end] === '.' && ABBREVIATIONS.has(word) && /^\.(?:\s|,|$)/.test(text.slice(end, end + 2))) {
    // "no" and "co" are abbreviations only where a number or a name was meant
    if (word !== 'no' || /^\.\s*\d/.test(text.slice(end, end + 6))) return end + 1;
  }
  if (text[end] === '-' && JOINED_PREFIXES.has(word)) {
    const next = match(WORD, text, end + 1);
    if (next > 0) return next;
  }
  // "don't": the word ends before its n
  const contraction = match(CLITIC, text, end - 1);
  if (contraction > end && /n/i.test(text[end - 1] as string) && end - 1 > at) return end - 1;
  return end;
}

function pushWord(text: string, start: number, end: number, push: (start: number, end: number) => void): void {
  const cut = FUSED.get(text.slice(start, end).toLowerCase());
  const before = start > 0 ? (text[start - 1] as string) : ' ';
  if (cut === undefined || before === '-' || /['’]/.test(text[end] ?? '')) {
    push(start, end);
  } else {
    push(start, start + cut);
    push(start + cut, end);
  }
}

function match(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : 0;
}

/** Longest address looked for: patterns that read ahead must not make a hostile text quadratic. */
const WINDOW = 300;

function matchNear(pattern: RegExp, text: string, at: number): number {
  const end = match(pattern, text.slice(at, at + WINDOW), 0);
  return end === 0 ? 0 : at + end;
}

const FINAL = /^(?:[.!?…]+|[。！？])$/u;
const CLOSING = /^[)\]"”’'»]+$/u;

function withSentences(text: string, spans: readonly { start: number; end: number }[]): UdToken[] {
  const out: UdToken[] = [];
  let ended = true;
  for (const [i, { start, end }] of spans.entries()) {
    const previousEnd = i === 0 ? 0 : (spans[i - 1] as { end: number }).end;
    const gap = text.slice(previousEnd, start);
    const token = text.slice(start, end);
    const broken = /\n\s*\n/.test(gap);
    const closes = FINAL.test(token) || (CLOSING.test(token) && (gap === '' || !/^["']$/.test(token)));
    const sentenceStart = i === 0 || broken || (ended && gap !== '' && !closes);
    out.push({ text: token, start, end, sentenceStart });
    if (FINAL.test(token)) ended = true;
    else if (!(ended && closes)) ended = false;
  }
  return out;
}

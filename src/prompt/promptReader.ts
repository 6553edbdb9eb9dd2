/** Reads a prompt: its syntax away, its tags apart, its sentences parsed, its phrases found (G-Refine eq. 4, Algorithm 1). */
import type { DependencyParser, WordAnalysis } from './parser/dependencyParser.ts';
import { treePhrases } from './parser/treePhrases.ts';
import type { ParsedWord, PromptReader, PromptReading } from './phrase.ts';
import { type Segment, segmentsOf, type Unit, unitsOf } from './promptClauses.ts';
import { isMedium, isStyle, namesOnlyStyle, namesStyle } from './promptStyle.ts';
import { promptText } from './promptSyntax.ts';
import {
  asPhrase,
  type Draft,
  draftStanding,
  isWord,
  splitSentences,
  surface,
  type Word,
  wordsOf,
} from './promptWords.ts';

/** Words read of a prompt: ten times what any text encoder takes in, and parsed in a fraction of a second. */
export const mostWordsRead = 1500;

/** A reader of prompts with this parser. */
export function promptReader(parser: DependencyParser): PromptReader {
  return (prompt) => read(prompt, parser);
}

function read(prompt: string, parser: DependencyParser): PromptReading {
  const all = wordsOf(prompt, promptText(prompt));
  const words = all.slice(0, mostWordsRead);
  const drafts: Draft[] = [];
  const sentences: ParsedWord[][] = [];
  /** The first thing of the sentence before, for "She wears a hat". */
  let topic: number | null = null;
  for (const sentence of splitSentences(words)) {
    const first = drafts.length;
    readSentence(sentence, { parser, drafts, sentences, topic });
    const found = drafts.findIndex((draft, i) => i >= first && hasPlace(draft));
    if (found >= 0) topic = found;
  }
  if (!drafts.some(({ scope }) => scope === 'place')) {
    for (const draft of drafts) if (draft.medium) draft.scope = 'place';
  }
  return {
    phrases: drafts.map((draft) => asPhrase(draft, { prompt, standing: draftStanding(draft, { drafts, all: words }) })),
    sentences,
    hint:
      all.length > words.length
        ? `The prompt is very long: its first ${mostWordsRead} words are read, the rest is not looked for.`
        : null,
  };
}

interface Reading {
  readonly parser: DependencyParser;
  readonly drafts: Draft[];
  readonly sentences: ParsedWord[][];
  readonly topic: number | null;
}

function readSentence(sentence: readonly Word[], reading: Reading): void {
  const { parser } = reading;
  const segments = segmentsOf(sentence)
    .filter(({ start, end }) => sentence.slice(start, end).some(isWord))
    .flatMap((segment) => cutCredit(sentence, segment));
  const styled = segments.map(({ start, end }, k) => {
    const words = surface(sentence.slice(start, end));
    const isFirst = k === 0 && reading.drafts.length === 0;
    // "movie poster, blue" may begin a prompt and be what it shows; after other things it is how they are shown.
    const isHow = isFirst ? segments.length > 1 && namesOnlyStyle(words) : true;
    return isStyle(words) || namesStyle(words) || (isHow && endsInMedium(words));
  });
  const rest = segments.filter((_, k) => !styled[k]);
  const whole = sentence.map(({ text }) => text);
  const analyses = rest.length > 0 ? parser.parse(whole) : [];
  const tagged = whole.map((text, i) => ({ text, analysis: analyses[i] as WordAnalysis }));
  const units = unitsOf(tagged, rest);
  const first = reading.drafts.length;
  segments.forEach((segment, k) => {
    const unit = units.find(({ start }) => start === segment.start);
    if (unit) {
      const isAll = units.length === 1 && segments.length === rest.length;
      const part = isAll ? { ...unit, start: 0, end: sentence.length } : unit;
      readUnit(sentence.slice(part.start, part.end), { ...reading, first, unit, known: isAll ? analyses : null });
    } else if (styled[k]) {
      const words = sentence.slice(segment.start, segment.end).filter((word) => isWord(word) || word.text === '-');
      let last = words.length - 1;
      while (last > 0 && words[last]?.joined) last--;
      const noun = words.slice(last);
      reading.drafts.push({
        words,
        noun,
        ancestor: null,
        scope: 'whole',
        negated: isUnwanted(words),
        medium: words.every(({ text }) => isMedium(text)),
      });
    }
  });
}

/** "a dog by Van Gogh": the names after "by" at a segment's end apart, as if a comma stood before. */
function cutCredit(sentence: readonly Word[], { start, end }: Segment): Segment[] {
  let by = end - 1;
  while (by > start && /^(?:\p{Lu}.*|and|&|van|von|de|da|of|-)$/u.test(sentence[by]?.text ?? '')) by--;
  const first = sentence[by + 1]?.text ?? '';
  const cut =
    by > start && by < end - 1 && sentence[by]?.text === 'by' && /^\p{Lu}/u.test(first) && !NEARBY.test(first);
  return cut
    ? [
        { start, end: by },
        { start: by, end },
      ]
    : [{ start, end }];
}

/** "richly textured oil painting" beside other tags. "a painting" is a thing. */
function endsInMedium(words: readonly string[]): boolean {
  return words.length <= 6 && isMedium(words.at(-1) ?? '') && !words.some((word) => NO_MEDIUM.has(word));
}

const NO_MEDIUM = new Set('a an the of with on in at to two three her his their its my'.split(' '));
const NEARBY = /^(?:Lake|Mount|River|The|A|St|Big|Loch|Cape|Port|Hyde|Central)$/;

/** One parsed stretch. */
function readUnit(
  words: readonly Word[],
  {
    parser,
    drafts,
    sentences,
    topic,
    first,
    unit,
    known,
  }: Reading & { readonly first: number; readonly unit: Unit; readonly known: readonly WordAnalysis[] | null },
): void {
  const texts = words.map(({ text }) => text);
  const tree = known ?? parser.parse(texts);
  sentences.push(words.map(({ text, start, end }, i) => ({ text, start, end, ...(tree[i] as WordAnalysis) })));
  const found = treePhrases(texts, tree);
  const base = drafts.length;
  const subject = drafts.findIndex((draft, i) => i >= first && hasPlace(draft));
  // What has no ancestor of its own hangs on what the sentence, or its pronoun, speaks of.
  const hangs = unit.hangs || (base > first && opensParticiple(words, tree));
  const above = hangs && subject >= 0 ? subject : base === first && speaksOfTopic(texts, tree) ? topic : null;
  if (found.length === 0) {
    const centre = lonelyCentre(words, tree);
    if (centre) drafts.push({ ...centre, ancestor: centre.scope === 'place' && subject >= 0 ? subject : null });
    return;
  }
  const isWhole = found.map(({ noun }) => isStylePhrase(noun, { words, tree }));
  found.forEach(({ noun, nounWords, words: members, ancestor, negated, isMedium: named }, k) => {
    const phrase = members.map((i) => words[i] as Word);
    // "An oil painting of …", or a medium alone, is not a thing in the picture.
    const isRoot = tree[noun]?.head === 0 && isMedium((words[noun] as Word).text);
    const written = surface(phrase);
    const isAlone = isWhole.every((whole, other) => whole || other === k);
    const medium = named || (isRoot && isAlone && (drafts.length > 0 || namesOnlyStyle(written)));
    const isTag = found.length === 1 || STYLE_NOUNS.has(written.at(-1) ?? '');
    const whole = medium || isWhole[k] === true || (isTag && isStyle(written));
    drafts.push({
      words: phrase,
      noun: nounWords.map((i) => words[i] as Word),
      ancestor: ancestor === null ? null : base + ancestor,
      scope: whole ? 'whole' : 'place',
      negated: negated || isUnwanted(phrase),
      medium,
    });
  });
  for (let k = base; k < drafts.length; k++) {
    const draft = drafts[k] as Draft;
    // A style has no place, nor has what is to be absent: what hangs on it hangs where it does.
    let { ancestor } = draft;
    for (let steps = 0; steps < found.length && ancestor !== null && !hasPlace(drafts[ancestor]); steps++) {
      ancestor = ancestor < base ? null : (drafts[ancestor]?.ancestor ?? null);
    }
    if (ancestor !== null && !hasPlace(drafts[ancestor])) ancestor = null;
    draft.ancestor = draft.scope === 'whole' ? null : (ancestor ?? above);
  }
}

function hasPlace(draft: Draft | undefined): boolean {
  return draft?.scope === 'place' && !draft.negated;
}

const STYLE_NOUNS = new Set(
  'lighting quality resolution detail details focus colors colours bokeh tones render'.split(' '),
);

/** "holding an umbrella", "looking at the viewer". */
function opensParticiple(words: readonly Word[], [first]: readonly WordAnalysis[]): boolean {
  return first?.upos === 'VERB' && first.head === 0 && /(?:ing|ed|en|wn)$/i.test(words[0]?.text ?? '');
}

/** `--no dogs`, `dog::-0.5`. */
function isUnwanted(words: readonly Word[]): boolean {
  return words.every(({ weight }) => weight < 0);
}

/** The sentence's subject is a pronoun for what was spoken of: "She wears a hat", "It is on a table", "There is …" not. */
function speaksOfTopic(words: readonly string[], tree: readonly WordAnalysis[]): boolean {
  return tree.some(
    ({ upos, deprel }, i) =>
      upos === 'PRON' && deprel.startsWith('nsubj') && /^(?:he|she|it|they)$/i.test(words[i] as string),
  );
}

/** A stretch without a noun: its verb is looked for ("smiling"); adjectives alone describe the whole image ("colorful"). */
function lonelyCentre(words: readonly Word[], tree: readonly WordAnalysis[]): Draft | null {
  const content = words.filter(
    (word, i) => isWord(word) && /^(?:ADJ|VERB|NUM|X|INTJ|SYM|ADV)$/.test(tree[i]?.upos ?? ''),
  );
  if (content.length === 0) return null;
  const root = tree.findIndex(({ head }) => head === 0);
  const at = content.includes(words[root] as Word) ? root : words.indexOf(content[0] as Word);
  const upos = tree[at]?.upos ?? '';
  const kept = words.slice(words.indexOf(content[0] as Word), words.indexOf(content.at(-1) as Word) + 1);
  return {
    words: kept.filter((word) => isWord(word)),
    noun: [words[at] as Word],
    ancestor: null,
    scope: upos === 'ADJ' || upos === 'ADV' ? 'whole' : 'place',
    negated: isUnwanted(kept),
    medium: true,
  };
}

const CREATING = new Set(
  'painted drawn made created illustrated designed photographed directed art sculpted rendered'.split(' '),
);

/** "in the style of Monet", "by Greg Rutkowski" inside a sentence. */
function isStylePhrase(
  noun: number,
  { words, tree }: { readonly words: readonly Word[]; readonly tree: readonly WordAnalysis[] },
): boolean {
  const text = (words[noun] as Word).text.toLowerCase();
  const depends = (to: number) => tree.flatMap(({ head }, i) => (head === to + 1 ? [i] : []));
  const mine = depends(noun);
  if (/^(?:styles?|aesthetic)$/.test(text)) return true;
  const { head, deprel, upos } = tree[noun] as WordAnalysis;
  if (deprel === 'conj' && head > 0 && mine.every((i) => tree[i]?.deprel !== 'det')) {
    if (isStylePhrase(head - 1, { words, tree }))
      return /^\p{Lu}/u.test((words[noun] as Word).text) || upos === 'PROPN';
  }
  const by = mine.some((i) => tree[i]?.deprel === 'case' && words[i]?.text.toLowerCase() === 'by');
  const named = upos === 'PROPN';
  // "surrounded by Buddhists" credits nobody.
  const verb = head > 0 && tree[head - 1]?.upos === 'VERB' ? (words[head - 1] as Word).text.toLowerCase() : null;
  if (verb !== null && !CREATING.has(verb)) return false;
  return by && named && mine.every((i) => tree[i]?.deprel !== 'det' && tree[i]?.deprel !== 'nmod:poss');
}

/**
 * Where the commas of a prompt part tags, and where they belong to a sentence. What belongs together is parsed together:
 * a parser of sentences reads "1girl, blue eyes, white dress" as one odd sentence.
 */
import type { WordAnalysis } from './parser/dependencyParser.ts';

/** A word of a sentence with its analysis. */
export interface TaggedWord {
  readonly text: string;
  readonly analysis: WordAnalysis;
}

/** Words `[start, end)` of a sentence between two commas. */
export interface Segment {
  readonly start: number;
  readonly end: number;
}

/** A stretch of one sentence, and whether it hangs on what came before in spite of its comma. */
export interface Unit extends Segment {
  /** Begins with a preposition or verb and has lost its noun: it hangs on the sentence's first thing. */
  readonly hangs: boolean;
}

/** The segments of a sentence: the words between its commas, without them. */
export function segmentsOf(words: readonly { readonly text: string }[]): Segment[] {
  const segments: Segment[] = [];
  let start = 0;
  for (let i = 0; i <= words.length; i++) {
    if (i < words.length && words[i]?.text !== ',') continue;
    if (i > start) segments.push({ start, end: i });
    start = i + 1;
  }
  return segments;
}

const RELATIVE = new Set([
  'who',
  'which',
  'that',
  'whose',
  'where',
  'while',
  'as',
  'with',
  'when',
  'but',
  'all',
  'each',
  'both',
]);
const LINKING = new Set(['ADP', 'SCONJ', 'CCONJ']);

/**
 * Groups neighbouring segments into units to be parsed as one, by the tags of the sentence parsed as a whole:
 *
 * - In a list of tags (three segments or more, most of them short and without article, verb or link) every comma cuts, except
 *   before "and", "with", "which".
 * - Elsewhere a segment joins the one before if it opens with a preposition, conjunction, relative word or participle
 *   ("a woman, wearing a hat, on a beach"); if either is a clause ("the sky is blue, a dog runs"); if the one before has no
 *   noun ("a big, red apple") or is an opening adverbial ("in a forest, a dog"); or if "and" follows in the same row ("a
 *   cat, a dog, and a bird").
 */
export function unitsOf(words: readonly TaggedWord[], segments: readonly Segment[]): Unit[] {
  const kinds = segments.map((segment) => kindOf(words, segment));
  const tags = kinds.filter((kind) => kind.tagLike).length;
  const isList =
    segments.length >= 3 &&
    tags >= 2 &&
    tags * 2 >= segments.length &&
    !kinds.some((k) => k.clause || (k.opensNoun && !k.hasNoun));
  const units: Unit[] = [];
  segments.forEach((segment, k) => {
    const kind = kinds[k] as Kind;
    const before = kinds[k - 1];
    const last = units.at(-1);
    if (last && before && segment.start === last.end + 1 && joins(k, { kinds, isList })) {
      units[units.length - 1] = { ...last, end: segment.end };
    } else {
      units.push({ ...segment, hangs: units.length > 0 && (kind.linked || kind.participle) });
    }
  });
  return units;
}

interface Kind {
  readonly first: string;
  /** Opens with a preposition, conjunction or relative word. */
  readonly linked: boolean;
  readonly conjoined: boolean;
  readonly participle: boolean;
  /** Opens with an article or the like. */
  readonly opensNoun: boolean;
  readonly hasNoun: boolean;
  readonly opensAdjective: boolean;
  readonly endsAdjective: boolean;
  readonly longer: boolean;
  /** Has "and" inside. */
  readonly conjoins: boolean;
  readonly clause: boolean;
  readonly tagLike: boolean;
}

function kindOf(words: readonly TaggedWord[], { start, end }: Segment): Kind {
  const part = words.slice(start, end);
  const head = part[0] as TaggedWord;
  const first = head.text.toLowerCase();
  const tag = (i: number): string => part[i]?.analysis.upos ?? '';
  const hasNoun = part.some(({ analysis }) => analysis.upos === 'NOUN' || analysis.upos === 'PROPN');
  const linked = LINKING.has(head.analysis.upos) || RELATIVE.has(first);
  const participle = isParticiple(head) || (tag(0) === 'ADV' && part[1] !== undefined && isParticiple(part[1]));
  // A bare participle makes no clause: "samurai standing in grass" is a thing.
  const clause = part.some(({ analysis }) => {
    const to = analysis.head - 1;
    if (!analysis.deprel.startsWith('nsubj') || to < start || to >= end) return false;
    const isAided = part.some((other) => other.analysis.head === to + 1 && /^(?:aux|cop)/.test(other.analysis.deprel));
    return isAided || !/ing$/i.test((words[to] as TaggedWord).text);
  });
  const tagLike = part.length <= 5 && !linked && !clause && !participle && tag(0) !== 'DET';
  return {
    first,
    linked,
    conjoined: head.analysis.upos === 'CCONJ',
    participle,
    hasNoun,
    opensNoun: /^(?:DET|PRON)$/.test(tag(0)),
    opensAdjective: /^(?:ADJ|VERB)$/.test(tag(0)),
    endsAdjective: tag(part.length - 1) === 'ADJ',
    longer: part.length > 1,
    conjoins: part.some(({ analysis }) => analysis.upos === 'CCONJ'),
    clause,
    tagLike,
  };
}

function isParticiple({ text, analysis }: TaggedWord): boolean {
  return (
    analysis.upos === 'VERB' &&
    /(?:ing|ed|en|wn|rn|pt|lt|ung|ade|rt)$/i.test(text) &&
    !/^amod|^compound/.test(analysis.deprel)
  );
}

function joins(k: number, { kinds, isList }: { readonly kinds: readonly Kind[]; readonly isList: boolean }): boolean {
  const kind = kinds[k] as Kind;
  const before = kinds[k - 1] as Kind;
  if (kind.conjoined || (RELATIVE.has(kind.first) && kind.first !== 'as')) return true;
  if (kind.opensAdjective && before.endsAdjective && (before.longer || kinds[k - 2]?.endsAdjective)) return true;
  if (isList) return false;
  if (kind.linked || kind.participle) return true;
  // "a big, round, shiny coin", but not "colorful, moody, a witch".
  if (!before.hasNoun && !before.clause && !before.linked) return (before.opensNoun || kind.hasNoun) && !kind.opensNoun;
  if (kind.clause || (before.clause && !kind.tagLike)) return true;
  if (k === 1 && before.linked) return true;
  // "wearing glasses, a shirt and a jacket", but not "blue eyes, red hair and freckles".
  if (kind.conjoins && !before.tagLike && k === kinds.length - 1) return true;
  // "a cat, a dog, and a bird": one row as long as no tag interrupts it.
  for (let next = k + 1; next < kinds.length && next <= k + 8; next++) {
    if ((kinds[next] as Kind).conjoined) return true;
    if ((kinds[next] as Kind).linked || (kinds[next] as Kind).participle) return false;
  }
  return false;
}

/**
 * What grammar alone gets wrong about pictures: nouns that only measure, point or shape. The rules turn a Universal
 * Dependencies tree into one whose nouns are things to look for. All are [ours]; G-Refine names none.
 */
import { mediumNouns } from '../styleWords.ts';
import type { WordAnalysis } from './dependencyParser.ts';
import { quotedWords } from './quotation.ts';
import { repairTree } from './treeRepairs.ts';

/** A tree ready for eq. 4. Indices are 0-based, a head of -1 is the root. */
export interface RuledTree {
  readonly heads: Int32Array;
  readonly deprels: readonly string[];
  /** Nouns to look for: the cluster centres of eq. 4. */
  readonly isCentre: readonly boolean[];
  /** Words that only link: they never begin or end a phrase. */
  readonly isLink: readonly boolean[];
  /** Centres that name a medium showing others ("a photo of …"): they speak of the whole image. */
  readonly isMedium: readonly boolean[];
}

const set = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/));

/** Amounts, collections, portions: what they are "of" is the thing ("a couple of glasses", "a slice of pizza"). */
const MEASURES = set(`
  couple pair lot lots bunch number plenty group crowd herd flock pack swarm school pile heap stack row line series set
  collection variety range array assortment bouquet handful dozen dozens hundreds thousands million millions piece pieces
  slice slices bit drop drops loaf sheet strip pinch ton tons load loads type kind sort types kinds sorts cluster
  majority rest most half part parts piles stacks rows pairs bunches groups amount layer layers team gang family army fleet pint pints liter gallon colony bundle batch mix mixture bar bars`);

/** Vessels: they are the thing, and what they are "of" describes it ("a cup of coffee"). */
const VESSELS = set(`
  cup cups mug mugs glass glasses bowl bowls plate plates bottle bottles jar jars can cans box boxes basket baskets bag bags
  bucket buckets tray trays pot pots jug jugs pitcher barrel barrels carton cartons tin pan pans vase spoon spoonful tub
  crate crates sack sacks tank dish platter carafe goblet packet`);

/** Parts of space: with "of" they are a preposition of several words ("in front of", "on top of"). */
const PLACES = set(`
  front top middle center centre left right side back bottom edge inside outside background foreground midst corner rear
  direction sides end distance surface`);

/** "in the shape of": what follows is a form, not a thing. */
const SHAPES = set('shape form shapes forms');

/** "in the style of Monet and Manet": names of styles are no things. */
const STYLES = set('style styles manner aesthetic');

/** Verbs whose "of", "from", "like", "as" names a material, a form or a guise ("made of wood", "dressed as a pirate"). */
const MAKING = set(`
  made built constructed carved crafted woven composed formed sculpted molded moulded fashioned constructed knitted cut
  shaped dressed disguised depicted portrayed drawn styled painted`);
const RESEMBLING = set('look looks looking seem seems resembles resembling');
const LIKE = set('like as');

/** "of different colours": what a thing is like, not another thing. */
const QUALITIES = set(
  `color colors colour colours size sizes age ages height length hue hues shade shades pattern patterns pose`,
);

/** Words that introduce writing or a name: what follows is read, not seen ("a sign that says Welcome"). */
const NAMING = set(
  'say says saying read reads reading spell spells spelling called named titled labeled labelled entitled',
);
const MATERIAL_LINKS = set('of from like as');

/** Words that stand for a person nobody names: things to look for although UD calls them pronouns. */
const PERSONS = set('someone somebody anyone anybody everyone everybody');

/** Parts of a many-word noun ("flower pot", "New York"): never centres of their own. */
const WITHIN_NOUN = set('compound flat fixed goeswith nmod:desc');
const MODIFIERS = set('amod nummod det advmod case mark cc punct aux cop discourse');
const LINKS = set('ADP AUX CCONJ DET PART PRON SCONJ PUNCT');

/** Applies the rules. Linear in the number of words. */
export function ruledTree(words: readonly string[], tree: readonly WordAnalysis[]): RuledTree {
  const lower = words.map((word) => word.toLowerCase());
  const heads = Int32Array.from(tree, ({ head }) => head - 1);
  const written = quotedWords(words, tree, heads);
  const deprels = tree.map(({ deprel }) => deprel);
  repairTree(words, tree, { heads, deprels });
  const isNoun = tree.map(
    ({ upos }, i) =>
      (upos === 'NOUN' && !/^\d+[x×]\d+$/.test(words[i] as string)) ||
      upos === 'PROPN' ||
      PERSONS.has(lower[i] as string) ||
      /\p{Extended_Pictographic}/u.test(words[i] as string),
  );
  const isLink = tree.map(
    ({ upos }, i) =>
      LINKS.has(upos) ||
      (/^(?:next|close|due)$/.test(lower[i] as string) && lower[i + 1] === 'to') ||
      (/^(?:left|right|ahead)$/.test(lower[i] as string) && lower[i + 1] === 'of'),
  );
  const isCentre = isNoun.map((noun, i) => {
    const head = heads[i] as number;
    if (!noun || written.has(i) || (head >= 0 && MODIFIERS.has(deprels[i] as string))) return false;
    // "half-eaten", "two-story house": part of a hyphenated word.
    if (words[i + 1] === '-' && head > i && (head === i + 2 || head === heads[i + 2]) && !isNoun[i + 2]) return false;
    return !(WITHIN_NOUN.has(deprels[i] as string) && head >= 0 && isNoun[head]);
  });
  const isMedium = words.map(() => false);
  const children: number[][] = words.map(() => []);
  for (const [i, head] of heads.entries()) if (head >= 0) children[head]?.push(i);
  const isName = (i: number): boolean => i > 0 && /^\p{Lu}/u.test(words[i] as string);
  const isCase = (i: number): boolean => deprels[i] === 'case';
  const hasCase = (i: number, links: ReadonlySet<string>): boolean =>
    (children[i] as number[]).some((c) => (isCase(c) || deprels[c] === 'mark') && links.has(lower[c] as string));
  // "with mushrooms but without cheese": each hangs on the pizza by itself.
  for (const [i, head] of heads.entries()) {
    if (
      deprels[i] === 'conj' &&
      head >= 0 &&
      (children[i] as number[]).some(isCase) &&
      !(children[head] as number[]).some(isCase)
    ) {
      deprels[i] = 'nmod';
    }
  }
  /** What the noun is "of". */
  const complement = (i: number): number =>
    (children[i] as number[]).find(
      (c) => c > i && isCentre[c] && hasCase(c, OF) && NOMINAL.has(deprels[c] as string),
    ) ?? -1;

  /** `c`, a dependent of `i`, takes the place of `i` in the tree; `i` hangs on it. */
  const swap = (i: number, c: number): void => {
    heads[c] = heads[i] as number;
    deprels[c] = deprels[i] as string;
    heads[i] = c;
    deprels[i] = 'nmod:measure';
    isCentre[i] = false;
    // What was said beside the amount was said beside the thing: "a couple of cats and a dog".
    for (const other of children[i] as number[]) {
      if (other !== c && BESIDE.has(deprels[other] as string)) {
        heads[other] = c;
        (children[c] as number[]).push(other);
      }
    }
    (children[c] as number[]).push(i);
    children[i] = (children[i] as number[]).filter((other) => heads[other] === i);
    const head = heads[c] as number;
    if (head >= 0) children[head] = [...(children[head] as number[]).filter((other) => other !== i), c];
  };

  const move = (i: number, to: number): void => {
    const from = heads[i] as number;
    children[from] = (children[from] as number[]).filter((other) => other !== i);
    (children[to] as number[]).push(i);
    heads[i] = to;
  };
  /** A participle without auxiliary ("made of glass"), or "showing": taken for the sentence's verb. */
  const isLoose = (i: number): boolean =>
    tree[i]?.upos === 'VERB' &&
    /(?:ing|ed|en|made|wn)$/.test(lower[i] as string) &&
    !(children[i] as number[]).some((c) => (deprels[c] as string).startsWith('aux'));
  /** The noun and what stands beside it describe another. */
  const absorb = (i: number): void => {
    isCentre[i] = false;
    for (const c of children[i] as number[]) if (isCentre[c] && deprels[c] === 'conj') absorb(c);
  };

  for (let i = 0; i < words.length; i++) {
    const word = i > 1 && words[i - 1] === '-' ? `${lower[i - 2]}-${lower[i]}` : (lower[i] as string);
    if (isCentre[i] && heads[i] !== -1 && QUALITIES.has(word) && hasCase(i, OF_IN)) isCentre[i] = false;
    else if (isCentre[i] && isCentre[heads[i] as number] && deprels[i] === 'nmod' && hasCase(i, AS))
      isCentre[i] = false;
    else if (
      isCentre[i] &&
      mediumNouns.has(word) &&
      (heads[i] === -1 || (deprels[i]?.startsWith('nsubj') && isLoose(heads[i] as number)))
    ) {
      const c = complement(i);
      if (c < 0) continue;
      // "a photo of a knight holding a sword": photos hold nothing. What is shown takes the photo's place in the tree.
      isMedium[i] = true;
      swap(i, c);
      isCentre[i] = true;
      for (const other of [...(children[i] as number[])])
        if (other > c && SHOWN.has(deprels[other] as string)) move(other, c);
    } else if (isCentre[i] && PLACES.has(word)) {
      if (!hasCase(i, AT_PLACE)) continue;
      const c = complement(i);
      const ofIt = (children[i] as number[]).some((other) => tree[other]?.upos === 'PRON' && hasCase(other, OF));
      if (c >= 0) swap(i, c);
      else isCentre[i] = false; // "a cat on the left"
      isLink[i] = c >= 0 || ofIt;
    } else if (isCentre[i] && isName(i) && !VESSELS.has(word) && !MEASURES.has(word)) {
      // "the Statue of Liberty": one name.
      const c = complement(i);
      if (c >= 0 && isName(c) && tree[c]?.upos === 'PROPN') isCentre[c] = false;
    } else if (isCentre[i] && MEASURES.has(word)) {
      const c = complement(i);
      if (c >= 0) swap(i, c);
    } else if (isCentre[i] && VESSELS.has(word)) {
      const c = complement(i);
      if (c >= 0) isCentre[c] = false;
    } else if (isCentre[i] && STYLES.has(word)) {
      const c = complement(i);
      if (c >= 0) absorb(c);
    } else if (isCentre[i] && SHAPES.has(word) && hasCase(i, IN)) {
      const c = complement(i);
      if (c < 0) continue;
      isCentre[c] = false;
      isCentre[i] = false;
      // "jello in the shape of a man standing on a plate": the jello stands there.
      const shaped = heads[i] as number;
      for (const other of shaped < 0 ? [] : [...(children[c] as number[])]) {
        if (other > c && SHOWN.has(deprels[other] as string) && !hasCase(other, OF)) move(other, shaped);
      }
    } else if (NAMING.has(word) && tree[i]?.upos !== 'NOUN') {
      for (const c of children[i] as number[]) if (c > i && tree[c]?.upos === 'PROPN') absorb(c);
    } else if (MAKING.has(word) && tree[i]?.upos !== 'NOUN') {
      for (const c of children[i] as number[]) if (c > i && isCentre[c] && hasCase(c, MATERIAL_LINKS)) absorb(c);
    } else if (RESEMBLING.has(word)) {
      for (const c of children[i] as number[]) if (c > i && isCentre[c] && hasCase(c, LIKE)) absorb(c);
    }
  }
  return { heads, deprels, isCentre, isLink, isMedium };
}

const OF = set('of');
const AS = set('as');
const OF_IN = set('of in with');
const SHOWN = set('acl acl:relcl advcl obl nmod conj');
const IN = set('in into');
const AT_PLACE = set('on in at to from');
const NOMINAL = set('nmod obl');
const BESIDE = set('conj nmod acl acl:relcl appos parataxis list nsubj cop punct');

import type { WordAnalysis } from './dependencyParser.ts';
import { negatedCentres } from './negation.ts';
import { type RuledTree, ruledTree } from './treeRules.ts';

/** A phrase as word indices (0-based, in order) of one sentence. */
export interface TreePhrase {
  /** The cluster centre. */
  readonly noun: number;
  /** The centre with the other words of its compound. */
  readonly nounWords: readonly number[];
  readonly words: readonly number[];
  /** Index among the phrases, or null: the whole image. */
  readonly ancestor: number | null;
  /** Asked to be absent. */
  readonly negated: boolean;
  /** Names a medium that shows the rest ("a photo of …"). */
  readonly isMedium: boolean;
}

/** Verbs and adverbs that name nothing to look for at the edge of a phrase, besides words whose class says so. */
const EMPTY = new Set(
  `is are was were be been being am 's 're has have had having do does did can will would there here very really also just
  while where when which who that not no such other same as than then so too etc instead`.split(/\s+/),
);
const BESIDE = new Set(['conj', 'list', 'appos', 'parataxis']);
const IN_COMPOUND = new Set(['compound', 'flat', 'fixed', 'goeswith', 'nmod:desc']);

/**
 * Phrases and their ancestors from a dependency tree (G-Refine eq. 4 and Algorithm 1), after the rules of `treeRules.ts`.
 *
 * - Nouns (NOUN, PROPN) are cluster centres. Compounds and names are one noun. Pronouns are none.
 * - Every other word joins the noun nearest in the tree; ties go to its own head's noun, then to the left one [spec]. Between
 *   the two [ours]: a verb goes to its subject, so that in "on a table, candles are burning" the candles burn.
 * - A phrase neither begins nor ends with words that only link ("a", "on", "and", "is"): "a hat" asks for nothing that
 *   "hat" does not. Between its other words they stay: "couple of glasses", "hat is red" [ours].
 * - The ancestor is the first other phrase met from the noun through `head` to the root. What stands beside another
 *   ("a dog *and a cat*") hangs where the first does: a missing cat is not to be put on the dog [ours].
 * - An ancestor that is to be absent has no place: its own ancestor is taken [ours].
 */
export function treePhrases(words: readonly string[], tree: readonly WordAnalysis[]): TreePhrase[] {
  const ruled = ruledTree(words, tree);
  const { heads, deprels, isCentre, isLink } = ruled;
  const centres = [...tree.keys()].filter((i) => isCentre[i]);
  if (centres.length === 0) return [];
  const cluster = joinNearest(ruled, centres);
  const members: number[][] = centres.map(() => []);
  for (const [i, k] of cluster.entries()) members[k]?.push(i);
  const negated = negatedCentres(words, ruled);

  const ancestorOf = (k: number): number | null => {
    let own = k;
    let v = centres[k] as number;
    for (;;) {
      const head = heads[v] as number;
      if (head < 0) return null;
      // From here on it stands where the other does.
      if (BESIDE.has(deprels[v] as string) && v === centres[own] && isCentre[head]) own = cluster[head] as number;
      v = head;
      if (cluster[v] !== own) return cluster[v] as number;
    }
  };
  const ancestors = centres.map((_, k) => ancestorOf(k));
  return centres.map((noun, k) => {
    const empty = (i: number): boolean =>
      i !== noun &&
      (isLink[i] || EMPTY.has((words[i] as string).toLowerCase()) || !/[\p{L}\p{N}\p{S}]/u.test(words[i] as string));
    const all = members[k] as number[];
    const first = all.findIndex((i) => !empty(i));
    const kept = all
      .slice(first, all.findLastIndex((i) => !empty(i)) + 1)
      .filter((i) => tree[i]?.upos !== 'PUNCT' || i === noun);
    let ancestor = ancestors[k] as number | null;
    // Chains end: heads lead to the root, and what stands beside another leads to its head.
    while (ancestor !== null && negated.has(centres[ancestor] as number))
      ancestor = ancestors[ancestor] as number | null;
    const isNegated = negated.has(noun);
    return {
      noun,
      nounWords: compound(noun, ruled, kept),
      words: kept,
      ancestor,
      negated: isNegated,
      isMedium: ruled.isMedium[noun] === true,
    };
  });
}

/** The noun and the words of its compound that stand right before or after it. */
function compound(noun: number, { heads, deprels, isCentre }: RuledTree, kept: readonly number[]): number[] {
  const within = (i: number): boolean => {
    let v = i;
    for (let steps = 0; steps < 8 && v >= 0 && IN_COMPOUND.has(deprels[v] as string) && !isCentre[v]; steps++) {
      v = heads[v] as number;
      if (v === noun) return true;
    }
    return false;
  };
  const at = kept.indexOf(noun);
  let first = at;
  let last = at;
  while (first > 0 && within(kept[first - 1] as number)) first--;
  while (last < kept.length - 1 && within(kept[last + 1] as number)) last++;
  return kept.slice(first, last + 1);
}

/** For every word the index of the centre it joins. Linear in the number of words for trees of any usual shape. */
function joinNearest({ heads, deprels }: RuledTree, centres: readonly number[]): number[] {
  const dependents: number[][] = Array.from(heads, () => []);
  const topDown: number[] = [];
  for (const [i, head] of heads.entries()) (head >= 0 ? dependents[head] : topDown)?.push(i);
  for (const v of topDown) for (const u of dependents[v] as number[]) topDown.push(u);

  // Distance to the nearest centre and the leftmost centre at that distance, spreading from all centres at once.
  const distance = new Array<number>(heads.length).fill(Number.POSITIVE_INFINITY);
  const leftmost = new Array<number>(heads.length).fill(0);
  const queue = [...centres];
  for (const [k, c] of centres.entries()) {
    distance[c] = 0;
    leftmost[c] = k;
  }
  for (const v of queue) {
    const head = heads[v] as number;
    for (const u of head >= 0 ? [head, ...(dependents[v] as number[])] : (dependents[v] as number[])) {
      const d = (distance[v] as number) + 1;
      if (distance[u] === Number.POSITIVE_INFINITY) {
        distance[u] = d;
        leftmost[u] = leftmost[v] as number;
        queue.push(u);
      } else if (distance[u] === d) leftmost[u] = Math.min(leftmost[u] as number, leftmost[v] as number);
    }
  }

  const cluster = leftmost.slice();
  for (const v of topDown) {
    const head = heads[v] as number;
    if (distance[v] === 0) continue;
    if (distance[v] === 1) {
      const subject = (dependents[v] as number[]).find(
        (u) => distance[u] === 0 && (deprels[u] as string).startsWith('nsubj'),
      );
      if (subject !== undefined) cluster[v] = leftmost[subject] as number;
    }
    if (head < 0) continue;
    const above = cluster[head] as number;
    const step = (distance[head] as number) - (distance[v] as number);
    // The head's noun is as near as any where the way to it leads through the head, or up from below this word.
    if (step === -1 || (step === 1 && isBelow(heads, centres[above] as number, v))) cluster[v] = above;
  }
  return cluster;
}

function isBelow(heads: Int32Array, word: number, ancestor: number): boolean {
  let v = word;
  while (v >= 0 && v !== ancestor) v = heads[v] as number;
  return v === ancestor;
}

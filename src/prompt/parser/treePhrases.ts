import type { WordAnalysis } from './dependencyParser.ts';

/** A phrase as word indices (0-based, in order) of one sentence. */
export interface TreePhrase {
  /** The cluster centre. */
  readonly noun: number;
  readonly words: readonly number[];
  /** Index among the phrases, or null: the whole image. */
  readonly ancestor: number | null;
}

/** Parts of a many-word noun ("flower pot", "New York"): never centres of their own. */
const WITHIN_NOUN = new Set(['compound', 'flat', 'fixed', 'goeswith']);

/**
 * Phrases and their ancestors from a dependency tree (G-Refine eq. 4 and Algorithm 1).
 *
 * Nouns (NOUN, PROPN) are cluster centres, except parts of a compound or name under another noun. Every other word but
 * punctuation joins the noun nearest in the tree; ties go to its own head's noun, then to the left. The ancestor is the
 * first other phrase met from the noun through `head` to the root.
 */
export function treePhrases(tree: readonly WordAnalysis[]): TreePhrase[] {
  const isNoun = (i: number): boolean => /^(?:NOUN|PROPN)$/.test(tree[i]?.upos ?? '');
  const centres = [...tree.keys()].filter((i) => {
    const { head, deprel } = tree[i] as WordAnalysis;
    return isNoun(i) && !(WITHIN_NOUN.has(deprel) && head > 0 && isNoun(head - 1));
  });
  if (centres.length === 0) return [];
  const near: number[][] = tree.map((w) => (w.head > 0 ? [w.head - 1] : []));
  for (const [i, w] of tree.entries()) if (w.head > 0) near[w.head - 1]?.push(i);
  const distances = centres.map((centre) => distancesFrom(centre, near));
  const cluster = new Array<number>(tree.length).fill(-1);
  const assign = (word: number): number => {
    const known = cluster[word] as number;
    if (known >= 0) return known;
    const least = Math.min(...distances.map((d) => d[word] as number));
    const nearest = [...centres.keys()].filter((k) => distances[k]?.[word] === least);
    const { head } = tree[word] as WordAnalysis;
    const above = nearest.length > 1 && head > 0 ? assign(head - 1) : -1;
    const chosen = nearest.includes(above) ? above : (nearest[0] as number);
    cluster[word] = chosen;
    return chosen;
  };
  for (const i of tree.keys()) assign(i);
  return centres.map((noun, k) => {
    const words = [...tree.keys()].filter((i) => cluster[i] === k && (i === noun || tree[i]?.upos !== 'PUNCT'));
    for (let v = (tree[noun] as WordAnalysis).head; v > 0; v = (tree[v - 1] as WordAnalysis).head) {
      if (cluster[v - 1] !== k) return { noun, words, ancestor: cluster[v - 1] as number };
    }
    return { noun, words, ancestor: null };
  });
}

function distancesFrom(start: number, near: readonly (readonly number[])[]): number[] {
  const distance = new Array<number>(near.length).fill(Number.POSITIVE_INFINITY);
  distance[start] = 0;
  const queue = [start];
  for (const v of queue) {
    for (const u of near[v] as readonly number[]) {
      if (distance[u] === Number.POSITIVE_INFINITY) {
        distance[u] = (distance[v] as number) + 1;
        queue.push(u);
      }
    }
  }
  return distance;
}

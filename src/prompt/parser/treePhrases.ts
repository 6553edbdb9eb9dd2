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
  const cluster = joinNearest(tree, centres);
  const members: number[][] = centres.map(() => []);
  for (const [i, k] of cluster.entries()) if (tree[i]?.upos !== 'PUNCT' || centres[k] === i) members[k]?.push(i);
  return centres.map((noun, k) => {
    const words = members[k] as number[];
    for (let v = (tree[noun] as WordAnalysis).head; v > 0; v = (tree[v - 1] as WordAnalysis).head) {
      if (cluster[v - 1] !== k) return { noun, words, ancestor: cluster[v - 1] as number };
    }
    return { noun, words, ancestor: null };
  });
}

/** For every word the index of the centre it joins. Linear in the number of words for trees of any usual shape. */
function joinNearest(tree: readonly WordAnalysis[], centres: readonly number[]): number[] {
  const dependents: number[][] = tree.map(() => []);
  const topDown: number[] = [];
  for (const [i, w] of tree.entries()) (w.head > 0 ? dependents[w.head - 1] : topDown)?.push(i);
  for (const v of topDown) for (const u of dependents[v] as number[]) topDown.push(u);

  // Distance to the nearest centre and the leftmost centre at that distance, spreading from all centres at once.
  const distance = new Array<number>(tree.length).fill(Number.POSITIVE_INFINITY);
  const leftmost = new Array<number>(tree.length).fill(0);
  const queue = [...centres];
  for (const [k, c] of centres.entries()) {
    distance[c] = 0;
    leftmost[c] = k;
  }
  for (const v of queue) {
    const { head } = tree[v] as WordAnalysis;
    for (const u of head > 0 ? [head - 1, ...(dependents[v] as number[])] : (dependents[v] as number[])) {
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
    const { head } = tree[v] as WordAnalysis;
    if (head === 0 || distance[v] === 0) continue;
    const above = cluster[head - 1] as number;
    const step = (distance[head - 1] as number) - (distance[v] as number);
    // The head's noun is as near as any where the way to it leads through the head, or up from below this word.
    if (step === -1 || (step === 1 && isBelow(tree, centres[above] as number, v))) cluster[v] = above;
  }
  return cluster;
}

function isBelow(tree: readonly WordAnalysis[], word: number, ancestor: number): boolean {
  let v = word;
  while (v >= 0 && v !== ancestor) v = (tree[v] as WordAnalysis).head - 1;
  return v === ancestor;
}

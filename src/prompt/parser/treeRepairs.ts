/** What the parser, trained on the treebank's newspapers and letters, gets wrong about pictures, and grammar can tell. */
import type { WordAnalysis } from './dependencyParser.ts';

/** Clothes and parts of bodies: they do nothing ("a woman in a dress *walking*"). */
const WORN = new Set(
  `dress dresses suit suits hat hats cap coat coats shirt shirts t-shirt jacket jackets sweater hoodie spacesuit armor armour uniform
  costume clothes clothing gown robe robes raincoat kimono skirt jeans pants shorts helmet scarf outfit tuxedo cape cloak boots
  shoes glasses sunglasses goggles gloves vest apron bikini swimsuit kilt turban veil crown mask bowtie tie belt
  hair beard mustache moustache eyes eye face skin wings horns tail ears nose teeth legs arms hands freckles`.split(
    /\s+/,
  ),
);
const NOMINAL = new Set([
  'obj',
  'obl',
  'nmod',
  'nsubj',
  'conj',
  'root',
  'appos',
  'nsubj:pass',
  'iobj',
  'obl:unmarked',
  'nmod:unmarked',
]);

/**
 * Repairs a tree; changes `heads` (0-based, -1 the root) and `deprels`.
 *
 * - Two bare nouns side by side, one under the other or both under one head, are one noun: "wearing a straw hat".
 * - A participle on clothes or hair belongs to who has them: "a woman in a long dress walking on the beach".
 */
export function repairTree(
  words: readonly string[],
  tree: readonly WordAnalysis[],
  { heads, deprels }: { readonly heads: Int32Array; readonly deprels: string[] },
): void {
  const isNoun = (i: number): boolean =>
    tree[i]?.upos === 'NOUN' || (tree[i]?.upos === 'PROPN' && /^\p{Ll}/u.test(words[i] as string));
  const isCase = (i: number): boolean => deprels[i] === 'case';
  for (let i = 0; i + 1 < words.length; i++) {
    const next = i + 1;
    if (!isNoun(i) || !isNoun(next) || !NOMINAL.has(deprels[i] as string) || !NOMINAL.has(deprels[next] as string))
      continue;
    // What stands before the second noun belongs to both: nothing does where they are one.
    if (heads.some((head, v) => head === next && v !== i && (v < i || isCase(v)))) continue;
    if (heads[next] === i || (heads[next] === heads[i] && heads[i] !== -1)) {
      if (heads[next] === i) heads[next] = heads[i] as number;
      deprels[next] = deprels[i] as string;
    } else if (heads[i] !== next) continue;
    for (let v = 0; v < words.length; v++) if (heads[v] === i && v !== next) heads[v] = next;
    heads[i] = next;
    deprels[i] = 'compound';
  }
  for (let i = 1; i < words.length; i++) {
    const worn = heads[i] as number;
    if (deprels[i] !== 'acl' || worn < 0 || worn > i || !/ing$/i.test(words[i] as string)) continue;
    const text = worn > 1 && words[worn - 1] === '-' ? `${words[worn - 2]}-${words[worn]}` : (words[worn] as string);
    const wearer = heads[worn] as number;
    if (
      WORN.has(text.toLowerCase()) &&
      deprels[worn] === 'nmod' &&
      wearer >= 0 &&
      wearer < worn &&
      /^(?:NOUN|PROPN)$/.test(tree[wearer]?.upos ?? '')
    ) {
      heads[i] = wearer;
    }
  }
}

import type { RuledTree } from './treeRules.ts';

const set = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/));
const ABSENCE = set('without w/o minus sans except excluding lacking instead');
const NO = set('no neither zero nor');
const NOT = set("not n't never n’t hardly");
/** Verbs that say something is absent. */
const LACK = set('lacks lack lacking missing excluding excludes');
const OBJECTS = set('obj nsubj nsubj:pass');
/** What a thing to be absent would bring along with it ("without a statue *of a horse*"), rather than where it is missing. */
const PART_OF = set('of with for from like');
const ASIDE = set('but yet instead');

/**
 * Nouns asked to be absent [ours]: with "without", "no", "neither"; objects of a negated verb ("not wearing a hat"); what
 * is said beside them ("without a hat *or gloves*") unless "but" turns it; and what they would bring along. A negated
 * adjective ("a cat that is not black") negates no noun: it describes.
 */
export function negatedCentres(words: readonly string[], { heads, deprels, isCentre }: RuledTree): ReadonlySet<number> {
  const lower = words.map((word) => word.toLowerCase());
  const children: number[][] = words.map(() => []);
  for (const [i, head] of heads.entries()) if (head >= 0) children[head]?.push(i);
  const has = (i: number, among: ReadonlySet<string>): boolean =>
    (children[i] as number[]).some((c) => among.has(lower[c] as string) && !isCentre[c]);
  const negated = new Set<number>();
  const open: number[] = [];
  const add = (i: number): void => {
    if (isCentre[i] && !negated.has(i)) {
      negated.add(i);
      open.push(i);
    }
  };
  for (let i = 0; i < words.length; i++) {
    if (isCentre[i]) {
      if (has(i, ABSENCE) || has(i, NO) || (has(i, NOT) && !has(i, COPULA))) add(i);
    } else if (has(i, NOT) || LACK.has(lower[i] as string)) {
      for (const c of children[i] as number[]) {
        const deprel = deprels[c] as string;
        const subject = deprel.startsWith('nsubj');
        // "there are not any cars": the noun after "there" is what is denied, otherwise only what follows the verb.
        if (OBJECTS.has(deprel) && c > i && (!subject || has(i, THERE))) add(c);
      }
    }
  }
  for (const i of open) {
    for (const c of children[i] as number[]) {
      const deprel = deprels[c] as string;
      if (deprel === 'conj' && !has(c, ASIDE)) add(c);
      else if (deprel === 'nmod' && has(c, PART_OF)) add(c);
    }
  }
  return negated;
}

const COPULA = set("is are was were be 's");
const THERE = set('there');

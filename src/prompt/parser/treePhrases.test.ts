import { describe, expect, it } from 'vitest';
import type { WordAnalysis } from './dependencyParser.ts';
import { treePhrases } from './treePhrases.ts';

/** "red:ADJ:2:amod" … */
function tree(text: string): { words: string[]; analyses: WordAnalysis[] } {
  const rows = text.split(' ').map((w) => w.split('/'));
  return {
    words: rows.map((r) => r[0] as string),
    analyses: rows.map(([, upos, head, deprel]) => ({
      upos: upos as string,
      head: Number(head),
      deprel: deprel as string,
    })),
  };
}

function read(text: string): [string, number | null][] {
  const { words, analyses } = tree(text);
  return treePhrases(words, analyses).map((p) => [p.words.map((i) => words[i]).join(' '), p.ancestor]);
}

describe('treePhrases', () => {
  it('joins words to their noun and finds the ancestor through the head', () => {
    expect(read('a/DET/3/det red/ADJ/3/amod bird/NOUN/0/root on/ADP/6/case a/DET/6/det roof/NOUN/3/nmod')).toEqual([
      ['red bird', null],
      ['roof', 0],
    ]);
  });

  it('keeps a compound as one noun', () => {
    expect(read('a/DET/3/det flower/NOUN/3/compound pot/NOUN/0/root')).toEqual([['flower pot', null]]);
  });

  it('gives a tie to the left noun when the head is no noun', () => {
    expect(read('cats/NOUN/2/nsubj chase/VERB/0/root mice/NOUN/2/obj ./PUNCT/2/punct')).toEqual([
      ['cats chase', null],
      ['mice', 0],
    ]);
  });

  it('has no phrase without a noun', () => {
    expect(treePhrases([], [])).toEqual([]);
    expect(read('very/ADV/2/advmod red/ADJ/0/root')).toEqual([]);
  });

  it('joins each word to a nearest noun, ties by the rule, on random trees', () => {
    let seed = 11;
    const random = (n: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * n);
    };
    for (let round = 0; round < 300; round++) {
      const n = 2 + random(10);
      const heads = Array.from({ length: n }, (_, i) => (i === 0 ? 0 : 1 + random(i)));
      const turn = random(n); // so that heads stand on both sides
      const at = (i: number): number => (i + turn) % n;
      const analyses: WordAnalysis[] = Array.from({ length: n });
      for (const [i, h] of heads.entries()) {
        analyses[at(i)] = { upos: random(3) === 0 ? 'NOUN' : 'VERB', head: h === 0 ? 0 : at(h - 1) + 1, deprel: 'dep' };
      }
      const phrases = treePhrases(
        analyses.map(() => 'run'),
        analyses,
      );
      if (phrases.length === 0) continue;
      const path = (v: number): number[] => (v < 0 ? [] : [v, ...path((analyses[v] as WordAnalysis).head - 1)]);
      const steps = (a: number, b: number): number => {
        const [p, q] = [path(a), path(b)];
        const meet = p.find((v) => q.includes(v)) as number;
        return p.indexOf(meet) + q.indexOf(meet);
      };
      const nounOf = (w: number): number => phrases.find((p) => p.words.includes(w))?.noun as number;
      for (let w = 0; w < n; w++) {
        const least = Math.min(...phrases.map((p) => steps(w, p.noun)));
        const nearest = phrases.map((p) => p.noun).filter((noun) => steps(w, noun) === least);
        const head = (analyses[w] as WordAnalysis).head - 1;
        const above = head < 0 ? -1 : nounOf(head);
        expect(nounOf(w)).toBe(nearest.includes(above) ? above : nearest[0]);
      }
    }
  });

  it('reads a sentence of 10,000 words', () => {
    const one: WordAnalysis[] = Array.from({ length: 10000 }, (_, i) => ({
      upos: i % 3 === 0 ? 'NOUN' : 'ADJ',
      head: i,
      deprel: i === 0 ? 'root' : 'dep',
    }));
    const start = process.cpuUsage();
    expect(
      treePhrases(
        one.map(() => 'word'),
        one,
      ),
    ).toHaveLength(3334);
    expect(process.cpuUsage(start).user / 1e6).toBeLessThan(2);
  });
});

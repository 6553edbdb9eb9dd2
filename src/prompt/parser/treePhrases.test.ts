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
  return treePhrases(analyses).map((p) => [p.words.map((i) => words[i]).join(' '), p.ancestor]);
}

describe('treePhrases', () => {
  it('joins words to their noun and finds the ancestor through the head', () => {
    expect(read('a/DET/3/det red/ADJ/3/amod bird/NOUN/0/root on/ADP/6/case a/DET/6/det roof/NOUN/3/nmod')).toEqual([
      ['a red bird', null],
      ['on a roof', 0],
    ]);
  });

  it('keeps a compound as one noun', () => {
    expect(read('a/DET/3/det flower/NOUN/3/compound pot/NOUN/0/root')).toEqual([['a flower pot', null]]);
  });

  it('gives a tie to the left noun when the head is no noun', () => {
    expect(read('cats/NOUN/2/nsubj chase/VERB/0/root mice/NOUN/2/obj ./PUNCT/2/punct')).toEqual([
      ['cats chase', null],
      ['mice', 0],
    ]);
  });

  it('has no phrase without a noun', () => {
    expect(treePhrases([])).toEqual([]);
    expect(read('very/ADV/2/advmod red/ADJ/0/root')).toEqual([]);
  });
});

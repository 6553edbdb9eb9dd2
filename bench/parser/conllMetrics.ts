import type { Sentence } from './conllu.ts';

/** Per cent, as the CoNLL 2018 shared task defines them; with gold tokens they are accuracies. */
export interface ConllScores {
  readonly words: number;
  readonly sentences: number;
  readonly upos: number;
  readonly uas: number;
  /** Relations without their subtypes, as CoNLL 2018 scores them. */
  readonly las: number;
  /** Relations with their subtypes. */
  readonly lasFull: number;
}

interface Placed {
  readonly upos: string;
  readonly deprel: string;
  /** Characters of the whole text, white space left out, as "start:end"; the head's likewise, "root" for none. */
  readonly span: string;
  readonly head: string;
}

/**
 * F1 of predicted against gold (CoNLL 2018, conll18_ud_eval.py): words are aligned by the characters they cover, white
 * space left out. EWT writes every multiword token as the concatenation of its words, so spans align words exactly.
 */
export function conllScores(gold: readonly Sentence[], predicted: readonly Sentence[]): ConllScores {
  const g = place(gold);
  const p = place(predicted);
  const found = new Map(p.words.map((w) => [w.span, w]));
  let words = 0;
  let upos = 0;
  let uas = 0;
  let las = 0;
  let lasFull = 0;
  for (const w of g.words) {
    const other = found.get(w.span);
    if (other === undefined) continue;
    words++;
    if (w.upos === other.upos) upos++;
    if (w.head !== other.head) continue;
    uas++;
    if (w.deprel === other.deprel) lasFull++;
    if (universal(w.deprel) === universal(other.deprel)) las++;
  }
  const f1 = (right: number): number => (200 * right) / (g.words.length + p.words.length);
  const ends = new Set(p.sentences);
  const sentences = (200 * g.sentences.filter((s) => ends.has(s)).length) / (gold.length + predicted.length);
  return { words: f1(words), sentences, upos: f1(upos), uas: f1(uas), las: f1(las), lasFull: f1(lasFull) };
}

function universal(deprel: string): string {
  return deprel.split(':')[0] as string;
}

function place(all: readonly Sentence[]): { words: Placed[]; sentences: string[] } {
  const words: Placed[] = [];
  const sentences: string[] = [];
  let at = 0;
  for (const s of all) {
    const first = at;
    const spans = s.words.map((word) => {
      const start = at;
      at += word.replace(/\s/g, '').length;
      return `${start}:${at}`;
    });
    sentences.push(`${first}:${at}`);
    for (const [i, span] of spans.entries()) {
      const head = s.heads[i] as number;
      const to = head === 0 ? 'root' : (spans[head - 1] as string);
      words.push({ upos: s.upos[i] as string, deprel: s.deprels[i] as string, span, head: to });
    }
  }
  return { words, sentences };
}

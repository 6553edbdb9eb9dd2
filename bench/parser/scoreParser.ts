import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { DependencyParser, type WordAnalysis } from '../../src/prompt/parser/dependencyParser.ts';
import { treePhrases } from '../../src/prompt/parser/treePhrases.ts';
import { tokenizeUd } from '../../src/prompt/parser/udTokenizer.ts';
import { conllScores } from './conllMetrics.ts';
import { readTreebank, type Sentence } from './conllu.ts';

const PROMPT_77 =
  'A highly detailed oil painting of a young woman with long red hair, wearing a flowing emerald dress and a silver crown, standing on a stone bridge over a quiet river at sunset, with two white swans swimming below her and a small wooden boat tied to an old willow tree, snowy mountains and a ruined castle in the distance, dramatic clouds, warm golden light, soft shadows, and a black cat sleeping on the';

/** Scores the parser on one part of EWT, its speed and its size; prints a table. */
export function scoreParser({ weights, treebank, part }: { weights: string; treebank: string; part: string }): void {
  const bytes = readFileSync(weights);
  const loads = Array.from({ length: 5 }, () => timed(() => new DependencyParser(bytes)));
  const parser = new DependencyParser(bytes);
  const { sentences, text } = readTreebank(`${treebank}/${part}.conllu.gz`);
  const analyse = (words: readonly string[]): Sentence => {
    const tree = parser.parse(words);
    return { words, upos: tree.map((w) => w.upos), heads: tree.map((w) => w.head), deprels: tree.map((w) => w.deprel) };
  };
  const parsed = sentences.map((s) => analyse(s.words));
  print(`EWT ${part}, gold tokens`, conllScores(sentences, parsed));
  print('phrases against gold trees', phraseScores(sentences, parsed));
  print(`EWT ${part}, raw text`, conllScores(sentences, split(text).map(analyse)));
  for (const share of MENDED) {
    const mended = sentences.map((s, i) => mend(parsed[i] as Sentence, { gold: s, share, random: seeded(i + 1) }));
    const { uas, las } = conllScores(sentences, mended);
    print(`with ${100 * share} % of the wrong words mended`, { uas, las, ...phraseScores(sentences, mended) });
  }
  const words = tokenizeUd(PROMPT_77).map((t) => t.text);
  const times = Array.from({ length: 40 }, () => timed(() => parser.parse(words))).sort((a, b) => a - b);
  console.log(`${words.length} tokens parsed in ${ms(times[20])} (median), ${ms(times[0])} (best)`);
  console.log(
    `loaded in ${ms(loads.sort((a, b) => a - b)[2])}; ${(gzipSync(bytes, { level: 9 }).length / 1e6).toFixed(2)} MB gzipped`,
  );
}

/** Shares of the parser's wrong words put right, to see what better parsers would be worth: phrases need nearly all heads. */
const MENDED = [0.16, 0.4, 0.6, 0.8];

/** A predicted tree in which a share of the words has the gold head, relation and class; the gold tree where that makes no tree. */
function mend(
  predicted: Sentence,
  { gold, share, random }: { gold: Sentence; share: number; random: () => number },
): Sentence {
  const upos = [...predicted.upos];
  const heads = [...predicted.heads];
  const deprels = [...predicted.deprels];
  const take = (i: number): void => {
    upos[i] = gold.upos[i] as string;
    heads[i] = gold.heads[i] as number;
    deprels[i] = gold.deprels[i] as string;
  };
  for (const i of heads.keys()) if (random() < share) take(i);
  for (let rounds = 0, cycle = cycleIn(heads); cycle.length > 0; cycle = cycleIn(heads)) {
    if (++rounds > heads.length) return gold;
    cycle.forEach(take);
  }
  return { words: gold.words, upos, heads, deprels };
}

/** Indices of words whose heads lead in a circle, none where the heads make a tree. */
function cycleIn(heads: readonly number[]): number[] {
  for (const start of heads.keys()) {
    const path: number[] = [];
    for (let v = start; v >= 0; v = (heads[v] as number) - 1) {
      if (path.includes(v)) return path.slice(path.indexOf(v));
      path.push(v);
    }
  }
  return [];
}

/** Numbers in 0..1 from a seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Classes of words that name something to see. */
const VISIBLE = new Set(['NOUN', 'PROPN', 'ADJ', 'NUM', 'SYM', 'X']);

/**
 * Phrases and ancestors of the predicted trees against those of the gold trees. `phrase`: F1 of phrases whose noun and
 * words are all right; `visible`: the same, but only of words that name something to see (nouns, names, adjectives, numbers);
 * `membership`: F1 of (word, its noun) pairs; `ancestor`: of nouns found, those whose ancestor's noun is right.
 */
function phraseScores(gold: readonly Sentence[], predicted: readonly Sentence[]): Record<string, number> {
  const counts = {
    gold: 0,
    predicted: 0,
    exact: 0,
    visible: 0,
    goldPairs: 0,
    pairs: 0,
    rightPairs: 0,
    nouns: 0,
    ancestors: 0,
  };
  for (const [i, s] of gold.entries()) {
    const g = treePhrases(s.words, analyses(s));
    const p = treePhrases(s.words, analyses(predicted[i] as Sentence));
    const key = (x: (typeof g)[number]): string => `${x.noun}:${x.words}`;
    const exact = new Set(p.map(key));
    // The gold class decides on both sides, so that a wrong class alone changes nothing.
    const toSee = ({ noun, words }: (typeof g)[number]): string =>
      `${noun}:${words.filter((w) => w === noun || VISIBLE.has(s.upos[w] as string))}`;
    const visible = new Set(p.map(toSee));
    const pairs = new Set(p.flatMap((x) => x.words.map((w) => `${w}-${x.noun}`)));
    counts.gold += g.length;
    counts.predicted += p.length;
    counts.exact += g.filter((x) => exact.has(key(x))).length;
    counts.visible += g.filter((x) => visible.has(toSee(x))).length;
    counts.goldPairs += g.reduce((n, x) => n + x.words.length, 0);
    counts.pairs += pairs.size;
    counts.rightPairs += g.flatMap((x) => x.words.map((w) => `${w}-${x.noun}`)).filter((k) => pairs.has(k)).length;
    const above = (all: typeof g, x: (typeof g)[number]): number =>
      x.ancestor === null ? -1 : (all[x.ancestor]?.noun ?? -1);
    for (const x of g) {
      const same = p.find((y) => y.noun === x.noun);
      if (same === undefined) continue;
      counts.nouns++;
      if (above(g, x) === above(p, same)) counts.ancestors++;
    }
  }
  return {
    phrase: (200 * counts.exact) / (counts.gold + counts.predicted),
    visible: (200 * counts.visible) / (counts.gold + counts.predicted),
    membership: (200 * counts.rightPairs) / (counts.goldPairs + counts.pairs),
    noun: (200 * counts.nouns) / (counts.gold + counts.predicted),
    ancestor: (100 * counts.ancestors) / counts.nouns,
  };
}

function analyses(s: Sentence): WordAnalysis[] {
  return s.words.map((_, i) => ({
    upos: s.upos[i] as string,
    head: s.heads[i] as number,
    deprel: s.deprels[i] as string,
  }));
}

function split(text: string): string[][] {
  const sentences: string[][] = [];
  for (const token of tokenizeUd(text)) {
    if (token.sentenceStart) sentences.push([]);
    sentences.at(-1)?.push(token.text);
  }
  return sentences;
}

function timed(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

function ms(value: number | undefined): string {
  return `${(value ?? Number.NaN).toFixed(1)} ms`;
}

function print(title: string, s: object): void {
  console.log(
    title,
    Object.entries(s)
      .map(([k, v]) => `${k} ${(v as number).toFixed(2)}`)
      .join('  '),
  );
}

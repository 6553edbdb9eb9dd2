import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { DependencyParser } from '../../src/prompt/parser/dependencyParser.ts';
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
  print(`EWT ${part}, gold tokens`, conllScores(sentences, sentences.map((s) => analyse(s.words))));
  print(`EWT ${part}, raw text`, conllScores(sentences, split(text).map(analyse)));
  const words = tokenizeUd(PROMPT_77).map((t) => t.text);
  const times = Array.from({ length: 40 }, () => timed(() => parser.parse(words))).sort((a, b) => a - b);
  console.log(`${words.length} tokens parsed in ${ms(times[20])} (median), ${ms(times[0])} (best)`);
  console.log(`loaded in ${ms(loads.sort((a, b) => a - b)[2])}; ${(gzipSync(bytes, { level: 9 }).length / 1e6).toFixed(2)} MB gzipped`);
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
  console.log(title, Object.entries(s).map(([k, v]) => `${k} ${(v as number).toFixed(2)}`).join('  '));
}

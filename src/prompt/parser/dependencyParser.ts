import { bidirectionalLstm, type LstmWeights } from './bidirectionalLstm.ts';
import { linear } from './linearAlgebra.ts';
import { type ParserWeights, type QuantisedTensor, readParserWeights, widen } from './parserWeights.ts';
import { bestTree } from './spanningTree.ts';
import { affixRows, piecesOf, shapeOf, type WordFeatures } from './subword.ts';

/** Universal Dependencies analysis of one word. */
export interface WordAnalysis {
  /** Universal part of speech: NOUN, PROPN, ADJ… */
  readonly upos: string;
  /** 1-based index of the head in the sentence, 0 for the root. */
  readonly head: number;
  /** Relation to the head with its English subtype: `amod`, `nmod:poss`… */
  readonly deprel: string;
}

/** The network's raw scores for one sentence, for tests against PyTorch. */
export interface SentenceScores {
  /** `[n, 17]` */
  readonly upos: Float32Array;
  /** `[n, n+1]`, column 0 the root. */
  readonly arcs: Float32Array;
  /** Scores `[deprels]` of word `dep` (0-based) under `head` (0 root, else 1-based). */
  readonly labels: (dep: number, head: number) => Float32Array;
}

/** Longest stretch parsed as one sentence; longer ones are cut, so that time stays linear. */
export const LONGEST_SENTENCE = 128;
const ROOT_SHAPE = 7;

/**
 * The dependency parser: word pieces, affixes and letter case → two bidirectional LSTM layers → tags, biaffine arcs
 * (Dozat & Manning 2017), low-rank labels, best single-rooted tree. Trained by training/parser on UD English EWT.
 */
export class DependencyParser {
  private readonly weights: ParserWeights;
  private readonly dense = new Map<string, Float32Array>();
  private readonly wordWidth: number;
  private readonly affixWidth: number;
  private readonly shapeWidth: number;

  /** @param bytes the weights file; @throws TypeError when it is not one */
  constructor(bytes: Uint8Array) {
    this.weights = readParserWeights(bytes);
    this.wordWidth = this.weights.tensor('pieces').columns;
    this.affixWidth = this.weights.tensor('affixes').columns;
    this.shapeWidth = this.weights.tensor('shapes').columns;
    for (const layer of ['lstm1', 'lstm2']) {
      for (const way of ['forwards', 'backwards']) {
        for (const part of ['input', 'recurrent', 'bias']) this.load(`${layer}.${way}.${part}`);
      }
    }
    for (const name of ['upos', 'mlp', 'arc', 'labels']) {
      this.load(`${name}.weight`);
      this.load(`${name}.bias`);
    }
    this.load('distance');
  }

  /** Tags and tree of one sentence of syntactic words (`do`, `n't`). Stretches beyond 128 words hang together by their roots. */
  parse(words: readonly string[]): WordAnalysis[] {
    const out: WordAnalysis[] = [];
    for (let start = 0; start < words.length; start += LONGEST_SENTENCE) {
      const part = this.parseShort(words.slice(start, start + LONGEST_SENTENCE));
      const firstRoot = start === 0 ? -1 : out.findIndex((w) => w.head === 0);
      for (const w of part) {
        if (w.head > 0) out.push({ ...w, head: w.head + start });
        else out.push(firstRoot < 0 ? w : { ...w, head: firstRoot + 1, deprel: 'parataxis' });
      }
    }
    return out;
  }

  /** What the network reads of a word. */
  features(word: string): WordFeatures {
    const { vocabulary, affixes, affixRows: rows } = this.weights;
    return { pieces: piecesOf(word, vocabulary), affixes: affixRows(word, affixes, rows), shape: shapeOf(word) };
  }

  /** The network alone, before the tree is chosen. */
  score(words: readonly string[]): SentenceScores {
    const { hidden, arc, label, reach, upos, deprels } = this.weights;
    const rows = words.length + 1;
    const inputs = this.wordWidth + this.affixWidth + this.shapeWidth;
    const first = bidirectionalLstm(this.read(words), { ...this.layer('lstm1'), rows, inputs, hidden });
    const states = bidirectionalLstm(first, { ...this.layer('lstm2'), rows, inputs: 2 * hidden, hidden });
    const tags = this.apply('upos', states, rows, 2 * hidden, upos.length);
    const width = 2 * arc + 2 * label;
    const mlp = this.apply('mlp', states, rows, 2 * hidden, width);
    for (let i = 0; i < mlp.length; i++) if ((mlp[i] as number) < 0) mlp[i] = (mlp[i] as number) * 0.1;
    const dependents = columns(mlp, rows, width, 0, arc);
    const heads = columns(mlp, rows, width, arc, arc);
    const turned = this.apply('arc', dependents, rows, arc, arc);
    const arcs = linear(turned, heads, { rows, inputs: arc, outputs: rows, out: new Float32Array(rows * rows) });
    const distance = this.get('distance');
    for (let d = 0; d < rows; d++) {
      for (let h = 0; h < rows; h++) {
        const bias = h === 0 ? 2 * reach + 1 : Math.max(-reach, Math.min(reach, h - d)) + reach;
        arcs[d * rows + h] = (arcs[d * rows + h] as number) + (distance[bias] as number);
      }
    }
    const labels = (dep: number, head: number): Float32Array => {
      const x = new Float32Array(3 * label);
      const d = (dep + 1) * width + 2 * arc;
      const h = head * width + 2 * arc + label;
      for (let i = 0; i < label; i++) {
        const a = mlp[d + i] as number;
        const b = mlp[h + i] as number;
        x[i] = a * b;
        x[label + i] = a;
        x[2 * label + i] = b;
      }
      return this.apply('labels', x, 1, 3 * label, deprels.length);
    };
    return { upos: tags.slice(upos.length), arcs: arcs.slice(rows), labels };
  }

  private parseShort(words: readonly string[]): WordAnalysis[] {
    if (words.length === 0) return [];
    const { upos, deprels } = this.weights;
    const scores = this.score(words);
    const root = deprels.indexOf('root');
    return bestTree(scores.arcs, words.length).map((head, dep) => {
      const labels = scores.labels(dep, head);
      labels[root] = head === 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
      const tag = largest(scores.upos.subarray(dep * upos.length, (dep + 1) * upos.length));
      return { upos: upos[tag] as string, head, deprel: deprels[largest(labels)] as string };
    });
  }

  /** Input vectors `[n+1, inputs]`; row 0 is the root. */
  private read(words: readonly string[]): Float32Array {
    const pieces = this.weights.tensor('pieces');
    const affixes = this.weights.tensor('affixes');
    const shapes = this.weights.tensor('shapes');
    const width = this.wordWidth + this.affixWidth + this.shapeWidth;
    const out = new Float32Array((words.length + 1) * width);
    const root = {
      pieces: [this.weights.vocabulary.get('[CLS]') ?? 0],
      affixes: this.weights.affixes.map(() => 0),
      shape: ROOT_SHAPE,
    };
    for (let i = 0; i <= words.length; i++) {
      const f = i === 0 ? root : this.features(words[i - 1] as string);
      addMean(out, i * width, pieces, f.pieces);
      addMean(out, i * width + this.wordWidth, affixes, f.affixes);
      addMean(out, i * width + this.wordWidth + this.affixWidth, shapes, [f.shape]);
    }
    return out;
  }

  private load(name: string): void {
    this.dense.set(name, widen(this.weights.tensor(name)));
  }

  private get(name: string): Float32Array {
    return this.dense.get(name) as Float32Array;
  }

  private layer(name: string): { forwards: LstmWeights; backwards: LstmWeights } {
    const way = (w: string): LstmWeights => ({
      input: this.get(`${name}.${w}.input`),
      recurrent: this.get(`${name}.${w}.recurrent`),
      bias: this.get(`${name}.${w}.bias`),
    });
    return { forwards: way('forwards'), backwards: way('backwards') };
  }

  private apply(name: string, x: Float32Array, rows: number, inputs: number, outputs: number): Float32Array {
    const out = new Float32Array(rows * outputs);
    return linear(x, this.get(`${name}.weight`), { rows, inputs, outputs, bias: this.get(`${name}.bias`), out });
  }
}

function addMean(out: Float32Array, at: number, table: QuantisedTensor, rows: readonly number[]): void {
  for (const row of rows) {
    const scale = (table.scales[row] as number) / rows.length;
    const start = row * table.columns;
    for (let i = 0; i < table.columns; i++) out[at + i] = (out[at + i] as number) + (table.values[start + i] as number) * scale;
  }
}

function columns(x: Float32Array, rows: number, width: number, from: number, count: number): Float32Array {
  const out = new Float32Array(rows * count);
  for (let r = 0; r < rows; r++) out.set(x.subarray(r * width + from, r * width + from + count), r * count);
  return out;
}

function largest(x: Float32Array): number {
  let best = 0;
  for (let i = 1; i < x.length; i++) if ((x[i] as number) > (x[best] as number)) best = i;
  return best;
}

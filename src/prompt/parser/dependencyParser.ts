import { bidirectionalLstm, type LstmWeights } from './bidirectionalLstm.ts';
import { LinearKernel, padded } from './linearKernel.ts';
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
  /** Scores `[n, deprels]` of each word under its head (0 root, else 1-based). */
  readonly labels: (heads: readonly number[]) => Float32Array;
}

/** Longest stretch parsed as one sentence; longer ones are cut, so that time stays linear. */
export const LONGEST_SENTENCE = 128;
const ROOT_SHAPE = 7;
const MOST_SEEN = 5000;
const DENSE = [
  ...['lstm1', 'lstm2'].flatMap((l) =>
    ['forwards', 'backwards'].flatMap((w) => [`${l}.${w}.input`, `${l}.${w}.recurrent`, `${l}.${w}.bias`]),
  ),
  ...['upos', 'mlp', 'arc', 'labels'].flatMap((l) => [`${l}.weight`, `${l}.bias`]),
  'distance',
];

/**
 * The dependency parser: word pieces, affixes and letter case → two bidirectional LSTM layers → tags, biaffine arcs
 * (Dozat & Manning 2017), low-rank labels, best single-rooted tree. Trained by training/parser on UD English EWT.
 */
export class DependencyParser {
  private readonly weights: ParserWeights;
  private readonly kernel: LinearKernel;
  /** Features of words met before: prompts repeat themselves. */
  private readonly seen = new Map<string, WordFeatures>();
  private readonly dense = new Map<string, Float32Array>();
  private readonly wordWidth: number;
  private readonly affixWidth: number;
  private readonly shapeWidth: number;

  /**
   * @param bytes the weights file
   * @param options `wasm: false` keeps to plain JavaScript, for tests
   * @throws TypeError when the bytes are not such a file
   */
  constructor(bytes: Uint8Array, options: { readonly wasm?: boolean } = {}) {
    this.weights = readParserWeights(bytes);
    this.wordWidth = this.weights.tensor('pieces').columns;
    this.affixWidth = this.weights.tensor('affixes').columns;
    this.shapeWidth = this.weights.tensor('shapes').columns;
    const tensors = DENSE.map((name) => [name, this.weights.tensor(name)] as const);
    const size = tensors.reduce((sum, [, t]) => sum + padded(t.rows) * t.columns + 4, 0);
    this.kernel = new LinearKernel(size + (LONGEST_SENTENCE + 4) * (20 * this.weights.hidden + 2048), options);
    for (const [name, tensor] of tensors) {
      const array = this.kernel.allocate(padded(tensor.rows) * tensor.columns);
      array.set(widen(tensor));
      this.dense.set(name, array);
    }
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
    const known = this.seen.get(word);
    if (known !== undefined) return known;
    const { vocabulary, affixes, affixRows: rows } = this.weights;
    const found = { pieces: piecesOf(word, vocabulary), affixes: affixRows(word, affixes, rows), shape: shapeOf(word) };
    if (this.seen.size > MOST_SEEN) this.seen.clear();
    this.seen.set(word, found);
    return found;
  }

  /** The network alone, before the tree is chosen. At most 128 words. */
  score(words: readonly string[]): SentenceScores {
    if (words.length > LONGEST_SENTENCE)
      throw new RangeError(`score: ${words.length} words, at most ${LONGEST_SENTENCE}`);
    const mark = this.kernel.mark();
    try {
      return this.network(words);
    } finally {
      this.kernel.release(mark);
    }
  }

  private network(words: readonly string[]): SentenceScores {
    const { hidden, arc, label, reach, upos, deprels } = this.weights;
    const { kernel } = this;
    const rows = words.length + 1;
    const inputs = this.wordWidth + this.affixWidth + this.shapeWidth;
    const first = bidirectionalLstm(kernel, this.read(words), { ...this.layer('lstm1'), rows, inputs, hidden });
    const states = bidirectionalLstm(kernel, first, { ...this.layer('lstm2'), rows, inputs: 2 * hidden, hidden });
    const tags = this.apply('upos', states, rows, 2 * hidden, upos.length);
    const width = 2 * arc + 2 * label;
    const mlp = this.apply('mlp', states, rows, 2 * hidden, width).slice();
    for (let i = 0; i < mlp.length; i++) if ((mlp[i] as number) < 0) mlp[i] = (mlp[i] as number) * 0.1;
    const turned = this.apply('arc', this.columns(mlp, rows, width, 0), rows, arc, arc);
    const heads = this.columns(mlp, rows, width, arc);
    const outputs = padded(rows);
    const products = kernel.allocate(rows * outputs);
    kernel.linear(turned, heads, { rows, inputs: arc, outputs, bias: kernel.allocate(outputs), out: products });
    const distance = this.get('distance');
    const arcs = new Float32Array(words.length * rows);
    for (let d = 1; d < rows; d++) {
      for (let h = 0; h < rows; h++) {
        const bias = h === 0 ? 2 * reach + 1 : Math.max(-reach, Math.min(reach, h - d)) + reach;
        arcs[(d - 1) * rows + h] = (products[d * outputs + h] as number) + (distance[bias] as number);
      }
    }
    const labels = (chosen: readonly number[]): Float32Array => {
      const before = kernel.mark();
      const x = kernel.allocate(rows * 3 * label);
      for (const [dep, head] of chosen.entries()) {
        const d = (dep + 1) * width + 2 * arc;
        const h = head * width + 2 * arc + label;
        const y = dep * 3 * label;
        for (let i = 0; i < label; i++) {
          const a = mlp[d + i] as number;
          const b = mlp[h + i] as number;
          x[y + i] = a * b;
          x[y + label + i] = a;
          x[y + 2 * label + i] = b;
        }
      }
      const scores = narrow(
        this.apply('labels', x, chosen.length, 3 * label, deprels.length),
        chosen.length,
        deprels.length,
      );
      kernel.release(before);
      return scores;
    };
    return { upos: narrow(tags, rows, upos.length).slice(upos.length), arcs, labels };
  }

  private parseShort(words: readonly string[]): WordAnalysis[] {
    if (words.length === 0) return [];
    const { upos, deprels } = this.weights;
    const scores = this.score(words);
    const root = deprels.indexOf('root');
    const heads = bestTree(scores.arcs, words.length);
    const all = scores.labels(heads);
    return heads.map((head, dep) => {
      const labels = all.subarray(dep * deprels.length, (dep + 1) * deprels.length);
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
    const out = this.kernel.allocate((words.length + 2) * width);
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

  /** A layer of the weights; rows of the result are `padded(outputs)` wide. */
  private apply(name: string, x: Float32Array, rows: number, inputs: number, outputs: number): Float32Array {
    const out = this.kernel.allocate((rows + 1) * padded(outputs));
    const bias = this.get(`${name}.bias`);
    this.kernel.linear(x, this.get(`${name}.weight`), { rows, inputs, outputs: padded(outputs), bias, out });
    return out;
  }

  /** Columns `[from, from + arc)` of each row, with room for padding. */
  private columns(x: Float32Array, rows: number, width: number, from: number): Float32Array {
    const { arc } = this.weights;
    const out = this.kernel.allocate((padded(rows) + 1) * arc);
    for (let r = 0; r < rows; r++) out.set(x.subarray(r * width + from, r * width + from + arc), r * arc);
    return out;
  }
}

/** Rows of `padded(width)` numbers cut to `width`. */
function narrow(x: Float32Array, rows: number, width: number): Float32Array {
  const out = new Float32Array(rows * width);
  for (let r = 0; r < rows; r++) out.set(x.subarray(r * padded(width), r * padded(width) + width), r * width);
  return out;
}

function addMean(out: Float32Array, at: number, table: QuantisedTensor, rows: readonly number[]): void {
  for (const row of rows) {
    const scale = (table.scales[row] as number) / rows.length;
    const start = row * table.columns;
    for (let i = 0; i < table.columns; i++)
      out[at + i] = (out[at + i] as number) + (table.values[start + i] as number) * scale;
  }
}

function largest(x: Float32Array): number {
  let best = 0;
  for (let i = 1; i < x.length; i++) if ((x[i] as number) > (x[best] as number)) best = i;
  return best;
}

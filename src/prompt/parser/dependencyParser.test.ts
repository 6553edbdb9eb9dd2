import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DependencyParser } from './dependencyParser.ts';
import { LinearKernel } from './linearKernel.ts';

const weights = new Uint8Array(readFileSync(new URL('../../../public/parser/english-ewt.bin', import.meta.url)));
/** Written by training/parser/export_student.py from the dequantised PyTorch model. */
const goldens: {
  words: string[];
  features: object[];
  upos: number[];
  arcs: number[];
  heads: number[];
  labels: number[];
}[] = JSON.parse(readFileSync(new URL('./fixtures/goldens.json', import.meta.url), 'utf8'));
const parser = new DependencyParser(weights);
const plain = new DependencyParser(weights, { wasm: false });

/** float32 sums in another order, and goldens rounded to 1e-5. */
const TOLERANCE = 1e-4;

function furthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs((a[i] as number) - (b[i] as number)));
  return most;
}

describe('DependencyParser', () => {
  for (const golden of goldens) {
    it(`scores "${golden.words.join(' ')}" as PyTorch does`, () => {
      expect(golden.words.map((w) => parser.features(w))).toEqual(golden.features);
      for (const scores of [parser.score(golden.words), plain.score(golden.words)]) {
        expect(furthest(scores.upos, golden.upos)).toBeLessThan(TOLERANCE);
        expect(furthest(scores.arcs, golden.arcs)).toBeLessThan(TOLERANCE);
        expect(furthest(scores.labels(golden.heads), golden.labels)).toBeLessThan(TOLERANCE);
      }
    });
  }

  it('finds the tree of a simple prompt', () => {
    const tree = parser.parse(['a', 'red', 'bird', 'on', 'a', 'wooden', 'table']);
    expect(tree.map((w) => w.head)).toEqual([3, 3, 0, 7, 7, 7, 3]);
    expect(tree.map((w) => w.deprel)).toEqual(['det', 'amod', 'root', 'case', 'det', 'amod', 'nmod']);
    expect(tree.map((w) => w.upos)).toEqual(['DET', 'ADJ', 'NOUN', 'ADP', 'DET', 'ADJ', 'NOUN']);
  });

  it('gives one root and no cycle for any number of words', () => {
    expect(parser.parse([])).toEqual([]);
    for (const n of [1, 2, 127, 128, 129, 400]) {
      const tree = parser.parse(
        Array.from({ length: n }, (_, i) => ['cat', '😀', '\ud800', 'and', ''][i % 5] as string),
      );
      expect(tree.filter((w) => w.head === 0)).toHaveLength(1);
      for (let i = 0; i < n; i++) {
        let v = i + 1;
        for (let steps = 0; v > 0; steps++) {
          expect(steps).toBeLessThan(n);
          v = (tree[v - 1] as { head: number }).head;
        }
      }
    }
  });

  it('refuses what is not its weights file', () => {
    expect(() => new DependencyParser(new Uint8Array(4))).toThrow(TypeError);
    expect(() => new DependencyParser(weights.slice(0, 4000))).toThrow(/ends inside/);
    expect(() => new DependencyParser(weights.slice(0, weights.length - 8))).toThrow(/ends inside/);
  });
});

describe('LinearKernel', () => {
  it('runs in WebAssembly here, and in JavaScript when told to', () => {
    expect(new LinearKernel(16).accelerated).toBe(true);
    expect(new LinearKernel(16, { wasm: false }).accelerated).toBe(false);
  });
});

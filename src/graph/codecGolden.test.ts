import { readFile } from 'node:fs/promises';
import * as ort from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import { type Comparison, isWithinBounds } from '../../e2e/clip/clipComparison.ts';
import { wasmSession } from '../../e2e/clip/wasmSession.ts';
import {
  AUTOENCODERS,
  type CodecOptions,
  compareAutoencoder,
  compareTextEncoder,
  TEXT_ENCODERS,
  type TinyAutoencoder,
  type TinyTextEncoder,
} from '../../e2e/codecs/codecComparison.ts';
import type { Precision } from './weights.ts';

ort.env.wasm.numThreads = 1;

const options = (precision: Precision): CodecOptions => ({
  precision,
  provider: 'wasm',
  readFixture: (path) => readFile(new URL(`../../reference/fixtures/${path}`, import.meta.url)),
  createSession: wasmSession,
});

function expectWithinBounds(comparisons: readonly Comparison[], precision: Precision): void {
  if (process.env.VERBOSE) console.table(comparisons);
  expect(comparisons.filter((comparison) => !isWithinBounds(comparison, precision))).toEqual([]);
}

const PRECISIONS: readonly Precision[] = ['fp32', 'fp16', 'q8', 'q4'];

describe.each(Object.keys(TEXT_ENCODERS) as TinyTextEncoder[])('%s against transformers, on wasm', (name) => {
  it.each(PRECISIONS)('%s', async (precision) => {
    expectWithinBounds(await compareTextEncoder(name, options(precision)), precision);
  });
});

describe.each(Object.keys(AUTOENCODERS) as TinyAutoencoder[])('%s/vae against diffusers, on wasm', (name) => {
  // Nothing of an autoencoder is quantised: q8 and q4 are fp16.
  it.each(PRECISIONS.slice(0, 2))('%s', async (precision) => {
    expectWithinBounds(await compareAutoencoder(name, options(precision)), precision);
  });
});

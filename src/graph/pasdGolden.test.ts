import { readFile } from 'node:fs/promises';
import * as ort from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import { type Comparison, isWithinBounds } from '../../e2e/clip/clipComparison.ts';
import { wasmSession } from '../../e2e/clip/wasmSession.ts';
import {
  compareConditionEmbedding,
  compareControlNet,
  comparePasd,
  comparePixelAttention,
  type PasdComparisonOptions,
} from '../../e2e/pasd/pasdComparison.ts';
import type { Precision } from './weights.ts';

const readFixture = (path: string) => readFile(new URL(`../../reference/fixtures/${path}`, import.meta.url));

ort.env.wasm.numThreads = 1;

const onWasm = (precision: Precision, batch: 1 | 2 = 2): PasdComparisonOptions => ({
  provider: 'wasm',
  precision,
  batch,
  readFixture,
  createSession: wasmSession,
});

function expectEqual(comparisons: readonly Comparison[], precision: Precision): void {
  if (process.env.VERBOSE) console.table(comparisons);
  expect(comparisons.length).toBeGreaterThan(0);
  expect(comparisons.filter((comparison) => !isWithinBounds(comparison, precision))).toEqual([]);
}

describe.each<Precision>(['fp32', 'fp16', 'q8', 'q4'])('in %s on wasm', (precision) => {
  it('a ControlNet gives diffusers’ residuals', { timeout: 60_000 }, async () => {
    expectEqual(await compareControlNet('controlnet-sd-tiny', onWasm(precision)), precision);
    expectEqual(await compareControlNet('pasd-tiny', onWasm(precision)), precision);
  });

  it('PASD predicts what the reference predicts', { timeout: 60_000 }, async () => {
    expectEqual(await comparePasd(onWasm(precision)), precision);
  });

  it('every pixel attention gives what the reference’s gives', { timeout: 60_000 }, async () => {
    expectEqual(await comparePixelAttention(onWasm(precision)), precision);
  });

  it('the condition is embedded as in the reference, with dense blocks too', { timeout: 60_000 }, async () => {
    for (const variant of ['pasd-tiny', 'rrdb'] as const) {
      expectEqual(await compareConditionEmbedding(variant, onWasm(precision)), precision);
    }
  });
});

describe('of ControlNet and PASD', () => {
  it('a single text gives what it gives beside another', { timeout: 60_000 }, async () => {
    expectEqual(await compareControlNet('controlnet-sd-tiny', onWasm('fp32', 1)), 'fp32');
    expectEqual(await comparePasd(onWasm('fp32', 1)), 'fp32');
  });

  it('weights trained on BGR take RGB', { timeout: 60_000 }, async () => {
    expectEqual(await compareConditionEmbedding('bgr', onWasm('fp32')), 'fp32');
  });
});

import { readFile } from 'node:fs/promises';
import * as ort from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import { isWithinBounds } from '../../e2e/clip/clipComparison.ts';
import { wasmSession } from '../../e2e/clip/wasmSession.ts';
import { compareUnet, TINY_UNETS } from '../../e2e/unet/unetComparison.ts';
import type { Precision } from './weights.ts';

const readFixture = (path: string) => readFile(new URL(`../../reference/fixtures/${path}`, import.meta.url));

ort.env.wasm.numThreads = 1;

describe('compiled UNets against diffusers, on wasm', () => {
  for (const name of TINY_UNETS) {
    it.each<Precision>(['fp32', 'fp16', 'q8', 'q4'])(`${name} %s`, { timeout: 60_000 }, async (precision) => {
      const comparisons = await compareUnet(name, {
        provider: 'wasm',
        precision,
        readFixture,
        createSession: wasmSession,
        blocks: true,
      });
      if (process.env.VERBOSE) console.table(comparisons);
      expect(comparisons.filter((comparison) => !isWithinBounds(comparison, precision))).toEqual([]);
    });
  }
});

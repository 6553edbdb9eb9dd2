import { readFile } from 'node:fs/promises';
import * as ort from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import { compareClip, isWithinBounds, TINY_CHECKPOINTS, type TinyCheckpoint } from '../../e2e/clip/clipComparison.ts';
import { wasmSession } from '../../e2e/clip/wasmSession.ts';
import type { Precision } from './weights.ts';

const readFixture = (path: string) => readFile(new URL(`../../reference/fixtures/${path}`, import.meta.url));

ort.env.wasm.numThreads = 1;

describe('compiled CLIP against transformers and the CLIP Surgery reference, on wasm', () => {
  for (const checkpoint of Object.keys(TINY_CHECKPOINTS) as TinyCheckpoint[]) {
    it.each<Precision>(['fp32', 'fp16', 'q8', 'q4'])(`${checkpoint} %s`, { timeout: 300_000 }, async (precision) => {
      const imageSizes = precision === 'fp32' ? [224, 336, 448, 512] : [224, 448];
      const comparisons = await compareClip(checkpoint, {
        precision,
        readFixture,
        createSession: wasmSession,
        imageSizes,
      });
      if (process.env.VERBOSE) console.table(comparisons);
      expect(comparisons.filter((comparison) => !isWithinBounds(comparison, precision))).toEqual([]);
    });
  }
});

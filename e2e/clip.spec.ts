import type { Page } from '@playwright/test';
import type { Precision } from '../src/graph/weights.ts';
import type { Tier } from '../src/runtime/status.ts';
import { expect, needsF16, testOnKeptPage as test } from './browser/fixtures.ts';
import { type Comparison, isWithinBounds, TINY_CHECKPOINTS, type TinyCheckpoint } from './clip/clipComparison.ts';
import type { ClipTests } from './clip/page.ts';

/** The precisions each tier is for. */
const PRECISIONS = {
  wasm: ['fp32', 'fp16', 'q8', 'q4'],
  'webgpu-fp32': ['fp32'],
  'webgpu-fp16': ['fp16', 'q8', 'q4'],
} as const satisfies Record<Tier, readonly Precision[]>;

for (const [tier, precisions] of Object.entries(PRECISIONS) as [Tier, readonly Precision[]][]) {
  for (const checkpoint of Object.keys(TINY_CHECKPOINTS) as TinyCheckpoint[]) {
    for (const precision of precisions) {
      // The runtime refuses graphs that would run partly on the CPU, so a passing WebGPU test is also that assertion.
      test(`${checkpoint} in ${precision} equals the reference on ${tier}`, async ({ openTestPage, hasF16 }) => {
        if (tier === 'webgpu-fp16') needsF16(hasF16);
        const page = await openTestPage('clip.html');
        const comparisons = await compare(page, checkpoint, { tier, precision, imageSizes: [224, 448] });
        console.log(worst(comparisons));
        expect(comparisons.filter((comparison) => !isWithinBounds(comparison, precision))).toEqual([]);
      });
    }
  }
}

test('a graph with a node for the CPU is refused on WebGPU', async ({ openTestPage, expectedErrors }) => {
  expectedErrors.push(/fallback to CPU EP/);
  const page = await openTestPage('clip.html');
  const message = await page.evaluate(() => {
    const { clipTests } = globalThis as unknown as { clipTests: ClipTests };
    return clipTests.refuseCpuNode('webgpu-fp32');
  });
  expect(message).toMatch(/CPU EP/);
});

test('layer normalisation of halves survives the outliers of real CLIP streams', async ({ openTestPage, hasF16 }) => {
  needsF16(hasF16);
  const page = await openTestPage('clip.html');
  const error = await page.evaluate(() => {
    const { clipTests } = globalThis as unknown as { clipTests: ClipTests };
    return clipTests.normaliseLarge(20_000);
  });
  // Rounding x, the branch and the result to halves; a sum of squares in halves would be infinite.
  expect(error).toBeLessThan(2e-3);
});

function compare(page: Page, ...args: Parameters<ClipTests['compare']>): Promise<Comparison[]> {
  return page.evaluate((args) => {
    const { clipTests } = globalThis as unknown as { clipTests: ClipTests };
    return clipTests.compare(...args);
  }, args);
}

function worst(comparisons: readonly Comparison[]): string {
  const error = Math.max(...comparisons.map(({ relativeError }) => relativeError));
  const cosine = Math.min(...comparisons.map((comparison) => comparison.cosine));
  const row = Math.min(...comparisons.map(({ worstRowCosine }) => worstRowCosine));
  return `largest error ${error.toExponential(1)}, least cosine ${cosine.toFixed(5)}, of one row ${row.toFixed(5)}`;
}

import type { Precision } from '../src/graph/weights.ts';
import type { Tier } from '../src/runtime/status.ts';
import { expect, needsF16, testOnKeptPage as test } from './browser/fixtures.ts';
import { isWithinBounds } from './clip/clipComparison.ts';
import type { UnetTests } from './unet/page.ts';
import type { TinyUnet } from './unet/unetComparison.ts';

/**
 * Vitest compares every precision in WebAssembly, block by block (src/graph/unetGolden.test.ts). What only the GPU's
 * provider does is that graph's other operators and order of axes, and its kernels in half precision.
 */
const CASES: readonly { name: TinyUnet; tier: Tier; precision: Precision; blocks: boolean }[] = [
  { name: 'sd-inpainting-tiny', tier: 'webgpu-fp32', precision: 'fp32', blocks: true },
  { name: 'sdxl-inpainting-tiny', tier: 'webgpu-fp32', precision: 'fp32', blocks: false },
  { name: 'sd-inpainting-tiny', tier: 'webgpu-fp16', precision: 'fp16', blocks: false },
  { name: 'sdxl-inpainting-tiny', tier: 'webgpu-fp16', precision: 'fp16', blocks: false },
  { name: 'sdxl-inpainting-tiny', tier: 'webgpu-fp16', precision: 'q4', blocks: false },
];

for (const { name, ...options } of CASES) {
  // The runtime refuses graphs that would run partly on the CPU, so a passing test is also that assertion.
  test(`${name} in ${options.precision} equals diffusers on ${options.tier}`, async ({ openTestPage, hasF16 }) => {
    if (options.tier === 'webgpu-fp16') needsF16(hasF16);
    const page = await openTestPage('unet.html');
    const comparisons = await page.evaluate(
      ([name, options]) => {
        const { unetTests } = globalThis as unknown as { unetTests: UnetTests };
        return unetTests.compare(name, options);
      },
      [name, options] as const,
    );
    const errors = comparisons.map(
      ({ output, relativeError, cosine }) =>
        `${output} ${relativeError.toExponential(1)} (cosine ${cosine.toFixed(5)})`,
    );
    console.log(errors.join(', '));
    expect(comparisons.filter((comparison) => !isWithinBounds(comparison, options.precision))).toEqual([]);
  });
}

test('group normalisation of halves survives large activations', async ({ openTestPage, hasF16 }) => {
  needsF16(hasF16);
  const page = await openTestPage('unet.html');
  const errors = await page.evaluate(() => {
    const { unetTests } = globalThis as unknown as { unetTests: UnetTests };
    return Promise.all([false, true].map((shift) => unetTests.normaliseLarge({ shift })));
  });
  console.log(errors.map((error) => error.toExponential(1)).join(', '));
  // Rounding the input, the shift and the result to halves; a sum of squares in halves would be infinite.
  expect(Math.max(...errors)).toBeLessThan(2e-3);
});

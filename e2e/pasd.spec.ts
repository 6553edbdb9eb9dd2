import { expect, needsF16, test } from './browser/fixtures.ts';
import { isWithinBounds } from './clip/clipComparison.ts';
import type { PasdTests } from './pasd/page.ts';

/**
 * Vitest compares every precision in WebAssembly (src/graph/pasdGolden.test.ts). What only the GPU's provider does is
 * that graph's other operators and order of axes, and its kernels in half precision.
 */
const CASES = [
  { tier: 'webgpu-fp32', precision: 'fp32', what: ['pasd', 'controlNet', 'pixelAttention', 'denseBlocks'] },
  { tier: 'webgpu-fp16', precision: 'fp16', what: ['pasd'] },
] as const;

for (const { tier, precision, what } of CASES) {
  // The runtime refuses graphs that would run partly on the CPU, so a passing test is also that assertion.
  test(`ControlNet and PASD in ${precision} equal the reference on ${tier}`, async ({ openTestPage, hasF16 }) => {
    if (tier === 'webgpu-fp16') needsF16(hasF16);
    const page = await openTestPage('pasd.html');
    const comparisons = await page.evaluate(
      ({ tier, ...options }) => {
        const { pasdTests } = globalThis as unknown as { pasdTests: PasdTests };
        return pasdTests.compare(tier, options);
      },
      { tier, precision, what },
    );
    console.log(
      comparisons.map(({ output, relativeError }) => `${output} ${relativeError.toExponential(1)}`).join(', '),
    );
    expect(comparisons.filter((comparison) => !isWithinBounds(comparison, precision))).toEqual([]);
  });
}

for (const { tier, precision } of CASES) {
  test(`attention over the pixels of 512 px holds no probabilities on ${tier}`, async ({ openTestPage, hasF16 }) => {
    if (tier === 'webgpu-fp16') needsF16(hasF16);
    const page = await openTestPage('pasd.html');
    const { bytes, error } = await page.evaluate(
      ({ tier, ...options }) => {
        const { pasdTests } = globalThis as unknown as { pasdTests: PasdTests };
        return pasdTests.attend(tier, options);
      },
      // Other vendors' kernels, by naming one, pass too; compiling them takes a software GPU a minute or more.
      { tier, precision, vendor: null, tokens: 64 * 64 },
    );
    console.log(`${bytes / 2 ** 20} MiB, largest error ${error.toExponential(1)}`);
    expect(error).toBeLessThan(precision === 'fp32' ? 1e-5 : 2e-3);
    // Inputs, their copies and the result are 0.5 MiB each; the probabilities would be 128 MiB, in halves 64.
    expect(bytes).toBeLessThan(8 * 2 ** 20);
  });
}

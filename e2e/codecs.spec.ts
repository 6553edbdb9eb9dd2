import type { Precision } from '../src/graph/weights.ts';
import type { Tier } from '../src/runtime/status.ts';
import { expect, needsF16, testOnKeptPage as test } from './browser/fixtures.ts';
import { isWithinBounds } from './clip/clipComparison.ts';
import type { TinyAutoencoder, TinyTextEncoder } from './codecs/codecComparison.ts';
import type { CodecTests } from './codecs/page.ts';

/**
 * Vitest compares every precision in WebAssembly (src/graph/codecGolden.test.ts). What only the GPU's provider does is the
 * autoencoder's other operators and order of axes, and kernels in half precision. XL's autoencoder is of the kind that
 * overflows: compiled for fp16, it has to compute in fp32. Tier by tier: a change starts the runtime anew.
 */
const CASES: readonly { name: TinyAutoencoder | TinyTextEncoder; tier: Tier; precision: Precision }[] = [
  { name: 'sd-inpainting-tiny', tier: 'webgpu-fp32', precision: 'fp32' },
  { name: 'autoencoder-tiny', tier: 'webgpu-fp32', precision: 'fp32' },
  { name: 'sd-inpainting-tiny/text_encoder', tier: 'webgpu-fp32', precision: 'fp32' },
  { name: 'sdxl-inpainting-tiny/text_encoder_2', tier: 'webgpu-fp32', precision: 'fp32' },
  { name: 'sd-inpainting-tiny', tier: 'webgpu-fp16', precision: 'fp16' },
  { name: 'sdxl-inpainting-tiny', tier: 'webgpu-fp16', precision: 'fp16' },
  { name: 'sd-inpainting-tiny/text_encoder', tier: 'webgpu-fp16', precision: 'fp16' },
  { name: 'sdxl-inpainting-tiny/text_encoder_2', tier: 'webgpu-fp16', precision: 'fp16' },
];

for (const { name, ...options } of CASES) {
  const part = name.includes('/') ? name : `${name}/vae`;
  // The runtime refuses graphs that would run partly on the CPU, so a passing test is also that assertion.
  test(`${part} in ${options.precision} equals the original on ${options.tier}`, async ({ openTestPage, hasF16 }) => {
    if (options.tier === 'webgpu-fp16') needsF16(hasF16);
    const page = await openTestPage('codecs.html');
    const comparisons = await page.evaluate(
      ([name, options]) => {
        const { codecTests } = globalThis as unknown as { codecTests: CodecTests };
        return codecTests.compare(name, options);
      },
      [name, options] as const,
    );
    console.log(
      comparisons.map(({ output, relativeError }) => `${output} ${relativeError.toExponential(1)}`).join(', '),
    );
    expect(comparisons.filter((comparison) => !isWithinBounds(comparison, options.precision))).toEqual([]);
  });
}

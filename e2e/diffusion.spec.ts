import type { Page } from '@playwright/test';
import type { Precision } from '../src/graph/weights.ts';
import type { Tier } from '../src/runtime/status.ts';
import { expect, needsF16, test } from './browser/fixtures.ts';
import type { DiffusionTests } from './diffusion/page.ts';
import type { TinyPipeline } from './diffusion/tinyPack.ts';

/** Calls a function of `diffusion/page.ts` in the page. */
function call<Name extends keyof DiffusionTests>(
  page: Page,
  name: Name,
  ...args: Parameters<DiffusionTests[Name]>
): Promise<Awaited<ReturnType<DiffusionTests[Name]>>> {
  return page.evaluate(
    ([name, args]) => {
      const { diffusionTests } = globalThis as unknown as {
        diffusionTests: Record<string, (...args: unknown[]) => unknown>;
      };
      return diffusionTests[name as string]?.(...(args as unknown[]));
    },
    [name, args] as const,
  ) as Promise<Awaited<ReturnType<DiffusionTests[Name]>>>;
}

/**
 * Largest errors relative to the largest number of whole runs: half precision is a single model's 5e-3, and what guidance
 * adds.
 */
const BOUNDS: Readonly<Record<'fp32' | 'fp16', Readonly<Record<Tier, number>>>> = {
  fp32: { wasm: 1e-4, 'webgpu-fp32': 2e-5, 'webgpu-fp16': 1e-2 },
  fp16: { wasm: 1e-2, 'webgpu-fp32': 1e-2, 'webgpu-fp16': 1e-2 },
};

test.describe('text, sampling and decoding equal diffusers', () => {
  const cases = [
    ['sd-inpainting-tiny', 'wasm', 'fp32'],
    ['sdxl-inpainting-tiny', 'wasm', 'fp16'],
    ['pasd-tiny', 'wasm', 'fp32'],
    ['sd-inpainting-tiny', 'webgpu-fp32', 'fp32'],
    // Widened as it loads.
    ['sdxl-inpainting-tiny', 'webgpu-fp32', 'fp16'],
    ['sd-inpainting-tiny', 'webgpu-fp16', 'fp16'],
    ['sdxl-inpainting-tiny', 'webgpu-fp16', 'fp16'],
    ['pasd-tiny', 'webgpu-fp16', 'fp16'],
  ] as const satisfies readonly [TinyPipeline, Tier, Precision][];
  for (const [name, tier, precision] of cases) {
    test(`${name} in ${precision} on ${tier}`, async ({ openTestPage, hasF16 }) => {
      if (tier === 'webgpu-fp16') needsF16(hasF16);
      const { errors, fallbacks, loaded, milliseconds } = await call(
        await openTestPage('diffusion.html'),
        'paint',
        name,
        {
          tier,
          precision,
        },
      );
      console.log(`${name} ${precision} on ${tier}: ${JSON.stringify(errors)}, ${milliseconds} ms; ${loaded}`);
      for (const [what, error] of Object.entries(errors)) expect(error, what).toBeLessThan(BOUNDS[precision][tier]);
      expect(fallbacks).toEqual([]);
    });
  }
});

test('with no memory to spare, one side of guidance after the other, part by part, comes to the same end', async ({
  openTestPage,
}) => {
  const options = { tier: 'webgpu-fp32', precision: 'fp32', budget: 1 } as const;
  const { errors, fallbacks, loaded } = await call(
    await openTestPage('diffusion.html'),
    'paint',
    'sd-inpainting-tiny',
    options,
  );
  for (const [what, error] of Object.entries(errors)) expect(error, what).toBeLessThan(BOUNDS.fp32['webgpu-fp32']);
  expect(fallbacks).toEqual(['sequentialGuidance']);
  expect(loaded).toEqual(['sd-inpainting-tiny vae decoder']);
});

test('images in tiles are their tiles, blended', async ({ openTestPage }) => {
  const page = await openTestPage('diffusion.html');
  const { latents, pixels, fallbacks } = await call(page, 'compareTiles', 'webgpu-fp32');
  console.log(`tiles: latents ${latents}, pixels ${pixels}`);
  // The same kernels on the same numbers; only the sums of the blending are done elsewhere.
  expect(latents).toBeLessThan(1e-6);
  expect(pixels).toBeLessThan(1e-6);
  expect(fallbacks).toEqual(['smallerAutoencoderTile']);
});

test('where both sides of guidance do not fit, they come one after the other', async ({ openTestPage }) => {
  const page = await openTestPage('diffusion.html');
  const result = await call(page, 'runOutOfMemory', { network: 8 * 12, autoencoder: 1e9 });
  expect(result.error).toBe('none');
  expect(result.latentError).toBeLessThan(BOUNDS.fp32.wasm);
  expect(result.fallbacks).toEqual(['sequentialGuidance']);
  // Once more with everything else gone, then one side at a time, and no third try of both in the next steps.
  expect(result.attempts).toEqual(['2 × 12x8', '2 × 12x8', ...Array(6).fill('1 × 12x8')]);
  expect(result.largestTile).toBe(8);
});

test('where not even one side fits, the error says so, and how large a tile may', async ({ openTestPage }) => {
  const page = await openTestPage('diffusion.html');
  const result = await call(page, 'runOutOfMemory', { network: 50, autoencoder: 1e9 });
  expect(result.error).toBe('OutOfMemoryError');
  expect(result.fallbacks).toEqual(['sequentialGuidance', 'smallerDenoisingTile']);
  expect(result.largestTile).toBe(4);
});

test('a device lost in encoding, denoising or decoding costs time and nothing else', async ({ openTestPage }) => {
  const page = await openTestPage('diffusion.html');
  const stages = ['encode', 'denoise', 'decode'] as const;
  const { jobs, bytes } = await call(page, 'interrupt', 'sd-inpainting-tiny', stages);
  const from = (step: number) => [
    expect.stringMatching(`^The GPU was lost .*Going on from step ${step} of 3 on a new one`),
  ];
  // Two steps were read back: only what came after is done again.
  expect(jobs).toEqual([
    { difference: 0, notices: from(1), steps: [1, 2, 3] },
    { difference: 0, notices: from(3), steps: [1, 2, 3] },
    { difference: 0, notices: from(3), steps: [1, 2, 3, 3] },
  ]);
  expect(bytes).toBe(0);
});

test('steps without a preview bring nothing back from the GPU', async ({ openTestPage }) => {
  const page = await openTestPage('diffusion.html');
  const traffic = await call(page, 'countTraffic', 'sd-inpainting-tiny', 'webgpu-fp32');
  // At the end whether all numbers are finite, once.
  expect(traffic).toEqual({ stepBytes: 0, mappedBytes: 0, writtenBytes: 0, endBytes: 4 });
});

test('twenty times loaded and left, a model leaves no bytes on the GPU', async ({ openTestPage }) => {
  const page = await openTestPage('diffusion.html');
  const { alive, after, end, loaded } = await call(page, 'loadAndLeave', 'pasd-tiny', 20);
  expect(alive).toHaveLength(20);
  // The weights of what was loaded: what counts does count.
  expect(Math.min(...alive)).toBeGreaterThan(300_000);
  expect(Math.min(...[0, 10].map((i) => alive[i] as number))).toBeGreaterThan(1_700_000);
  expect(after).toEqual(Array(20).fill(after[0]));
  // The kernels' own settings.
  expect(after[0]).toBeLessThan(1000);
  expect(end).toBe(0);
  expect(loaded).toEqual(['text_encoder', 'unet', 'vae decoder', 'vae encoder'].map((part) => `pasd-tiny ${part}`));
});

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

test.describe('text, sampling and decoding equal diffusers', () => {
  const cases = [
    ['sd-inpainting-tiny', 'wasm', 'fp32', 1e-4],
    ['sdxl-inpainting-tiny', 'wasm', 'fp32', 1e-4],
    ['pasd-tiny', 'wasm', 'fp32', 1e-4],
    ['sd-inpainting-tiny', 'webgpu-fp32', 'fp32', 1e-4],
    ['sdxl-inpainting-tiny', 'webgpu-fp32', 'fp16', 1e-2],
    ['pasd-tiny', 'webgpu-fp32', 'fp32', 1e-4],
    ['sd-inpainting-tiny', 'wasm', 'fp16', 1e-2],
    ['sd-inpainting-tiny', 'webgpu-fp16', 'fp16', 1e-2],
    ['sdxl-inpainting-tiny', 'webgpu-fp16', 'fp16', 1e-2],
    ['pasd-tiny', 'webgpu-fp16', 'fp16', 1e-2],
  ] as const satisfies readonly [TinyPipeline, Tier, Precision, number][];
  for (const [name, tier, precision, bound] of cases) {
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
      for (const [what, error] of Object.entries(errors)) expect(error, what).toBeLessThan(bound);
      expect(fallbacks).toEqual([]);
    });
  }
});

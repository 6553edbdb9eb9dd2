import type { Page } from '@playwright/test';
import { expect, test } from './browser/fixtures.ts';
import type { TensorTests } from './diffusion/tensorsPage.ts';

/** Calls a function of `diffusion/tensorsPage.ts` in the page. */
function call<Name extends keyof TensorTests>(
  page: Page,
  name: Name,
  ...args: Parameters<TensorTests[Name]>
): Promise<Awaited<ReturnType<TensorTests[Name]>>> {
  return page.evaluate(
    ([name, args]) => {
      const { tensorTests } = globalThis as unknown as {
        tensorTests: Record<string, (...args: unknown[]) => unknown>;
      };
      return tensorTests[name as string]?.(...(args as unknown[]));
    },
    [name, args] as const,
  ) as Promise<Awaited<ReturnType<TensorTests[Name]>>>;
}

for (const tier of ['webgpu-fp32', 'wasm'] as const) {
  test(`tensors of ${tier} compute what arrays do`, async ({ openTestPage }) => {
    const { errors, heldBytes, finite } = await call(await openTestPage('tensors.html'), 'compareTensors', tier);
    console.log(`${tier}: ${JSON.stringify(errors)}`);
    expect(Object.keys(errors)).toHaveLength(11);
    // Sums of up to nine numbers below 10 in float32.
    for (const [name, error] of Object.entries(errors)) expect(error, name).toBeLessThan(5e-6);
    expect(finite).toEqual([1, 0, 0, 0, 1]);
    expect(heldBytes).toBe(0);
  });

  test(`tensors stay on the device from run to run on ${tier}`, async ({ openTestPage }) => {
    const result = await call(await openTestPage('tensors.html'), 'stayOnDevice', tier, 6);
    // Doubled at each step: x + 0.5 · 2x.
    expect(result.x).toEqual([64, 64]);
    // The sum of the last step's input, which alone is read back.
    expect(result.inMemory).toEqual([32 * 256]);
    expect(result.readBytes).toBe(0);
    expect(result.writtenBytes).toBe(0);
    expect(result.mappedBytes).toBeLessThanOrEqual(6 * 16);
  });
}

test('tensors of a lost device say so, and the next device has its own', async ({ openTestPage }) => {
  const { errors, after, bytes } = await call(await openTestPage('tensors.html'), 'loseTensors');
  expect(errors).toEqual(Array(4).fill('DeviceLostError'));
  expect(after).toEqual([2, 4]);
  expect(bytes).toBe(0);
});

test('a tensor larger than any buffer is out of memory', async ({ openTestPage }) => {
  const { errors, after } = await call(await openTestPage('tensors.html'), 'tooLarge');
  expect(errors).toEqual(['OutOfMemoryError']);
  expect(after).toEqual([5]);
});

import type { Page } from '@playwright/test';
import type { Precision } from '../src/graph/weights.ts';
import type { SelfTestReport, Tier } from '../src/runtime/status.ts';
import { expect, needsF16, test } from './browser/fixtures.ts';
import type { RuntimeTests } from './runtime/page.ts';

/** Calls a function of `runtime/page.ts` in the page. */
function call<Name extends keyof RuntimeTests>(
  page: Page,
  name: Name,
  ...args: Parameters<RuntimeTests[Name]>
): Promise<Awaited<ReturnType<RuntimeTests[Name]>>> {
  return page.evaluate(
    ([name, args]) => {
      const { runtimeTests } = globalThis as unknown as {
        runtimeTests: Record<string, (...args: unknown[]) => unknown>;
      };
      return runtimeTests[name as string]?.(...(args as unknown[]));
    },
    [name, args] as const,
  ) as Promise<Awaited<ReturnType<RuntimeTests[Name]>>>;
}

function report(status: { selfTests: readonly SelfTestReport[] }, tier: Tier): SelfTestReport {
  const found = status.selfTests.find((selfTest) => selfTest.tier === tier);
  if (!found) throw new Error(`${tier} was not tested`);
  console.log(`${tier}: ${found.checks.map(({ name, error }) => `${name} ${error.toExponential(1)}`).join(', ')}`);
  return found;
}

test.describe('self-test', () => {
  for (const tier of ['wasm', 'webgpu-fp32', 'webgpu-fp16'] as const) {
    test(`passes on ${tier}`, async ({ openTestPage, hasF16 }) => {
      if (tier === 'webgpu-fp16') needsF16(hasF16);
      const page = await openTestPage('runtime.html');
      const status = await call(page, 'start', { preferred: tier });
      const { passed, checks } = report(status, tier);
      expect(passed).toBe(true);
      expect(checks).toHaveLength(5);
      expect(status.tier).toBe(tier);
    });
  }

  test('without the patches attention is wrong, and the tier is refused with a reason', async ({ openTestPage }) => {
    const page = await openTestPage('runtime.html');
    const status = await call(page, 'start', { preferred: 'webgpu-fp32', patches: [] });
    const { passed, checks } = report(status, 'webgpu-fp32');
    expect(passed).toBe(false);
    expect(checks.filter((check) => !check.passed).map(({ name }) => name)).toEqual(['attention fp32']);
    expect(status.tier).not.toBe('webgpu-fp32');
    const { available, reason } = status.tiers.find((listed) => listed.tier === 'webgpu-fp32') ?? {};
    expect(available).toBe(false);
    expect(reason).toMatch(/^Refused because it computes wrongly on this machine: attention fp32 is \d/);
  });

  test('kernels that accumulate in half precision are refused', async ({ openTestPage, hasF16 }) => {
    needsF16(hasF16);
    const page = await openTestPage('runtime.html');
    const status = await call(page, 'start', { preferred: 'webgpu-fp16', patches: ['zero loop variables'] });
    const failed = report(status, 'webgpu-fp16').checks.filter((check) => !check.passed);
    expect(failed.map(({ name }) => name)).toEqual(['Gemm fp16', 'Conv fp16']);
  });
});

for (const tier of ['wasm', 'webgpu-fp32'] as const) {
  test(`a browser without JSPI runs ${tier}`, async ({ openTestPage, page }) => {
    await page.addInitScript(() => Reflect.deleteProperty(WebAssembly, 'Suspending'));
    const binaries: string[] = [];
    page.on('request', (request) => {
      if (request.url().endsWith('.wasm')) binaries.push(request.url());
    });
    const errors = await call(await openTestPage('runtime.html'), 'encodeClip', { tier, precision: 'fp16' });
    for (const [name, error] of Object.entries(errors)) expect(error, name).toBeLessThan(5e-3);
    expect(binaries).toHaveLength(1);
    expect(binaries[0]).toMatch(tier === 'wasm' ? /simd-threaded-/ : /asyncify/);
  });
}

test('WebAssembly is preferred to a software GPU, which stays available', async ({ openTestPage }) => {
  const page = await openTestPage('runtime.html');
  const { adapter, tier, tiers, wasmThreads } = await call(page, 'start', {});
  test.skip(!adapter?.isSoftware, 'this GPU is a real one');
  expect(tier).toBe('wasm');
  expect(wasmThreads).toBeGreaterThan(1);
  const fp32 = tiers.find((listed) => listed.tier === 'webgpu-fp32');
  expect(fp32?.available).toBe(true);
  expect(fp32?.reason).toMatch(/runs on the CPU/);
});

test('tiers can be changed, and each computes', async ({ openTestPage }) => {
  const page = await openTestPage('runtime.html');
  expect(await call(page, 'switchBetween', ['wasm', 'webgpu-fp32', 'wasm'])).toEqual(
    ['wasm', 'webgpu-fp32', 'wasm'].map((tier) => ({ tier, oldUsable: false, y: [0, 2, 4, 6] })),
  );
});

test('runs on a lost device say so, and the next session is on a new one', async ({ openTestPage }) => {
  const page = await openTestPage('runtime.html');
  const { reasons, errors, usable, after } = await call(page, 'loseDevice');
  expect(reasons).toHaveLength(1);
  expect(errors).toEqual(['DeviceLostError', 'DeviceLostError', 'DeviceLostError']);
  expect(usable).toBe(false);
  expect(after).toEqual([0, 2, 4, 6]);
});

test('twenty sessions leave no bytes on the GPU', async ({ openTestPage }) => {
  const page = await openTestPage('runtime.html');
  const { alive, after, end } = await call(page, 'createAndDispose', 20);
  expect(alive).toHaveLength(20);
  // The weight alone is 4 MiB: what counts does count.
  expect(Math.min(...alive)).toBeGreaterThan(4 << 20);
  expect(after).toEqual(Array(20).fill(after[0]));
  expect(after[0]).toBe(0);
  expect(end).toBe(0);
});

for (const tier of ['wasm', 'webgpu-fp32'] as const) {
  test(`more than fits into memory on ${tier} says so, and what fits still runs`, async ({
    openTestPage,
    expectedErrors,
  }) => {
    // onnxruntime logs what it cannot allocate on several lines; the last only resets the colour of a terminal.
    expectedErrors.push(/nmemb=|E:onnxruntime|^\W*m?$/);
    const { error, y } = await call(await openTestPage('runtime.html'), 'fillMemory', tier);
    expect(error).toMatch(/^OutOfMemoryError: There is not enough memory/);
    expect(y).toEqual([0, 2, 4, 6]);
  });
}

test("the kernels onnxruntime has for Intel's GPUs pass the self-test too", async ({ openTestPage, page, hasF16 }) => {
  needsF16(hasF16);
  // They are chosen by the adapter's name: split-K products and image-to-column convolutions.
  await page.addInitScript(() => {
    const prototypes: object[] = [GPUAdapter.prototype, GPUDevice.prototype];
    for (const prototype of prototypes) {
      for (const key of ['info', 'adapterInfo']) {
        const original = Object.getOwnPropertyDescriptor(prototype, key)?.get;
        if (!original) continue;
        const get = function (this: object) {
          const { subgroupMinSize, subgroupMaxSize } = original.call(this) as GPUAdapterInfo;
          const info = { vendor: 'intel', architecture: 'xe-2lpg', device: '', description: '' };
          return { ...info, subgroupMinSize, subgroupMaxSize, isFallbackAdapter: false };
        };
        Object.defineProperty(prototype, key, { get });
      }
    }
  });
  const status = await call(await openTestPage('runtime.html'), 'start', { preferred: 'webgpu-fp16' });
  expect(status.adapter).toMatchObject({ vendor: 'intel', isSoftware: false });
  expect(report(status, 'webgpu-fp16').passed).toBe(true);
});

test('a failed run harms no other', async ({ openTestPage }) => {
  const page = await openTestPage('runtime.html');
  const { error, y } = await call(page, 'failBetweenRuns');
  expect(error).toMatch(/x/);
  expect(y).toEqual(Array(3).fill([0, 2, 4, 6]));
});

test('a browser without WebGPU runs on WebAssembly and says why', async ({ openTestPage, page }) => {
  await page.addInitScript(() => Object.defineProperty(navigator, 'gpu', { value: undefined }));
  const { tier, tiers, adapter } = await call(await openTestPage('runtime.html'), 'start', {});
  expect(tier).toBe('wasm');
  expect(adapter).toBeNull();
  expect(tiers.map(({ available }) => available)).toEqual([false, false, true]);
  expect(tiers[0]?.reason).toMatch(/has no WebGPU/);
});

test.describe('CLIP encoder', () => {
  const bounds: Readonly<Record<Precision, number>> = { fp32: 1e-4, fp16: 5e-3, q8: 0.05, q4: 0.5 };
  const packs = [
    ['wasm', 'fp32'],
    ['wasm', 'fp16'],
    ['wasm', 'q8'],
    ['wasm', 'q4'],
    ['webgpu-fp32', 'fp32'],
    ['webgpu-fp32', 'fp16'],
    ['webgpu-fp32', 'q4'],
    ['webgpu-fp16', 'fp16'],
  ] as const;
  for (const [tier, precision] of packs) {
    test(`a ${precision} pack on ${tier} gives the reference's features`, async ({ openTestPage, hasF16 }) => {
      if (tier === 'webgpu-fp16') needsF16(hasF16);
      const errors = await call(await openTestPage('runtime.html'), 'encodeClip', { tier, precision });
      console.log(`${tier} ${precision}: ${JSON.stringify(errors)}`);
      expect(Object.keys(errors)).toHaveLength(9);
      for (const [name, error] of Object.entries(errors)) expect(error, name).toBeLessThan(bounds[precision]);
    });
  }

  test('goes on after a lost device and after a change of tier', async ({ openTestPage }) => {
    const { error, errors } = await call(await openTestPage('runtime.html'), 'encodeOnAndOn');
    expect(error).toBe('DeviceLostError');
    expect(errors).toHaveLength(3);
    for (const each of errors) expect(each).toBeLessThan(bounds.fp16);
  });
});

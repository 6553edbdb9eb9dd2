import { CONTENT_SECURITY_POLICY } from '../scripts/serve.mjs';
import { expect, test } from './browser/fixtures.ts';

test('the page is served isolated, under the strict policy, and asks no other machine for anything', async ({
  page,
}) => {
  const response = await page.goto('/');
  expect(response?.headers()['content-security-policy']).toBe(CONTENT_SECURITY_POLICY);
  await expect(page.locator('#root')).not.toBeEmpty();
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
});

test('the test browser has a WebGPU adapter', async ({ page, hasF16 }) => {
  await page.goto('/');
  const features = await page.evaluate(async () => {
    const adapter = await navigator.gpu.requestAdapter();
    return adapter && [...adapter.features];
  });
  expect(features).not.toBeNull();
  expect(features?.includes('shader-f16')).toBe(hasF16);
});

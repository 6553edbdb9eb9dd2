import { CONTENT_SECURITY_POLICY, ISOLATION_HEADERS } from '../scripts/serve.mjs';
import { expect, test } from './browser/fixtures.ts';
import { watch } from './browser/watch.ts';
import type {} from './pages/offences.ts';

test('the page is served isolated, under the strict policy, and asks no other machine for anything', async ({
  page,
  context,
}) => {
  const hosts = new Set<string>();
  context.on('request', (request) => hosts.add(new URL(request.url()).host));
  const response = await page.goto('/');
  const headers = response?.headers() ?? {};
  expect(headers['content-security-policy']).toBe(CONTENT_SECURITY_POLICY);
  for (const [name, value] of Object.entries(ISOLATION_HEADERS)) expect(headers[name.toLowerCase()]).toBe(value);
  await expect(page.locator('#root')).not.toBeEmpty();
  await page.waitForLoadState('networkidle');
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  expect([...hosts]).toEqual([new URL(page.url()).host]);
});

test('the test browser has the WebGPU adapter it was chosen for', async ({ page, hasF16 }) => {
  await page.goto('/');
  const features = await page.evaluate(async () => {
    const adapter = await navigator.gpu.requestAdapter();
    return adapter && [...adapter.features];
  });
  expect(features).not.toBeNull();
  expect(features?.includes('shader-f16')).toBe(hasF16);
});

test('the test browser has the canvases that the interface draws with', async ({ page }) => {
  await page.goto('/');
  const drawn = await page.evaluate(() => {
    const webgl2 = new OffscreenCanvas(1, 1).getContext('webgl2');
    webgl2?.clearColor(0, 1, 0, 1);
    webgl2?.clear(webgl2.COLOR_BUFFER_BIT);
    const green = new Uint8Array(4);
    webgl2?.readPixels(0, 0, 1, 1, webgl2.RGBA, webgl2.UNSIGNED_BYTE, green);
    const flat = new OffscreenCanvas(1, 1).getContext('2d');
    if (flat) flat.fillStyle = 'red';
    flat?.fillRect(0, 0, 1, 1);
    return { webgl2: [...green], flat: [...(flat?.getImageData(0, 0, 1, 1).data ?? [])] };
  });
  expect(drawn).toEqual({ webgl2: [0, 255, 0, 255], flat: [255, 0, 0, 255] });
});

// Every test is watched (browser/watch.ts). That says something only if the watch sees what it is there for.
test.describe('the watch sees', () => {
  test.use({ expectedErrors: [/./] });
  const seen = {
    'a console error': 'on the console',
    'an uncaught error': 'Error: uncaught',
    'a request to another machine': 'Request to https://huggingface.co/offence.json',
    'a violation of the policy': 'violates the following Content Security Policy directive: "connect-src',
  };
  for (const place of ['page', 'worker'] as const) {
    for (const [offence, text] of Object.entries(seen)) {
      test(`${offence} in a ${place}`, async ({ openTestPage, context }) => {
        // Seen, and yet not sent.
        await context.route('https://huggingface.co/**', (route) => route.abort());
        const page = await openTestPage('offences.html');
        const noted: string[] = [];
        await watch(page, (error) => noted.push(error));
        expect(noted).toEqual([]);
        await page.evaluate(([place, offence]) => globalThis.offend(place, offence), [place, offence] as const);
        await expect.poll(() => noted, { timeout: 10_000 }).toContainEqual(expect.stringContaining(text));
      });
    }
  }
});

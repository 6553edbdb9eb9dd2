import { hubEndpoints } from '../scripts/hubEndpoints.mjs';
import { securityHeaders } from '../scripts/serve.mjs';
import { HUB_PORT } from './browser/chosenBrowser.ts';
import { expect, test } from './browser/fixtures.ts';
import { watch } from './browser/watch.ts';
import { ownWorkers } from './journeys/app.ts';
import type {} from './pages/offences.ts';

test('all of the app is served isolated, under the strict policy, and no other machine is asked for anything', async ({
  page,
  context,
}) => {
  const hosts = new Set<string>();
  context.on('request', (request) => hosts.add(new URL(request.url()).host));
  const answers = new Map<string, Record<string, string>>();
  context.on('response', (response) => answers.set(new URL(response.url()).pathname, response.headers()));
  await page.goto('/');
  await expect(page.getByRole('banner')).not.toContainText('Checking');
  await page.waitForLoadState('networkidle');
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  await expect.poll(() => ownWorkers(page).length).toBe(2);
  for (const worker of ownWorkers(page)) expect(await worker.evaluate(() => crossOriginIsolated)).toBe(true);
  expect([...hosts]).toEqual([new URL(page.url()).host]);

  const wanted = Object.entries(securityHeaders(hubEndpoints(`http://localhost:${HUB_PORT}`)));
  for (const kind of [/^\/$/, /refine\.worker-.*\.js$/, /compile\.worker-.*\.js$/, /\.wasm$/, /\.css$/]) {
    expect(
      [...answers.keys()].some((path) => kind.test(path)),
      `${kind} was asked for`,
    ).toBe(true);
  }
  for (const [path, headers] of answers) {
    for (const [name, value] of wanted) expect(headers[name.toLowerCase()], `${name} of ${path}`).toBe(value);
  }
});

test.describe('the policy', () => {
  test.use({ expectedErrors: [/Content Security Policy|Trusted|Failed to load resource|was blocked/] });

  test('refuses scripts that are written into the page, and code made of text', async ({ page }) => {
    await page.goto('/');
    const came = await page.evaluate(async () => {
      // What an evaluation itself runs may use eval; what it leaves behind may not.
      await new Promise((later) => setTimeout(later));
      const attempt = (make: () => unknown) => {
        try {
          make();
          return 'done';
        } catch (error) {
          return (error as Error).name;
        }
      };
      const inline = document.createElement('script');
      return {
        // biome-ignore lint/security/noGlobalEval: it has to be refused
        eval: attempt(() => globalThis.eval('1')),
        function: attempt(() => new Function('return 1')()),
        html: attempt(() => document.body.insertAdjacentHTML('beforeend', '<img src="x">')),
        foreignWorker: attempt(() => new Worker('https://example.com/worker.js')),
        inline: attempt(() => {
          inline.append('globalThis.inlineRan = true');
          document.head.append(inline);
        }),
        inlineRan: 'inlineRan' in globalThis,
        wasm: attempt(() => new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))),
      };
    });
    expect(came).toEqual({
      eval: 'EvalError',
      function: 'EvalError',
      html: 'TypeError',
      foreignWorker: 'TypeError',
      inline: expect.any(String),
      inlineRan: false,
      wasm: 'done',
    });
  });

  test('refuses connections to other hosts, in the page and in its workers', async ({ page, context }) => {
    const left: string[] = [];
    await context.route(/example\.com|huggingface\.co/, (route) => {
      left.push(route.request().url());
      return route.abort();
    });
    await page.goto('/');
    await expect.poll(() => ownWorkers(page).length).toBe(2);
    const connect = async (address: string) =>
      fetch(address).then(
        () => 'connected',
        (error: Error) => error.name,
      );
    for (const address of ['https://example.com/a.json', 'https://huggingface.co/a.json']) {
      expect(await page.evaluate(connect, address)).toBe('TypeError');
      for (const worker of ownWorkers(page)) expect(await worker.evaluate(connect, address)).toBe('TypeError');
    }
    expect(left).toEqual([]);
    // The hub that this server was told of is let through: refused by nobody listening there, or by its answer alone.
    await context.route(`http://localhost:${HUB_PORT}/**`, (route) => {
      left.push(route.request().url());
      return route.fulfill({ status: 200, headers: { 'Access-Control-Allow-Origin': '*' }, body: '{}' });
    });
    expect(await page.evaluate(connect, `http://localhost:${HUB_PORT}/a.json`)).toBe('connected');
    expect(left).toEqual([`http://localhost:${HUB_PORT}/a.json`]);
  });
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
    'a request to another machine': 'Request to https://raw.githubusercontent.com/offence.json',
    'a violation of the policy': 'violates the following Content Security Policy directive: "connect-src',
  };
  for (const place of ['page', 'worker'] as const) {
    for (const [offence, text] of Object.entries(seen)) {
      test(`${offence} in a ${place}`, async ({ openTestPage, context }) => {
        // Seen, and yet not sent.
        await context.route('https://raw.githubusercontent.com/**', (route) => route.abort());
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

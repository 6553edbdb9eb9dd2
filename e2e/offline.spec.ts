import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contentSecurityPolicy, serve } from '../scripts/serve.mjs';
import { test as base, expect } from './browser/fixtures.ts';
import { App, ownWorkers, TINY_CLIP, TINY_INPAINTING, TINY_RESTORATION } from './journeys/app.ts';
import { generatedPng, STYLE_PARAMETERS } from './journeys/generatedPng.ts';

/** The app on a server of its own, in a folder as some hosts have it. */
interface Site {
  readonly folder: string;
  readonly address: string;
  close(): Promise<void>;
}

const test = base.extend<{ site: Site }>({
  site: async ({ browserName: _ }, use) => {
    const root = mkdtempSync(join(tmpdir(), 'g-refine-site-'));
    const folder = join(root, 'app');
    cpSync('dist', folder, { recursive: true, filter: (file) => !file.endsWith('.map') });
    const server = await serve({ root, port: 0 });
    let closing: Promise<void> | null = null;
    const close = () => {
      closing ??= server.close();
      return closing;
    };
    await use({ folder, address: `${server.address}app/`, close });
    await close();
    rmSync(root, { recursive: true });
  },
});

test.use({ serviceWorkers: 'allow', expectedErrors: [/ERR_INTERNET_DISCONNECTED|ERR_CONNECTION_REFUSED/] });

/** Opens the app and waits until it is kept, as the machine panel says. */
async function openKept(app: App, { address }: Site): Promise<void> {
  await app.open(address);
  await app.menu('Machine').click();
  await expect(app.page.getByRole('dialog')).toContainText('starts without a network');
  await app.page.keyboard.press('Escape');
}

test('with models installed and no network, the app starts, analyses and refines, and asks nobody', async ({
  page,
  context,
  site,
}) => {
  test.slow();
  const app = new App(page);
  await openKept(app, site);
  for (const model of [TINY_CLIP, TINY_INPAINTING, TINY_RESTORATION]) {
    await app.addModel(model, { precision: '16-bit' });
  }

  await site.close();
  await context.setOffline(true);
  // What the service worker answers never comes here.
  const left: string[] = [];
  await context.route('**/*', (route) => {
    left.push(route.request().url());
    return route.abort('internetdisconnected');
  });
  const served: boolean[] = [];
  page.on('response', (response) => served.push(response.fromServiceWorker()));
  await page.reload();
  await expect(app.menu('Model')).toContainText('16-bit');
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  for (const worker of ownWorkers(page)) expect(await worker.evaluate(() => crossOriginIsolated)).toBe(true);

  const buffer = generatedPng({ width: 96, height: 64, paleFrom: 0, text: STYLE_PARAMETERS });
  await app.openImages({ name: 'pale.png', mimeType: 'image/png', buffer });
  await app.analysed();
  expect(await app.value(app.quality)).toBeGreaterThanOrEqual(0);
  const refine = page.getByRole('region', { name: 'Refine' });
  await refine.getByText('Settings', { exact: true }).click();
  for (const stage of ['Stage 1: repaint', 'Stage 2: restore']) {
    await page.getByRole('group', { name: stage }).getByLabel('Steps', { exact: true }).fill('2');
  }
  await page.getByRole('button', { name: /^Refine/ }).click();
  await expect(page.getByRole('toolbar', { name: 'Result' })).toBeVisible({ timeout: 150_000 });

  expect(served.length).toBeGreaterThan(5);
  expect(served.every(Boolean)).toBe(true);
  expect(left).toEqual([]);
});

test('a newer version waits until it is asked for, and until the older one is closed elsewhere', async ({
  page,
  context,
  site,
}) => {
  const app = new App(page);
  await openKept(app, site);
  const other = await context.newPage();
  await other.goto(site.address);

  newerBuild(site, 'G-Refine, newer');
  await page.evaluate(async () => (await navigator.serviceWorker.ready).update());
  const notice = page.getByRole('status').filter({ hasText: 'newer version' });
  await expect(notice).toBeVisible();
  await other.reload();
  await expect(other).toHaveTitle('G-Refine');

  const change = notice.getByRole('button', { name: 'Reload to update' });
  await change.click();
  await expect(notice).toContainText('Close its other tabs');
  await expect(page).toHaveTitle('G-Refine');
  await other.close();
  await change.click();
  await expect(page).toHaveTitle('G-Refine, newer');
  await expect(app.menu('Machine')).not.toContainText('Checking');
  await expect(notice).toBeHidden();
});

test('where a host sends no headers, the app adds them from the second visit on', async ({ page, site }) => {
  const bare = createServer(async (request, response) => {
    const answer = await fetch(new URL(request.url ?? '/', site.address));
    response.setHeader('Content-Type', answer.headers.get('content-type') ?? '');
    response.writeHead(answer.status).end(await answer.bytes());
  });
  await new Promise<void>((done) => bare.listen(0, 'localhost', done));
  try {
    const app = new App(page);
    const { port } = bare.address() as AddressInfo;
    await openKept(app, { ...site, address: `http://localhost:${port}/app/` });
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
    const response = await page.reload();
    expect(response?.headers()['content-security-policy']).toBe(contentSecurityPolicy());
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await expect(app.menu('Machine')).not.toContainText('Checking');
    await expect.poll(() => ownWorkers(page).length).toBe(2);
    for (const worker of ownWorkers(page)) expect(await worker.evaluate(() => crossOriginIsolated)).toBe(true);
  } finally {
    bare.closeAllConnections();
    bare.close();
  }
});

/** Puts another build into the site: the page has another title, and the service worker its hash. */
function newerBuild({ folder }: Site, title: string): void {
  const edit = (name: string, change: (text: string) => string) => {
    const before = readFileSync(join(folder, name), 'utf8');
    const after = change(before);
    if (after === before) throw new Error(`${name} is not changed`);
    writeFileSync(join(folder, name), after);
    return [before, after].map((text) => `sha256-${createHash('sha256').update(text).digest('base64')}`);
  };
  const [was, is] = edit('index.html', (text) => text.replace('<title>G-Refine<', `<title>${title}<`));
  edit('sw.js', (text) => text.replace(was as string, is as string));
}

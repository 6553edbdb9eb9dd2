import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import { createServer } from 'vite';
import { ISOLATION_HEADERS } from '../scripts/serve.mjs';

/** The project's folder, with its trailing slash. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Calls the page's global `bench` once for each request, in a fresh browser each time: the test browser, whose WebGPU runs
 * on the CPU where there is no GPU.
 * @param page path of an HTML file, from the project's folder
 * @param requests what `bench` is called with
 * @param options `plugins`: of the server, for files that are made when asked for; `profile`: a folder for the browser's
 *   files, which are then on the disk as a user's are, and deleted after each request (without it, they are in memory);
 *   `watch`: called before each request, returns what is called after it, whose result is added
 * @returns what it returned, with the browser's version
 */
export async function runPage(page, requests, { plugins = [], profile = null, watch = () => () => ({}) } = {}) {
  if (!existsSync(`${ROOT}.cache/browser.json`)) execFileSync('node', ['e2e/browser/setup.mjs'], { cwd: ROOT });
  const { executablePath, args, env } = JSON.parse(readFileSync(`${ROOT}.cache/browser.json`, 'utf8'));
  const server = await createServer({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    cacheDir: '.cache/bench-vite',
    plugins,
    optimizeDeps: { noDiscovery: true },
    server: { headers: ISOLATION_HEADERS, port: 0, hmr: false, watch: null },
  });
  await server.listen();
  const [address] = server.resolvedUrls.local;
  const results = [];
  try {
    for (const request of requests) {
      const options = {
        executablePath,
        args: [...args, '--enable-precise-memory-info'],
        ignoreDefaultArgs: ['--disable-gpu'],
        env: { ...process.env, ...env },
      };
      const browser = profile
        ? await chromium.launchPersistentContext(profile, options)
        : await chromium.launch(options);
      try {
        const tab = await browser.newPage();
        tab.setDefaultTimeout(0);
        tab.on('pageerror', (error) => console.error(String(error)));
        await tab.goto(`${address}${page}`);
        await tab.waitForFunction(() => 'bench' in globalThis);
        console.log(`Measuring ${JSON.stringify(request)}`);
        const watched = watch();
        const result = await tab.evaluate((request) => globalThis.bench(request), request);
        const version = (profile ? browser.browser() : browser)?.version() ?? '';
        results.push({ browser: version, ...result, ...watched() });
      } finally {
        await browser.close();
        if (profile) rmSync(profile, { recursive: true, force: true });
      }
    }
  } finally {
    await server.close();
  }
  return results;
}

/**
 * Runs a Python script that makes a peer's model; says what is missing where Python lacks its modules.
 * @param script path from the project's folder
 */
export function runPython(script, { args, modules }) {
  const python = process.env.PYTHON ?? 'python3';
  if (spawnSync(python, ['-c', `import ${modules.join(', ')}`]).status !== 0) {
    throw new Error(
      `The bench needs ${modules.join(', ')} in ${python}: pip install -r reference/requirements.txt onnx onnxscript, ` +
        'or set PYTHON to one that has them',
    );
  }
  execFileSync(python, [script, ...args], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
}

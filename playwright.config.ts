import { readdirSync, readFileSync } from 'node:fs';
import { defineConfig } from '@playwright/test';
import { APP_PORT, chosenBrowser, HUB_PORT, PAGES_PORT, SUITE_FOLDER } from './e2e/browser/chosenBrowser.ts';

const browser = chosenBrowser();

/** Specs that start a hub: it has one port, the one that the app's policy allows. */
const hubSpecs = readdirSync('e2e').filter(
  (file) =>
    file.endsWith('.spec.ts') && /from '\.\/hub\/hub(Fixture|Server)\.ts'/.test(readFileSync(`e2e/${file}`, 'utf8')),
);
/** Specs that take all cores for half a minute: beside another worker they would take four times as long, and slow it down as much. */
const heavySpecs = ['blocks.spec.ts'];
const listed = (files: readonly string[]) => files.map((file) => `**/${file}`);

export default defineConfig({
  testDir: 'e2e',
  outputDir: `${SUITE_FOLDER}/results`,
  // Most of a test's time one thread compiles shaders: a second worker, with a browser of its own, has the other core.
  workers: 2,
  // `*.test.ts` are Vitest's.
  projects: [
    { name: 'app', testMatch: '**/*.spec.ts', testIgnore: listed([...hubSpecs, ...heavySpecs]) },
    { name: 'hub', testMatch: listed(hubSpecs), workers: 1 },
    // `npm test` runs it after the others.
    { name: 'heavy', testMatch: listed(heavySpecs), workers: 1, outputDir: `${SUITE_FOLDER}/results-heavy` },
  ],
  retries: 0,
  timeout: 180_000,
  expect: { timeout: 60_000 },
  reporter: 'list',
  use: {
    baseURL: `http://localhost:${APP_PORT}/`,
    // It would fetch the whole app once more for each test; e2e/offline.spec.ts has it.
    serviceWorkers: 'block',
    viewport: { width: 1440, height: 900 },
    launchOptions: {
      executablePath: browser.executablePath,
      args: browser.args,
      // Playwright disables the GPU process's GPU by default, and WebGPU with it.
      ignoreDefaultArgs: ['--disable-gpu'],
      env: { ...(process.env as Record<string, string>), ...browser.env },
    },
  },
  webServer: [
    {
      name: 'app',
      command: `node scripts/serve.mjs dist ${APP_PORT}`,
      env: { GREFINE_HUB: `http://localhost:${HUB_PORT}` },
      url: `http://localhost:${APP_PORT}/`,
      reuseExistingServer: false,
    },
    {
      name: 'test pages',
      command: `npx vite build -c e2e/pages/vite.config.ts && node scripts/serve.mjs ${SUITE_FOLDER}/pages ${PAGES_PORT}`,
      // Also under its number: then the hub's delivery network is of another origin.
      env: { GREFINE_HUB: `http://localhost:${HUB_PORT},http://127.0.0.1:${HUB_PORT}` },
      url: `http://localhost:${PAGES_PORT}/`,
      timeout: 120_000,
      reuseExistingServer: false,
    },
  ],
});

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What `setup.mjs` chose. */
export interface ChosenBrowser {
  /** In words, for reports. */
  readonly kind: string;
  readonly executablePath: string;
  readonly args: string[];
  readonly env: Record<string, string>;
}

/** Port of the built app; two suites on one machine need two. */
export const APP_PORT = Number(process.env.GREFINE_E2E_PORT ?? 4273);
/** Port of the test-only pages in `e2e/pages`. */
export const PAGES_PORT = APP_PORT + 1;

/** @throws Error before `node e2e/browser/setup.mjs` has run */
export function chosenBrowser(): ChosenBrowser {
  const file = fileURLToPath(new URL('../../.cache/browser.json', import.meta.url));
  if (!existsSync(file)) throw new Error('No test browser is chosen yet: run `node e2e/browser/setup.mjs`');
  return JSON.parse(readFileSync(file, 'utf8')) as ChosenBrowser;
}

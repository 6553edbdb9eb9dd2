import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What `setup.mjs` chose. */
export interface ChosenBrowser {
  /** In words, for reports. */
  readonly kind: string;
  readonly version: string;
  /** Whether its WebGPU had half precision in shaders when it was chosen. */
  readonly hasF16: boolean;
  readonly executablePath: string;
  readonly args: string[];
  readonly env: Record<string, string>;
}

/** Port of the built app; a second suite on one machine needs others. */
export const APP_PORT = Number(process.env.GREFINE_E2E_PORT ?? 4273);
/** Port of the test-only pages in `e2e/pages`. */
export const PAGES_PORT = APP_PORT + 1;
/** Port of the hub that tests install models from, where one runs; the app's policy allows it. */
export const HUB_PORT = APP_PORT + 2;
/** Where this suite's built pages and results go, relative to the project: two suites at once do not share it. */
export const SUITE_FOLDER = `.cache/e2e/${APP_PORT}`;

/** @throws Error before `node e2e/browser/setup.mjs` has run */
export function chosenBrowser(): ChosenBrowser {
  const file = fileURLToPath(new URL('../../.cache/browser.json', import.meta.url));
  const chosen = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<ChosenBrowser>) : {};
  // An earlier version of the set-up did not write it.
  if (chosen.hasF16 === undefined) throw new Error('No test browser is chosen yet: run `node e2e/browser/setup.mjs`');
  return chosen as ChosenBrowser;
}

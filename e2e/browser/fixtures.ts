import { existsSync } from 'node:fs';
import { test as base, expect, type Page } from '@playwright/test';
import { chosenBrowser, PAGES_PORT } from './chosenBrowser.ts';
import { watch } from './watch.ts';

interface Fixtures {
  /** Opens a test-only page, e.g. `clip.html`. */
  readonly openTestPage: (name: string) => Promise<Page>;
  /** Console errors that a test provokes on purpose: matching ones do not fail it. */
  readonly expectedErrors: RegExp[];
  /** Whether the toy models that come with the app install themselves, as on a first visit; default: they were deleted before. */
  readonly withBlocks: boolean;
  readonly deletedBlocks: undefined;
  /** Fails the test on what `watch` notes. */
  readonly watched: undefined;
}

interface WorkerFixtures {
  /** The browser the tests run in, in words; said once at the start. */
  readonly browserKind: string;
  /** Whether WebGPU here has half precision in shaders. `smoke.spec.ts` checks that it is so. */
  readonly hasF16: boolean;
  /** A page that outlives a test that passes. */
  readonly keptPage: Page;
}

/** Playwright's `test`, watching the page for what should never happen. */
export const test = base.extend<Fixtures, WorkerFixtures>({
  browserKind: [
    async ({ browserName: _ }, use) => {
      const { kind, version, hasF16 } = chosenBrowser();
      console.log(`Browser: ${kind} ${version}; half precision on its GPU: ${hasF16 ? 'yes' : 'no'}`);
      await use(kind);
    },
    { scope: 'worker', auto: true },
  ],

  hasF16: [
    async ({ browserName: _ }, use) => {
      await use(chosenBrowser().hasF16);
    },
    { scope: 'worker' },
  ],

  keptPage: [
    async ({ browser }, use) => {
      const page = await browser.newPage({ serviceWorkers: 'block' });
      await use(page);
      await page.context().close();
    },
    { scope: 'worker' },
  ],

  expectedErrors: async ({ browserName: _ }, use) => {
    await use([]);
  },

  withBlocks: [false, { option: true }],

  deletedBlocks: [
    async ({ context, withBlocks }, use) => {
      if (!withBlocks && existsSync('dist/blocks')) {
        await context.addInitScript(() => {
          const KEY = 'g-refine.preferences';
          try {
            if (localStorage.getItem(KEY) === null) localStorage.setItem(KEY, '{"hasDeclinedBlocks":true}');
          } catch {
            // A page without storage.
          }
        });
      }
      await use(undefined);
    },
    { auto: true },
  ],

  watched: [
    async ({ page, expectedErrors }, use) => {
      const errors: string[] = [];
      const endWatch = await watch(page, (error) => {
        if (!expectedErrors.some((expected) => expected.test(error))) errors.push(error);
      });
      await use(undefined);
      await endWatch();
      expect(errors, 'console errors, page errors, violated policies and foreign requests').toEqual([]);
    },
    { auto: true },
  ],

  openTestPage: async ({ page }, use) => {
    await use(async (name) => {
      await page.goto(testPage(name));
      return page;
    });
  },
});

/**
 * `test` for those that leave nothing behind in a test-only page: it stays open from one to the next, with its worker or
 * runtime started. A test that fails takes it along.
 */
export const testOnKeptPage = test.extend({
  page: async ({ keptPage }, use) => {
    await use(keptPage);
  },

  openTestPage: async ({ page }, use) => {
    await use(async (name) => {
      if (page.url() !== testPage(name)) await page.goto(testPage(name));
      return page;
    });
  },
});

function testPage(name: string): string {
  return `http://localhost:${PAGES_PORT}/${name}`;
}

/** Skips visibly where WebGPU has no half precision. */
export function needsF16(hasF16: boolean): void {
  test.skip(!hasF16, `no half precision on the GPU of ${chosenBrowser().kind}`);
}

export { expect };

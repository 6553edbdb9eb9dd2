import { test as base, expect, type Page } from '@playwright/test';
import { chosenBrowser, PAGES_PORT } from './chosenBrowser.ts';

interface Fixtures {
  /** Opens a test-only page, e.g. `clip.html`. */
  readonly openTestPage: (name: string) => Promise<Page>;
  /** Console errors that a test provokes on purpose: matching ones do not fail it. */
  readonly expectedErrors: RegExp[];
  /** Fails the test on console errors, page errors and requests that leave this machine. */
  readonly watched: undefined;
}

interface WorkerFixtures {
  /** Whether WebGPU here has half precision in shaders. */
  readonly hasF16: boolean;
}

/** Playwright's `test`, watching the page for what should never happen. */
export const test = base.extend<Fixtures, WorkerFixtures>({
  hasF16: [
    async ({ browser }, use) => {
      const page = await browser.newPage();
      // WebGPU needs a secure context; any page of ours is one.
      await page.goto(`http://localhost:${PAGES_PORT}/`);
      const hasF16 = await page.evaluate(async () => {
        const adapter = await navigator.gpu?.requestAdapter();
        return adapter?.features.has('shader-f16') ?? false;
      });
      await page.close();
      console.log(`Browser: ${chosenBrowser().kind}; half precision on the GPU: ${hasF16 ? 'yes' : 'no'}`);
      await use(hasF16);
    },
    { scope: 'worker', timeout: 60_000 },
  ],

  expectedErrors: async ({ browserName: _ }, use) => {
    await use([]);
  },

  watched: [
    async ({ page, expectedErrors }, use) => {
      const errors: string[] = [];
      const note = (error: string) => {
        if (!expectedErrors.some((expected) => expected.test(error))) errors.push(error);
      };
      page.on('console', (message) => {
        if (message.type() === 'error') note(message.text());
      });
      page.on('pageerror', (error) => note(String(error)));
      page.on('request', (request) => {
        const { protocol, hostname } = new URL(request.url());
        if (protocol.startsWith('http') && hostname !== 'localhost') note(`Request to ${request.url()}`);
      });
      await use(undefined);
      expect(errors, 'console errors, page errors and foreign requests').toEqual([]);
    },
    { auto: true },
  ],

  openTestPage: async ({ page }, use) => {
    await use(async (name) => {
      await page.goto(`http://localhost:${PAGES_PORT}/${name}`);
      return page;
    });
  },
});

/** Skips visibly where WebGPU has no half precision. */
export function needsF16(hasF16: boolean): void {
  test.skip(!hasF16, `no half precision on the GPU of ${chosenBrowser().kind}`);
}

export { expect };

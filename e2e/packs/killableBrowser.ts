import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { chromium, type Page } from '@playwright/test';
import { chosenBrowser } from '../browser/chosenBrowser.ts';

/**
 * The test browser in a process of its own, with its files in a folder on the disk: what it leaves there when it is killed is
 * what it finds when it is started again.
 */
export class KillableBrowser {
  /** Its only page. */
  readonly page: Page;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, page: Page) {
    this.#process = process;
    this.page = page;
  }

  /** @param profile folder of the browser's files */
  static async start(profile: string): Promise<KillableBrowser> {
    const { executablePath, args, env } = chosenBrowser();
    const browser = spawn(
      executablePath,
      [...args, '--headless', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'],
      // A group of its own, so that all its processes can be killed at once.
      { detached: true, stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } },
    );
    try {
      const connection = await chromium.connectOverCDP(await debuggingAddress(browser));
      const [context] = connection.contexts();
      const page = context?.pages()[0] ?? (await context?.newPage());
      if (!page) throw new Error('The browser has no page');
      return new KillableBrowser(browser, page);
    } catch (error) {
      await kill(browser);
      throw error;
    }
  }

  /** Ends all processes at once, as a crash would, without asking them (SIGKILL). Resolves when they are gone. */
  kill(): Promise<void> {
    return kill(this.#process);
  }
}

/** What the browser says on its standard error once it listens. */
function debuggingAddress(browser: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    browser.once('error', reject);
    browser.once('exit', (code) => reject(new Error(`The browser ended at once, with code ${code}`)));
    // Read to the end: a full pipe would stop the browser.
    createInterface({ input: browser.stderr as NonNullable<typeof browser.stderr> }).on('line', (line) => {
      const [, address] = /^DevTools listening on (\S+)$/.exec(line) ?? [];
      if (address) resolve(address);
    });
  });
}

async function kill(browser: ChildProcess): Promise<void> {
  const { pid } = browser;
  if (pid === undefined || browser.exitCode !== null || browser.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => {
    browser.once('exit', () => resolve());
  });
  // Windows has no groups; there the others end when their browser has.
  process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  await gone;
}

import { fileURLToPath } from 'node:url';
import { expect, type Locator, type Page, type Worker } from '@playwright/test';

/** The tiny CLIP of the reference, in hub layout with learned contexts. */
export const TINY_CLIP = fileURLToPath(new URL('../../reference/fixtures/clip-tiny', import.meta.url));

/** A tiny Stable Diffusion inpainting model and a tiny PASD of the reference, in diffusers' layout. */
export const TINY_INPAINTING = fileURLToPath(new URL('../../reference/fixtures/sd-inpainting-tiny', import.meta.url));
export const TINY_RESTORATION = fileURLToPath(new URL('../../reference/fixtures/pasd-tiny', import.meta.url));

/** A file as Playwright's choosers take it. */
export interface FileToOpen {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

/** The app as a user handles it. */
export class App {
  readonly page: Page;
  readonly quality: Locator;
  readonly match: Locator;
  readonly prompt: Locator;
  readonly overlay: Locator;
  readonly phrases: Locator;

  constructor(page: Page) {
    this.page = page;
    this.quality = page.getByRole('meter', { name: 'Quality' });
    this.match = page.getByRole('meter', { name: 'Match' });
    this.prompt = page.getByRole('textbox', { name: /^Prompt/ });
    this.overlay = page.getByTestId('overlay');
    this.phrases = page.getByRole('region', { name: 'Phrases of the prompt' }).getByRole('button');
  }

  async open(address = '/'): Promise<void> {
    await this.page.goto(address);
    await expect(this.menu('Machine')).not.toContainText('Checking');
  }

  /** Adds a model folder through the folder dialog. */
  async addModel(folder: string, { precision }: { precision: '32-bit' | '16-bit' | '8-bit' | '4-bit' }): Promise<void> {
    await this.page.getByTestId('pick-folder').setInputFiles(folder);
    const dialog = this.page.getByRole('dialog', { name: 'Add a model' });
    await dialog.getByRole('radio', { name: precision }).check();
    await dialog.getByRole('button', { name: 'Add model' }).click();
    await expect(dialog).toBeHidden();
    await expect(this.menu('Model')).toContainText(precision);
  }

  /** A button of the top bar that opens a panel. */
  menu(label: 'Model' | 'Machine' | 'Export'): Locator {
    return this.page.getByRole('banner').getByRole('button', { name: new RegExp(`^${label}: `) });
  }

  /** Changes the tier in the machine panel. */
  async computeOn(tier: 'GPU, 16-bit' | 'GPU, 32-bit' | 'Processor'): Promise<void> {
    await this.menu('Machine').click();
    await this.page.getByRole('dialog').getByRole('button', { name: tier }).click();
    await expect(this.page.getByRole('dialog').getByRole('button', { name: tier, pressed: true })).toBeEnabled({
      timeout: 150_000,
    });
    await this.page.keyboard.press('Escape');
  }

  async openImages(files: FileToOpen | readonly FileToOpen[] | string[]): Promise<void> {
    await this.page.getByTestId('pick-images').setInputFiles(files as string[]);
  }

  /** Waits until the selected image is analysed. */
  async analysed(): Promise<void> {
    await expect(this.page.getByRole('contentinfo')).toContainText('Done', { timeout: 120_000 });
  }

  /** A gauge's value, 0..100. */
  async value(gauge: Locator): Promise<number> {
    return Number(await gauge.getAttribute('aria-valuenow'));
  }
}

/** The app's own workers. Those of the runtime's threads sleep, and answer nothing. */
export function ownWorkers(page: Page): Worker[] {
  return page.workers().filter((worker) => /\/(refine|compile)\.worker/.test(worker.url()));
}

import type { Page } from '@playwright/test';

/**
 * Calls `note` for what should never happen in a page, its workers, and other pages of its context: console errors,
 * uncaught errors, violations of the content security policy, and requests that leave this machine.
 */
export async function watch(page: Page, note: (offence: string) => void): Promise<void> {
  const context = page.context();
  context.on('console', (message) => {
    if (message.type() === 'error') note(message.text());
  });
  context.on('weberror', (error) => note(String(error.error())));
  context.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (/^(http|ws)/.test(protocol) && hostname !== 'localhost') note(`Request to ${request.url()}`);
  });
  // What the policy forbids in a worker becomes no request and is told to no console: only to Chromium's log.
  const log = await context.newCDPSession(page);
  log.on('Log.entryAdded', ({ entry }) => {
    if (entry.source === 'worker' && entry.level === 'error') note(entry.text);
  });
  await log.send('Log.enable');
}

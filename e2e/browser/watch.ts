import type { ConsoleMessage, Page, Request, WebError } from '@playwright/test';

/**
 * Calls `note` for what should never happen in a page, its workers, and other pages of its context: console errors,
 * uncaught errors, violations of the content security policy, and requests that leave this machine.
 * @returns ends the watch
 */
export async function watch(page: Page, note: (offence: string) => void): Promise<() => Promise<void>> {
  const context = page.context();
  const onConsole = (message: ConsoleMessage) => {
    if (message.type() === 'error') note(message.text());
  };
  const onError = (error: WebError) => note(String(error.error()));
  const onRequest = (request: Request) => {
    const { protocol, hostname } = new URL(request.url());
    if (/^(http|ws)/.test(protocol) && hostname !== 'localhost') note(`Request to ${request.url()}`);
  };
  context.on('console', onConsole);
  context.on('weberror', onError);
  context.on('request', onRequest);
  // What the policy forbids in a worker becomes no request and is told to no console: only to Chromium's log.
  const log = await context.newCDPSession(page);
  log.on('Log.entryAdded', ({ entry }) => {
    if (entry.source === 'worker' && entry.level === 'error') note(entry.text);
  });
  await log.send('Log.enable');
  return async () => {
    context.off('console', onConsole);
    context.off('weberror', onError);
    context.off('request', onRequest);
    if (page.isClosed()) return;
    // The next watch of this page would be told of all that was logged before.
    await log.send('Log.clear');
    await log.detach();
  };
}

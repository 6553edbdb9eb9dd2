/**
 * The service worker: keeps the app itself, so that it starts without a network, and says when there is a newer one.
 *
 * A new build waits until no page of the old one is open, or until the one page that is open asks for it: pages and files of
 * two builds never meet. Workbox would do most of this, but it serves files with the headers that each was fetched with, and
 * hands a new build's files to every page that is open.
 */
import { neededFiles, shellPath } from './shellRequests.ts';
import { type ShellFile, ShellStore } from './shellStore.ts';

/** Filled in by the build (`scripts/serviceWorker.ts`). */
declare const SHELL_FILES: readonly ShellFile[];
declare const SECURITY_HEADERS: Readonly<Record<string, string>>;

interface WaitingEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface FetchEvent extends Event {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
interface AskedEvent extends WaitingEvent {
  readonly data: unknown;
  readonly ports: readonly MessagePort[];
}

/** What is used of `ServiceWorkerGlobalScope`, whose types exclude those of pages. */
declare const self: {
  readonly registration: { readonly scope: string };
  readonly clients: {
    claim(): Promise<void>;
    matchAll(options: { type: 'window'; includeUncontrolled: boolean }): Promise<readonly { readonly url: string }[]>;
  };
  skipWaiting(): Promise<void>;
  addEventListener(type: 'install' | 'activate', listener: (event: WaitingEvent) => void): void;
  addEventListener(type: 'fetch', listener: (event: FetchEvent) => void): void;
  addEventListener(type: 'message', listener: (event: AskedEvent) => void): void;
};

const { scope } = self.registration;
const files = SHELL_FILES;
const paths = new Set(files.map(({ path }) => path));
const store = new ShellStore({ scope, headers: SECURITY_HEADERS, caches, fetch: (request) => fetch(request) });

self.addEventListener('install', (event) => {
  event.waitUntil(store.fetchBuild(neededFiles(files, { hasJspi: 'Suspending' in WebAssembly })));
});

self.addEventListener('activate', (event) => {
  // The first visit's page, too, is served from here on.
  event.waitUntil(store.serveFetched().then(() => self.clients.claim()));
});

self.addEventListener('fetch', (event) => {
  const { method, url, mode, headers } = event.request;
  const path = shellPath({ method, url, mode, hasRange: headers.has('range') }, scope);
  if (path !== null && paths.has(path)) event.respondWith(store.answer(event.request, path));
});

self.addEventListener('message', (event) => {
  if (event.data === 'take over') event.waitUntil(takeOver().then((answer) => event.ports[0]?.postMessage(answer)));
});

/** Takes over from the old build unless other pages than the asking one still run it. */
async function takeOver(): Promise<'taken over' | 'other pages are open'> {
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  if (pages.filter(({ url }) => url.startsWith(scope)).length > 1) return 'other pages are open';
  await self.skipWaiting();
  return 'taken over';
}

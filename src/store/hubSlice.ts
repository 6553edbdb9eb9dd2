import type { HubAccess } from '../hub/publishedFile.ts';
import type { Slice } from './appStore.ts';

/** Where models are fetched from, and as whom. */
export interface HubSlice {
  readonly hub: HubAccess;
  /** Whether the token is kept for the next visit. */
  readonly remembersToken: boolean;
  /** The addresses this page is allowed to fetch from, the default first; empty: not known. */
  readonly hubEndpoints: readonly string[];

  /** Learns them from whoever serves the app. */
  loadHubEndpoints(): Promise<void>;
  /** Null: the first of those allowed. Anything that is no web address is ignored. */
  setHubEndpoint(endpoint: string | null): void;
  /** Null: none. It stays in memory unless it is to be remembered. */
  setHubToken(token: string | null, options: { readonly remember: boolean }): void;
}

/** An address as it is compared and asked: without what follows it; null: it is no web address. */
export function normalEndpoint(text: string): string | null {
  const typed = text.trim();
  const url = URL.parse(/^https?:\/\//i.test(typed) ? typed : `https://${typed}`);
  if (!url || typed === '' || url.username || url.password) return null;
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

/** Whether the page may fetch from an address: its security policy allows whole hosts. */
export function isAllowedEndpoint(endpoint: string, allowed: readonly string[]): boolean {
  const origin = URL.parse(endpoint)?.origin;
  return origin !== undefined && allowed.some((one) => URL.parse(one)?.origin === origin);
}

/** The hub's part of the store. */
export const createHubSlice: Slice<HubSlice> = (set, get, { preferences, remember, allowedEndpoints }) => {
  const first = () => get().hubEndpoints[0] ?? 'https://huggingface.co';
  let chosen = preferences.hubEndpoint;
  /** What was refused there may be given here. */
  const forgetFailures = () =>
    set({ estimates: Object.fromEntries(Object.entries(get().estimates).filter(([, { is }]) => is !== 'failed')) });
  return {
    hub: { endpoint: chosen ?? 'https://huggingface.co', token: preferences.hubToken },
    remembersToken: preferences.hubToken !== null,
    hubEndpoints: [],

    loadHubEndpoints: async () => {
      try {
        set({ hubEndpoints: await allowedEndpoints() });
      } catch {
        // The usual address stays; a request that is refused tells why.
      }
      set({ hub: { ...get().hub, endpoint: chosen ?? first() } });
    },
    setHubEndpoint: (text) => {
      const typed = text === null || text.trim() === '' ? first() : normalEndpoint(text);
      if (typed === null) return;
      chosen = typed === first() ? null : typed;
      set({ hub: { ...get().hub, endpoint: typed } });
      remember({ hubEndpoint: chosen });
      forgetFailures();
    },
    setHubToken: (text, options) => {
      const token = text?.trim() || null;
      set({ hub: { ...get().hub, token }, remembersToken: options.remember });
      remember({ hubToken: options.remember ? token : null });
      forgetFailures();
    },
  };
};

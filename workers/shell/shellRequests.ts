import type { ShellFile } from './shellStore.ts';

/** What decides whether a request is for one of the app's own files. */
export interface AskedFor {
  readonly method: string;
  readonly url: string;
  /** `navigate` for pages. */
  readonly mode: string;
  readonly hasRange: boolean;
}

/**
 * The path of the app's file that a request asks for; null: none of ours, it goes to the network as if nobody stood between.
 *
 * @param scope the app's root, ending in a slash
 */
export function shellPath({ method, url, mode, hasRange }: AskedFor, scope: string): string | null {
  const { origin, pathname } = new URL(url);
  const root = new URL(scope);
  // Ranges are pieces of models, never of the app.
  if (method !== 'GET' || hasRange || origin !== root.origin || !pathname.startsWith(root.pathname)) return null;
  const path = pathname.slice(root.pathname.length);
  if (path === '') return mode === 'navigate' ? 'index.html' : null;
  return path;
}

/** The files that this browser may ever need: of the runtime's builds (`src/runtime/onnxRuntime.ts`), it uses some alone. */
export function neededFiles(files: readonly ShellFile[], { hasJspi }: { hasJspi: boolean }): ShellFile[] {
  return files.filter(({ path }) => {
    const build = /^assets\/ort-wasm-simd-threaded(?:\.(\w+))?-/.exec(path);
    return !build || (build[1] === 'jspi') === hasJspi;
  });
}

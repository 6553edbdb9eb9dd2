import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'vite';
import { securityHeaders } from './serve.mjs';

/** Written by the server as it is configured, so that no hash is known beforehand. */
const MADE_BY_SERVER = 'hub.json';

/**
 * Builds the service worker (`workers/shell`) beside the app when all its other files are written, with their list and hashes.
 * There is none while developing: it would serve yesterday's files.
 */
export function serviceWorker(): Plugin {
  let folder = '';
  return {
    name: 'service-worker',
    apply: 'build',
    configResolved(config) {
      folder = join(config.root, config.build.outDir);
    },
    closeBundle: {
      order: 'post',
      sequential: true,
      async handler() {
        const headers = Object.entries(securityHeaders()).map(([name, value]) => [name.toLowerCase(), value]);
        await build({
          configFile: false,
          publicDir: false,
          logLevel: 'warn',
          define: {
            SHELL_FILES: JSON.stringify(shellFiles(folder)),
            SECURITY_HEADERS: JSON.stringify(Object.fromEntries(headers)),
          },
          build: {
            target: 'es2023',
            outDir: folder,
            emptyOutDir: false,
            copyPublicDir: false,
            rolldownOptions: {
              input: fileURLToPath(new URL('../workers/shell/shell.worker.ts', import.meta.url)),
              output: { format: 'iife', entryFileNames: 'sw.js' },
            },
          },
        });
      },
    },
  };
}

/** Installed into the browser's storage of models by the app itself, like all others. */
const MODELS = /^blocks\//;

/** What a build needs to run, its page first: the page says how all others are served. */
export function shellFiles(folder: string): { path: string; integrity: string | null }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.map$|\.md$|^\.|^sw\.js$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({
      file,
      path: file
        .slice(folder.length + 1)
        .split(sep)
        .join('/'),
    }))
    .filter(({ path }) => !MODELS.test(path))
    .sort((a, b) => Number(b.path === 'index.html') - Number(a.path === 'index.html') || (a.path < b.path ? -1 : 1))
    .map(({ file, path }) => ({ path, integrity: path === MADE_BY_SERVER ? null : integrity(file) }));
}

function integrity(file: string): string {
  return `sha256-${createHash('sha256').update(readFileSync(file)).digest('base64')}`;
}

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { tokenizerWithoutRuntime } from '../../vite.config.ts';
import { SUITE_FOLDER } from '../browser/chosenBrowser.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Lets the pages start workers as the app does: the server's policy asks for it. */
function underThePolicy(): Plugin {
  return {
    name: 'under-the-policy',
    transformIndexHtml: {
      order: 'pre',
      handler: () => [{ tag: 'script', attrs: { type: 'module', src: './trustedTypes.ts' }, injectTo: 'head-prepend' }],
    },
  };
}

/** Test-only pages, one HTML file each; they never end in the app's build. The fixtures lie beside them. */
export default defineConfig({
  root: here,
  publicDir: fileURLToPath(new URL('../../reference/fixtures', import.meta.url)),
  plugins: [react(), tokenizerWithoutRuntime(), underThePolicy()],
  worker: { format: 'es', plugins: () => [tokenizerWithoutRuntime()] },
  build: {
    target: 'es2023',
    outDir: fileURLToPath(new URL(`../../${SUITE_FOLDER}/pages`, import.meta.url)),
    emptyOutDir: true,
    minify: false,
    rolldownOptions: {
      checks: { pluginTimings: false },
      input: readdirSync(here)
        .filter((file) => file.endsWith('.html'))
        .map((file) => here + file),
    },
  },
});

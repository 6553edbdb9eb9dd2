import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { tokenizerWithoutRuntime } from '../../vite.config.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Test-only pages, one HTML file each; they never end in the app's build. The fixtures lie beside them. */
export default defineConfig({
  root: here,
  publicDir: fileURLToPath(new URL('../../reference/fixtures', import.meta.url)),
  plugins: [tokenizerWithoutRuntime()],
  worker: { format: 'es', plugins: () => [tokenizerWithoutRuntime()] },
  build: {
    target: 'es2023',
    outDir: fileURLToPath(new URL('../../.cache/pages', import.meta.url)),
    emptyOutDir: true,
    minify: false,
    rolldownOptions: {
      input: readdirSync(here)
        .filter((file) => file.endsWith('.html'))
        .map((file) => here + file),
    },
  },
});

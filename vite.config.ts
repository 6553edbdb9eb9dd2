import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { blocksFiles } from './scripts/blocksFiles.ts';
import { ISOLATION_HEADERS } from './scripts/serve.mjs';
import { serviceWorker } from './scripts/serviceWorker.ts';

/**
 * Of transformers.js only the tokenizer is used, but it imports a build of onnxruntime-web of its own, and points it at a CDN.
 * Giving it the interfaces alone keeps one runtime in the bundle: the one `src/runtime` chooses.
 */
export function tokenizerWithoutRuntime(): Plugin {
  return {
    name: 'tokenizer-without-runtime',
    enforce: 'pre',
    resolveId(source, importer) {
      if (source !== 'onnxruntime-web/webgpu' || !importer?.includes('/@xenova/transformers/')) return null;
      return this.resolve('onnxruntime-common', importer);
    },
  };
}

export default defineConfig(({ mode }) => ({
  // Also in a folder of a host.
  base: './',
  plugins: [react(), tokenizerWithoutRuntime(), blocksFiles(), serviceWorker()],
  worker: { format: 'es', plugins: () => [tokenizerWithoutRuntime()] },
  build: {
    target: 'es2023',
    sourcemap: true,
    chunkSizeWarningLimit: 2000,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  // Pre-bundling would move the runtime's modules away from the wasm files they load.
  optimizeDeps: { exclude: ['onnxruntime-web', '@xenova/transformers'] },
  server: { headers: ISOLATION_HEADERS },
  resolve: {
    // In Node, transformers.js would ask for a native runtime, which is not installed: the tests use what the browser uses.
    alias:
      mode === 'test'
        ? {
            '@xenova/transformers': fileURLToPath(
              new URL('node_modules/@xenova/transformers/dist/transformers.web.js', import.meta.url),
            ),
          }
        : {},
  },
  test: {
    include: [
      'src/**/*.test.ts',
      'scripts/**/*.test.ts',
      'workers/**/*.test.ts',
      'bench/**/*.test.ts',
      'e2e/**/*.test.ts',
    ],
    environment: 'node',
    // On two cores, Vitest's own choice is one.
    maxWorkers: '100%',
    // Some compile whole models, and machines that test are often slow and busy. A hang is still found.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    server: { deps: { inline: ['@xenova/transformers'] } },
  },
}));

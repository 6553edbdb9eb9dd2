import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { ISOLATION_HEADERS } from './scripts/serve.mjs';

/**
 * One onnxruntime-web in the bundle: transformers.js, of which only the tokenizer is used, asks for the `webgpu` build;
 * we load a build ourselves, by what the browser can do (`src/runtime`). This replaces its import by the small part it
 * touches when it is loaded.
 */
export default defineConfig({
  plugins: [react()],
  worker: { format: 'es' },
  build: { target: 'es2023', sourcemap: true, chunkSizeWarningLimit: 2000 },
  // Pre-bundling would move the runtime's modules away from the wasm files they load.
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  server: { headers: ISOLATION_HEADERS },
  test: {
    include: [
      'src/**/*.test.ts',
      'scripts/**/*.test.ts',
      'workers/**/*.test.ts',
      'bench/**/*.test.ts',
      'e2e/**/*.test.ts',
    ],
    environment: 'node',
  },
});

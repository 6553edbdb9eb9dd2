import { expect, test } from 'vitest';
import { neededFiles, shellPath } from './shellRequests.ts';

const SCOPE = 'https://host.example/app/';
const ask = (url: string, other = {}) =>
  shellPath({ method: 'GET', url: new URL(url, SCOPE).href, mode: 'cors', hasRange: false, ...other }, SCOPE);

test('answers for the app’s own files', () => {
  expect(ask('assets/a.js')).toBe('assets/a.js');
  expect(ask('assets/a.js?worker')).toBe('assets/a.js');
  expect(ask('./?from=icon', { mode: 'navigate' })).toBe('index.html');
});

test('leaves everything else alone', () => {
  expect(ask('https://huggingface.co/app/assets/a.js')).toBeNull();
  expect(ask('/other/assets/a.js')).toBeNull();
  expect(ask('assets/a.js', { method: 'POST' })).toBeNull();
  expect(ask('assets/a.js', { hasRange: true })).toBeNull();
  expect(ask('./')).toBeNull();
});

test('keeps the runtime’s build that this browser uses, and not the others', () => {
  const files = ['', '.jspi', '.asyncify']
    .flatMap((build) => [
      `assets/ort-wasm-simd-threaded${build}-1-b.wasm`,
      `assets/ort-wasm-simd-threaded${build}-2_.mjs`,
    ])
    .concat('assets/ort.jspi.bundle.min-a.js', 'index.html')
    .map((path) => ({ path, integrity: 'sha256-' }));
  const kept = (hasJspi: boolean) => neededFiles(files, { hasJspi }).map(({ path }) => path);
  expect(kept(true)).toEqual([
    'assets/ort-wasm-simd-threaded.jspi-1-b.wasm',
    'assets/ort-wasm-simd-threaded.jspi-2_.mjs',
    'assets/ort.jspi.bundle.min-a.js',
    'index.html',
  ]);
  expect(kept(false)).toEqual([
    'assets/ort-wasm-simd-threaded-1-b.wasm',
    'assets/ort-wasm-simd-threaded-2_.mjs',
    'assets/ort-wasm-simd-threaded.asyncify-1-b.wasm',
    'assets/ort-wasm-simd-threaded.asyncify-2_.mjs',
    'assets/ort.jspi.bundle.min-a.js',
    'index.html',
  ]);
});

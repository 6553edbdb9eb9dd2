import type * as Ort from 'onnxruntime-web';
import asyncifyModule from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url';
import asyncifyBinary from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import jspiModule from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.mjs?url';
import jspiBinary from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm?url';
import wasmModule from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasmBinary from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import { UserError } from '../errors.ts';
import { SerialQueue } from './serialQueue.ts';
import type { Tier } from './status.ts';

export type OnnxRuntime = typeof Ort;

/**
 * Builds of onnxruntime-web. `jspi` and `asyncify` have the WebGPU provider and differ in how WebAssembly waits for a
 * promise; `wasm` has none. Every build has the WebAssembly provider.
 */
export type OnnxBuild = 'jspi' | 'asyncify' | 'wasm';

/** More threads than this gain little for models of our size and cost memory each. */
const MAX_WASM_THREADS = 8;

/** All calls into onnxruntime of this thread, whatever the build or session. */
export const onnxQueue = new SerialQueue();

const loaded = new Map<OnnxBuild, Promise<OnnxRuntime>>();

/** The build that runs a tier best in this browser. */
export function buildFor(tier: Tier): OnnxBuild {
  const hasJspi = 'Suspending' in WebAssembly;
  if (hasJspi) return 'jspi';
  return tier === 'wasm' ? 'wasm' : 'asyncify';
}

/** Threads of the WebAssembly provider: one without SharedArrayBuffer, which needs cross-origin isolation. */
export function wasmThreads(): number {
  return globalThis.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MAX_WASM_THREADS) : 1;
}

/**
 * Loads a build, once; its files are ours, no other machine is asked. The wasm module is compiled by the first session.
 * @throws {UserError} `DownloadError`: the page is offline and the build is not in the browser's cache
 */
export function loadOnnxRuntime(build: OnnxBuild): Promise<OnnxRuntime> {
  let runtime = loaded.get(build);
  if (!runtime) {
    runtime = load(build).catch((error: unknown) => {
      loaded.delete(build);
      throw new UserError('DownloadError', `The runtime could not be loaded: ${(error as Error).message}`, {
        cause: error,
      });
    });
    loaded.set(build, runtime);
  }
  return runtime;
}

async function load(build: OnnxBuild): Promise<OnnxRuntime> {
  const [runtime, mjs, wasm] = await {
    jspi: async () => [await import('onnxruntime-web/jspi'), jspiModule, jspiBinary] as const,
    asyncify: async () => [await import('onnxruntime-web/webgpu'), asyncifyModule, asyncifyBinary] as const,
    wasm: async () => [await import('onnxruntime-web/wasm'), wasmModule, wasmBinary] as const,
  }[build]();
  const { env } = runtime;
  // Absolute and of this origin: then the thread workers start from this address itself, and no `blob:` is needed.
  // Set whatever stands there: transformers.js, where it shares the build, points it at a CDN.
  env.wasm.wasmPaths = { mjs: new URL(mjs, location.href).href, wasm: new URL(wasm, location.href).href };
  env.wasm.numThreads = wasmThreads();
  env.wasm.proxy = false;
  env.logLevel = 'error';
  return runtime;
}

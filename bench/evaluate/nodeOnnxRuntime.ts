/** What `src/runtime/onnxRuntime.ts` is in a browser, for Node: the WebAssembly provider alone. */
import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-web';
import { SerialQueue } from '../../src/runtime/serialQueue.ts';

export type OnnxRuntime = typeof ort;
export type OnnxBuild = 'wasm';

export const onnxQueue = new SerialQueue();

export function buildFor(): OnnxBuild {
  return 'wasm';
}

export function wasmThreads(): number {
  return Math.min(availableParallelism(), 8);
}

export async function loadOnnxRuntime(): Promise<OnnxRuntime> {
  ort.env.wasm.numThreads = wasmThreads();
  ort.env.logLevel = 'error';
  return ort;
}

import * as ort from 'onnxruntime-web';
import type { SessionFactory } from './clipComparison.ts';

/** Makes sessions in onnxruntime's WebAssembly provider alone: for tests in Node. */
export const wasmSession: SessionFactory = async (model, shards) => {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ['wasm'],
    externalData: [...shards].map(([path, data]) => ({ path, data })),
  });
  return {
    async run(feeds) {
      const tensors = Object.entries(feeds).map(([name, { data, dims }]) => {
        const tensor =
          data instanceof Int32Array ? new ort.Tensor(data, dims) : new ort.Tensor(data as Float32Array, dims);
        return [name, tensor] as const;
      });
      const outputs = await session.run(Object.fromEntries(tensors));
      return Object.fromEntries(
        Object.entries(outputs).map(([name, { data, dims }]) => [name, { data: data as Float32Array, dims }]),
      );
    },
    dispose: () => session.release(),
  };
};

import { buildFor, loadOnnxRuntime } from '../../src/runtime/onnxRuntime.ts';
import { Runtime } from '../../src/runtime/runtime.ts';
import { convCheck } from '../../src/runtime/selfTestChecks.ts';
import type { Tier } from '../../src/runtime/status.ts';

export interface ConvolutionOptions {
  readonly tier: Tier;
  /** Of the input. */
  readonly channels: number;
}

/** Error of one 3×3 convolution against the sum in float64, relative to its largest number. */
async function bench({ tier, channels }: ConvolutionOptions): Promise<{ error: number }> {
  const runtime = await Runtime.start({ preferred: tier });
  if (runtime.status.tier !== tier) throw new Error(`${tier} is not available: ${JSON.stringify(runtime.status)}`);
  const ort = await loadOnnxRuntime(buildFor(tier));
  const { model, feeds, exact } = convCheck('float32', { channels });
  const session = await ort.InferenceSession.create(model, {
    executionProviders: runtime.device ? [{ name: 'webgpu', device: runtime.device }] : ['wasm'],
  });
  const inputs = Object.entries(feeds).map(
    ([name, { data, dims }]) => [name, new ort.Tensor('float32', data as Float32Array, dims)] as const,
  );
  const { y } = await session.run(Object.fromEntries(inputs));
  const found = y?.data as Float32Array;
  await session.release();
  await runtime.dispose();
  const largest = exact.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return { error: exact.reduce((most, value, i) => Math.max(most, Math.abs(value - (found[i] ?? 0))), 0) / largest };
}

Object.assign(globalThis, { bench });

import type { InferenceSession } from 'onnxruntime-web';
import type { GpuDevice } from './device.ts';

/**
 * Options of every session on WebGPU: the device is ours, and a node that it cannot run is refused.
 * @param placed outputs that stay on the device
 * @param layout of convolutions; the runtime's own choice, channels last, by default
 */
export function webgpuOptions(
  { device }: GpuDevice,
  { placed, layout }: { readonly placed: readonly string[]; readonly layout?: 'NCHW' | 'NHWC' },
): InferenceSession.SessionOptions {
  const provider: InferenceSession.WebGpuExecutionProviderOption = {
    name: 'webgpu',
    device,
    // The quantised products; plain ones accumulate in float32 by a shader patch.
    enableMatmulFp32Accumulation: true,
    ...(layout && { preferredLayout: layout }),
  };
  return {
    executionProviders: [provider],
    extra: { session: { disable_cpu_ep_fallback: '1' } },
    preferredOutputLocation: Object.fromEntries(placed.map((name) => [name, 'gpu-buffer' as const])),
  };
}

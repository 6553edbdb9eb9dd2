import type { AdapterStatus } from './status.ts';

/** The adapter that fits heavy work best; null where the browser has no WebGPU or offers no adapter. */
export async function requestAdapter(): Promise<GPUAdapter | null> {
  // Undefined outside secure contexts and in browsers without WebGPU, whatever the types say.
  const gpu: GPU | undefined = navigator.gpu;
  return (await gpu?.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null)) ?? null;
}

/** The adapter as plain data. */
export function describeAdapter({ info, features, limits }: GPUAdapter): AdapterStatus {
  return {
    vendor: info.vendor,
    architecture: info.architecture,
    description: info.description,
    isSoftware: isSoftware(info),
    hasF16: features.has('shader-f16'),
    maxBufferSize: limits.maxBufferSize,
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
  };
}

/** Names that Vulkan, Direct3D and OpenGL implementations on the CPU give themselves. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/i;

/** Whether an adapter is the CPU in disguise: WebAssembly is three to four times as fast there. */
export function isSoftware({
  vendor,
  architecture,
  description,
  isFallbackAdapter,
}: Pick<GPUAdapterInfo, 'vendor' | 'architecture' | 'description'> & {
  readonly isFallbackAdapter?: boolean;
}): boolean {
  return isFallbackAdapter === true || SOFTWARE.test(`${vendor} ${architecture} ${description}`);
}

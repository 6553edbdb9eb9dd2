import { UserError } from '../errors.ts';
import { patchShader, type ShaderPatch } from './shaderPatches.ts';

/** What our kernels and onnxruntime's use where the adapter has it. */
const FEATURES: readonly GPUFeatureName[] = ['shader-f16', 'subgroups'];

/** The GPU device that onnxruntime and our own shaders share. */
export interface GpuDevice {
  readonly device: GPUDevice;
  readonly isLost: boolean;
  /** Settles when the device is gone, with a sentence for the user; also after {@link lose}. */
  readonly lost: Promise<string>;
  /** Gives the device up, as a driver's reset would. Whoever uses it sees it lost. */
  lose(): void;
}

/**
 * Opens a device with all the adapter's limits.
 *
 * Features are named one by one: onnxruntime also has kernels for experimental ones (subgroup matrices), which accumulate
 * in float16 and which it picks where the device has them.
 * @param patches changes to every shader made on the device, so on onnxruntime's too. They have to be there before
 *   onnxruntime sees the device: it keeps compiled pipelines.
 * @throws {UserError} `WebGpuUnavailableError`
 */
export async function openDevice(
  adapter: GPUAdapter,
  { patches = new Set<ShaderPatch>() }: { patches?: ReadonlySet<ShaderPatch> } = {},
): Promise<GpuDevice> {
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice({
      requiredFeatures: FEATURES.filter((feature) => adapter.features.has(feature)),
      requiredLimits: allLimits(adapter.limits),
    });
  } catch (error) {
    throw new UserError('WebGpuUnavailableError', `The GPU could not be opened: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const createShaderModule = device.createShaderModule.bind(device);
  // Shadows the prototype's method for this device alone; onnxruntime calls it on the object it was given.
  device.createShaderModule = (descriptor) =>
    createShaderModule({ ...descriptor, code: patchShader(descriptor.code, patches) });

  let isLost = false;
  const lost = device.lost.then(({ reason, message }) => {
    isLost = true;
    return lossInWords(reason, message);
  });
  return {
    device,
    get isLost() {
      return isLost;
    },
    lost,
    lose() {
      isLost = true;
      device.destroy();
    },
  };
}

function allLimits(limits: GPUSupportedLimits): Record<string, number> {
  const all: Record<string, number> = {};
  for (const name in limits) {
    const value = limits[name as keyof GPUSupportedLimits];
    if (typeof value === 'number') all[name] = value;
  }
  return all;
}

function lossInWords(reason: GPUDeviceLostReason, message: string): string {
  const cause = message.trim().replace(/\.$/, '');
  if (reason === 'destroyed') return 'The GPU device was closed.';
  return `The GPU stopped working${cause === '' ? '' : ` (${cause})`}; another program or the driver may have reset it.`;
}

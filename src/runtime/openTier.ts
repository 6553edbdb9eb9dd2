import { UserError } from '../errors.ts';
import { requestAdapter } from './adapter.ts';
import { ArrayTensors } from './arrayTensors.ts';
import { type GpuDevice, openDevice } from './device.ts';
import { GpuTensors } from './gpuTensors.ts';
import { buildFor, loadOnnxRuntime } from './onnxRuntime.ts';
import type { PlacedTensors } from './placedTensors.ts';
import { type SelfTestStore, selfTest, selfTestKey } from './selfTest.ts';
import type { ModelSession } from './session.ts';
import type { ShaderPatch } from './shaderPatches.ts';
import { probeShaders } from './shaderProbes.ts';
import type { AdapterStatus, SelfTestReport, Tier } from './status.ts';

/** A tier ready to run: its device, if it has one, and the sessions and tensors on it. */
export class RunningTier {
  readonly tier: Tier;
  readonly gpu: GpuDevice | null;
  readonly tensors: PlacedTensors;
  readonly #sessions = new Set<ModelSession>();
  #isClosed = false;

  constructor(tier: Tier, gpu: GpuDevice | null) {
    this.tier = tier;
    this.gpu = gpu;
    this.tensors = gpu ? new GpuTensors(gpu) : new ArrayTensors();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Makes a session end with the tier; at once, where the tier is closed already. */
  keep(session: ModelSession): void {
    for (const kept of this.#sessions) {
      if (kept.isUsable) continue;
      this.#sessions.delete(kept);
      void kept.dispose();
    }
    this.#sessions.add(session);
    if (this.#isClosed) void session.dispose();
  }

  /** Frees all sessions, all tensors and the device. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#sessions].map((session) => session.dispose()));
    this.#sessions.clear();
    this.tensors.dispose();
    this.gpu?.lose();
  }
}

export interface OpenTierOptions {
  readonly adapter: AdapterStatus | null;
  readonly selfTests?: SelfTestStore;
  readonly skipSelfTest?: boolean;
  /** Instead of the patches this GPU needs. */
  readonly patches?: ReadonlySet<ShaderPatch>;
}

/**
 * Opens a tier: a device with the shader patches it needs, and the self-test's report, a kept one where there is one.
 * @throws {UserError} `WebGpuUnavailableError`, `DownloadError`; `DeviceLostError`, `OutOfMemoryError` from the self-test
 */
export async function openTier(
  tier: Tier,
  { adapter, selfTests, skipSelfTest = false, patches: given }: OpenTierOptions,
): Promise<{ running: RunningTier; report: SelfTestReport }> {
  const patches = new Set<ShaderPatch>(given);
  const gpu = tier === 'wasm' ? null : await openWebGpu(patches, { probe: !given, needsF16: tier === 'webgpu-fp16' });
  const running = new RunningTier(tier, gpu);
  try {
    const empty: SelfTestReport = { tier, passed: true, checks: [], patches: [...patches] };
    if (skipSelfTest) return { running, report: empty };
    const build = buildFor(tier);
    const runtimeVersion = `${(await loadOnnxRuntime(build)).env.versions.web} ${build}`;
    const key = selfTestKey(tier, { adapter, runtimeVersion, patches, userAgent: navigator.userAgent });
    const kept = await selfTests?.read(key);
    const report = kept ?? (await selfTest(tier, { gpu, patches }));
    if (!kept && report.passed) await selfTests?.write(key, report);
    return { running, report };
  } catch (error) {
    await running.close();
    throw error;
  }
}

/** @param patches on the device; those that probing finds necessary are added */
async function openWebGpu(
  patches: Set<ShaderPatch>,
  { probe, needsF16 }: { probe: boolean; needsF16: boolean },
): Promise<GpuDevice> {
  // An adapter opens one device only, so every device starts from a new one.
  const adapter = await requestAdapter();
  if (!adapter) throw new UserError('WebGpuUnavailableError', 'The browser offers no GPU any more; reload the page.');
  const gpu = await openDevice(adapter, { patches });
  if (probe) {
    const needed = await probeShaders(gpu.device);
    // Without float16 kernels there is nothing to accumulate.
    if (!needsF16) needed.delete('float32 accumulation');
    for (const patch of needed) patches.add(patch);
  }
  return gpu;
}

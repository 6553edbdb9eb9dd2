import { UserError } from '../errors.ts';
import { describeAdapter, requestAdapter } from './adapter.ts';
import { automaticBudget } from './memoryEstimate.ts';
import { wasmThreads } from './onnxRuntime.ts';
import { openTier, type RunningTier } from './openTier.ts';
import { Residency } from './residency.ts';
import { RuntimeTensors } from './runtimeTensors.ts';
import { failureInWords, type SelfTestStore } from './selfTest.ts';
import { SerialQueue } from './serialQueue.ts';
import { createSession, type ExternalShard, type ModelSession } from './session.ts';
import type { ShaderPatch } from './shaderPatches.ts';
import type { AdapterStatus, RuntimeStatus, SelfTestReport, Tier } from './status.ts';
import { listTiers, type TierFacts, tiersToTry } from './tiers.ts';

export interface RuntimeOptions {
  /** Tried first; null: the machine's best. */
  readonly preferred?: Tier | null;
  readonly selfTests?: SelfTestStore;
  /** For tests that show what the patches are for: these instead of the ones this GPU needs. */
  readonly patches?: ReadonlySet<ShaderPatch>;
}

/**
 * The one owner of the GPU device and of onnxruntime in its thread. Finds out which tiers this machine has, tests the one to
 * use, and makes sessions on it; opens a new device when one is lost.
 */
export class Runtime {
  /** Tensors where the running tier computes. All that is not on its device any more is gone. */
  readonly tensors = new RuntimeTensors(() => this.#current.tensors);
  /** The parts of models that are in memory, whoever uses them. */
  readonly residency = new Residency(automaticBudget('wasm', null));
  readonly #options: RuntimeOptions;
  readonly #refused = new Map<Tier, string>();
  readonly #reports = new Map<Tier, SelfTestReport>();
  readonly #lossListeners = new Set<(reason: string) => void>();
  /** Opening and closing of tiers, one at a time. */
  readonly #changes = new SerialQueue();
  #adapter: AdapterStatus | null = null;
  #running: RunningTier | null = null;

  private constructor(options: RuntimeOptions) {
    this.#options = options;
  }

  /**
   * Starts on the preferred tier, or else on the best that passes its self-test.
   * @throws {UserError} `TierUnavailableError` where not even WebAssembly computes rightly; `DownloadError`
   */
  static async start(options: RuntimeOptions = {}): Promise<Runtime> {
    const runtime = new Runtime(options);
    const adapter = await requestAdapter();
    runtime.#adapter = adapter && describeAdapter(adapter);
    for (const tier of tiersToTry(runtime.#facts, options.preferred ?? null)) {
      const running = await runtime.#open(tier);
      if (!running) continue;
      runtime.#use(running);
      return runtime;
    }
    throw new UserError('TierUnavailableError', [...runtime.#refused.values()].join(' '));
  }

  get status(): RuntimeStatus {
    return {
      tier: this.#current.tier,
      tiers: listTiers(this.#facts),
      adapter: this.#adapter,
      selfTests: [...this.#reports.values()],
      wasmThreads: wasmThreads(),
      crossOriginIsolated: globalThis.crossOriginIsolated,
    };
  }

  /** The device of the running tier, for our own shaders; null on `wasm` and after a loss. */
  get device(): GPUDevice | null {
    const { gpu } = this.#current;
    return gpu && !gpu.isLost ? gpu.device : null;
  }

  /**
   * Changes the tier once it has passed its self-test. All sessions are disposed; those who hold them see `isUsable` false
   * and make new ones.
   * @throws {UserError} `TierUnavailableError`, and the runtime stays on its tier
   */
  selectTier(tier: Tier): Promise<RuntimeStatus> {
    return this.#changes.run(async () => {
      if (tier === this.#current.tier && !this.#current.gpu?.isLost) return this.status;
      const { available, reason } = listTiers(this.#facts).find((listed) => listed.tier === tier) ?? {};
      const next = available ? await this.#open(tier) : null;
      if (!next) throw new UserError('TierUnavailableError', this.#refused.get(tier) ?? reason ?? `No tier "${tier}"`);
      await this.#current.close();
      this.#use(next);
      return this.status;
    });
  }

  /** Calls `onLost` with a sentence each time the device in use is lost. */
  onDeviceLost(onLost: (reason: string) => void): void {
    this.#lossListeners.add(onLost);
  }

  /**
   * Opens a new device, if the last one is lost.
   * @throws {UserError} `WebGpuUnavailableError`
   */
  async ready(): Promise<void> {
    await this.#changes.run(() => this.#recovered());
  }

  /**
   * Makes a session on the running tier; on a new device, if the last one is lost.
   * @param options `placed`: outputs that every run writes to a tensor given by the caller
   * @throws {UserError} `DeviceLostError`, `OutOfMemoryError`, `DownloadError`, `WebGpuUnavailableError`
   */
  async createSession(
    model: Uint8Array,
    externalData: readonly ExternalShard[] = [],
    options: { readonly placed?: readonly string[] } = {},
  ): Promise<ModelSession> {
    const running = await this.#changes.run(() => this.#recovered());
    const session = await createSession(model, { ...options, tier: running.tier, gpu: running.gpu, externalData });
    running.keep(session);
    // The tier may have changed meanwhile.
    return session.isUsable || running === this.#running ? session : this.createSession(model, externalData, options);
  }

  /** Gives the device up, as a driver's reset would: for tests. */
  loseDevice(): void {
    this.#current.gpu?.lose();
  }

  /** Frees all sessions and the device. */
  dispose(): Promise<void> {
    return this.#changes.run(async () => {
      await this.#running?.close();
      this.#running = null;
    });
  }

  get #facts(): TierFacts {
    return { adapter: this.#adapter, hasWebGpu: Boolean(navigator.gpu), refused: this.#refused };
  }

  get #current(): RunningTier {
    if (!this.#running) throw new TypeError('The runtime is not running');
    return this.#running;
  }

  /** Opens and tests a tier; null and a reason in `#refused` where it does not pass. */
  async #open(tier: Tier): Promise<RunningTier | null> {
    try {
      const { running, report } = await openTier(tier, { ...this.#options, adapter: this.#adapter });
      this.#reports.set(tier, report);
      if (report.passed) return this.#watched(running);
      this.#refused.set(tier, failureInWords(report));
      await running.close();
    } catch (error) {
      if (!(error instanceof UserError) || error.name === 'DownloadError') throw error;
      this.#refused.set(tier, error.message);
    }
    return null;
  }

  async #recovered(): Promise<RunningTier> {
    const { tier, gpu } = this.#current;
    if (!gpu?.isLost) return this.#current;
    await this.#current.close();
    // The GPU is the one that passed; testing again would only delay the user.
    const { running } = await openTier(tier, { ...this.#options, adapter: this.#adapter, skipSelfTest: true });
    this.#use(this.#watched(running));
    return running;
  }

  #use(running: RunningTier): void {
    this.#running = running;
    this.residency.forgetAll();
    this.residency.setAutomaticBudget(automaticBudget(running.tier, this.#adapter));
  }

  #watched(running: RunningTier): RunningTier {
    running.gpu?.lost.then((reason) => {
      if (!running.isClosed) for (const onLost of this.#lossListeners) onLost(reason);
    });
    return running;
  }
}

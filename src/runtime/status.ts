/** Plain data about what this machine can do; crosses from the worker to the page. Types only. */

/** How graphs are run, best first. */
export type Tier = 'webgpu-fp16' | 'webgpu-fp32' | 'wasm';

/** One tier and whether it can be chosen. */
export interface TierStatus {
  readonly tier: Tier;
  readonly available: boolean;
  /** Why it is unavailable, or why it is not the default; null where there is nothing to say. A sentence for the user. */
  readonly reason: string | null;
}

/** One numerical check of the self-test. */
export interface SelfTestCheck {
  /** For example `attention fp16`. */
  readonly name: string;
  /** Largest error relative to the largest exact value. */
  readonly error: number;
  readonly bound: number;
  readonly passed: boolean;
  /** What the kernel threw, where it did not run at all. */
  readonly problem?: string;
}

/** What the self-test of a tier found. */
export interface SelfTestReport {
  readonly tier: Tier;
  readonly passed: boolean;
  readonly checks: readonly SelfTestCheck[];
  /** Shader patches in force, by name. */
  readonly patches: readonly string[];
}

/** The GPU as the browser describes it. */
export interface AdapterStatus {
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  readonly isSoftware: boolean;
  readonly hasF16: boolean;
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
}

/** State of the runtime after it started or changed tier. */
export interface RuntimeStatus {
  readonly tier: Tier;
  readonly tiers: readonly TierStatus[];
  /** Null: this browser offers no WebGPU adapter. */
  readonly adapter: AdapterStatus | null;
  readonly selfTests: readonly SelfTestReport[];
  readonly wasmThreads: number;
  readonly crossOriginIsolated: boolean;
}

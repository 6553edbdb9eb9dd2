import { UserError } from '../errors.ts';
import type { GpuDevice } from './device.ts';
import { type NumericCheck, numericChecks } from './selfTestChecks.ts';
import { createSession } from './session.ts';
import type { ShaderPatch } from './shaderPatches.ts';
import type { AdapterStatus, SelfTestCheck, SelfTestReport, Tier } from './status.ts';

/** What a report holds for: the same key, the same result. For callers that keep reports between visits. */
export function selfTestKey(
  tier: Tier,
  {
    adapter,
    patches,
    runtimeVersion,
    userAgent,
  }: {
    adapter: AdapterStatus | null;
    patches: ReadonlySet<ShaderPatch>;
    runtimeVersion: string;
    userAgent: string;
  },
): string {
  const gpu =
    tier === 'wasm' || !adapter ? [] : [adapter.vendor, adapter.architecture, adapter.description, ...patches];
  return JSON.stringify([SELF_TEST_VERSION, tier, runtimeVersion, userAgent, ...gpu]);
}

/** Counted up when checks, bounds or patches change: kept reports of other versions are forgotten. */
const SELF_TEST_VERSION = 2;

/** Keeps self-test reports between visits, by {@link selfTestKey}; passed ones only. */
export interface SelfTestStore {
  read(key: string): Promise<SelfTestReport | null>;
  write(key: string, report: SelfTestReport): Promise<void>;
}

/**
 * Runs the kernels of a tier on small problems and compares them with exact results.
 * @param patches in force on the device
 */
export async function selfTest(
  tier: Tier,
  { gpu, patches }: { gpu: GpuDevice | null; patches: ReadonlySet<ShaderPatch> },
): Promise<SelfTestReport> {
  const checks: SelfTestCheck[] = [];
  for (const numeric of numericChecks(tier === 'webgpu-fp16' ? 'float16' : 'float32')) {
    const measure = async () => relativeError(await runOnce(numeric, { tier, gpu }), numeric.exact);
    checks.push(await check(measure, numeric));
  }
  return { tier, passed: checks.every(({ passed }) => passed), checks, patches: [...patches] };
}

/** A kernel that throws fails its check; a lost device or a full memory says nothing about the kernels. */
async function check(
  measure: () => Promise<number>,
  { name, bound }: { name: string; bound: number },
): Promise<SelfTestCheck> {
  try {
    const error = await measure();
    return { name, error, bound, passed: error <= bound };
  } catch (error) {
    if (error instanceof UserError) throw error;
    return { name, error: Number.POSITIVE_INFINITY, bound, passed: false, problem: String(error) };
  }
}

async function runOnce(
  { model, feeds }: NumericCheck,
  options: { tier: Tier; gpu: GpuDevice | null },
): Promise<Float32Array> {
  const session = await createSession(model, options);
  try {
    const { y } = await session.run(feeds);
    return y?.data as Float32Array;
  } finally {
    await session.dispose();
  }
}

/** Why a tier that failed its self-test is refused, for the user. */
export function failureInWords({ checks }: SelfTestReport): string {
  const failed = checks
    .filter(({ passed }) => !passed)
    .map(({ name, error, bound, problem }) =>
      problem === undefined ? `${name} is ${percent(error)} off (at most ${percent(bound)})` : `${name} does not run`,
    );
  return `Refused because it computes wrongly on this machine: ${failed.join(', ')}.`;
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${Number((share * 100).toPrecision(2))} %` : 'infinitely far';
}

/** Largest difference relative to the largest exact value; NaN where there is one. */
function relativeError(actual: Float32Array, exact: Float64Array): number {
  if (actual.length !== exact.length) return Number.NaN;
  let largest = 0;
  let error = 0;
  for (let i = 0; i < exact.length; i++) {
    largest = Math.max(largest, Math.abs(exact[i] as number));
    error = Math.max(error, Math.abs((actual[i] as number) - (exact[i] as number)));
  }
  return error / largest;
}

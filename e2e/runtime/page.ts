import { GraphBuilder } from '../../src/graph/builder.ts';
import { Runtime } from '../../src/runtime/runtime.ts';
import type { ModelSession } from '../../src/runtime/session.ts';
import type { ShaderPatch } from '../../src/runtime/shaderPatches.ts';
import type { RuntimeStatus, Tier } from '../../src/runtime/status.ts';
import { countGpuBytes } from './gpuBytes.ts';

const gpuBytes = navigator.gpu ? countGpuBytes() : () => 0;

/** What `runtime.spec.ts` calls. Results are plain data. */
const tests = {
  /** Status after a start; `patches` replace the ones the GPU needs. */
  async start(options: { preferred?: Tier; patches?: readonly ShaderPatch[] }): Promise<RuntimeStatus> {
    const { patches, ...rest } = options;
    const runtime = await Runtime.start({ ...rest, ...(patches ? { patches: new Set(patches) } : {}) });
    const { status } = runtime;
    await runtime.dispose();
    return status;
  },

  /** Name and message of what a change to `tier` throws, and the tier afterwards. */
  async selectAfterStart(tier: Tier): Promise<{ error: string | null; tier: Tier }> {
    const runtime = await Runtime.start({ preferred: 'wasm' });
    const error = await runtime.selectTier(tier).then(
      () => null,
      (thrown: Error) => `${thrown.name}: ${thrown.message}`,
    );
    const result = { error, tier: runtime.status.tier };
    await runtime.dispose();
    return result;
  },

  /** A session that outlives a tier is unusable, and its successor computes. */
  async switchBetween(tiers: readonly Tier[]): Promise<{ tier: Tier; oldUsable: boolean; y: number[] }[]> {
    const runtime = await Runtime.start({ preferred: tiers[0] ?? null });
    const seen: { tier: Tier; oldUsable: boolean; y: number[] }[] = [];
    let old: ModelSession | null = null;
    for (const tier of tiers) {
      await runtime.selectTier(tier);
      const session: ModelSession = await runtime.createSession(doubling());
      seen.push({ tier: runtime.status.tier, oldUsable: old?.isUsable ?? false, y: await double(session) });
      old = session;
    }
    await runtime.dispose();
    return seen;
  },

  /** Loses the device between, and during, runs; then goes on. */
  async loseDevice(): Promise<{ reasons: string[]; errors: string[]; usable: boolean; after: number[] }> {
    const runtime = await Runtime.start({ preferred: 'webgpu-fp32' });
    const reasons: string[] = [];
    runtime.onDeviceLost((reason) => reasons.push(reason));
    const session = await runtime.createSession(doubling());
    await double(session);
    const running = [double(session), double(session)].map((run) => run.catch((error: Error) => error.name));
    runtime.loseDevice();
    const errors = (await Promise.all([...running, double(session).catch((error: Error) => error.name)])).map(String);
    const usable = session.isUsable;
    await session.dispose();
    const after = await double(await runtime.createSession(doubling()));
    await runtime.dispose();
    return { reasons, errors, usable, after };
  },

  /** GPU bytes after each of `count` sessions was made, run and disposed; the first number is before any. */
  async createAndDispose(count: number): Promise<number[]> {
    const runtime = await Runtime.start({ preferred: 'webgpu-fp32' });
    const bytes = [gpuBytes()];
    for (let i = 0; i < count; i++) {
      const session = await runtime.createSession(doubling(1 << 20));
      const y = await double(session, 1 << 20);
      if (y[1] !== 2) throw new Error(`Session ${i} gave ${y[1]}`);
      await session.dispose();
      await session.dispose();
      bytes.push(gpuBytes());
    }
    await runtime.dispose();
    bytes.push(gpuBytes());
    return bytes;
  },

  /** A failed run leaves the queue working, and runs asked for at once come one after another. */
  async failBetweenRuns(): Promise<{ error: string; y: number[][] }> {
    const runtime = await Runtime.start({ preferred: 'wasm' });
    const session = await runtime.createSession(doubling());
    const first = double(session);
    const error = session.run({ wrong: { dims: [1], data: new Float32Array(1) } }).then(
      () => 'none',
      (thrown: Error) => thrown.message,
    );
    const y = await Promise.all([first, double(session), double(session)]);
    await runtime.dispose();
    return { error: await error, y };
  },
};

/** A graph that adds a stored weight, equal to its input, to the input. */
function doubling(length = 4): Uint8Array {
  const g = new GraphBuilder('doubling', {});
  const weight = Float32Array.from({ length }, (_, i) => i);
  const x = g.input('x', 'float32', [length]);
  const w = g.constant('w', { type: 'float32', dims: [length], data: new Uint8Array(weight.buffer) });
  g.output('y', g.node('Add', [x, w]), { type: 'float32', dims: [length] });
  return g.toBytes();
}

async function double(session: ModelSession, length = 4): Promise<number[]> {
  const { y } = await session.run({ x: { dims: [length], data: Float32Array.from({ length }, (_, i) => i) } });
  return [...((y?.data as Float32Array | undefined) ?? [])].slice(0, 4);
}

export type RuntimeTests = typeof tests;
Object.assign(globalThis, { runtimeTests: tests });

import { type ByteSource, bytesSource } from '../../src/checkpoint/byteSource.ts';
import { tensorAsFloat32 } from '../../src/checkpoint/dtypes.ts';
import { openSafetensors } from '../../src/checkpoint/safetensors.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { compileClip } from '../../src/graph/compileClip.ts';
import type { Precision } from '../../src/graph/weights.ts';
import { openClipEncoder } from '../../src/runtime/clipEncoder.ts';
import { Runtime } from '../../src/runtime/runtime.ts';
import type { ModelSession } from '../../src/runtime/session.ts';
import type { ShaderPatch } from '../../src/runtime/shaderPatches.ts';
import type { RuntimeStatus, Tier } from '../../src/runtime/status.ts';
import { openTiny, syntheticPixels } from '../clip/clipComparison.ts';
import { MemorySink } from '../clip/memorySink.ts';
import { fetchFixture } from '../pages/fetchFixture.ts';
import { relativeError } from '../pages/relativeError.ts';
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

  /** GPU bytes while each of `count` sessions lived, and after it was disposed; at last, after the runtime was. */
  async createAndDispose(count: number): Promise<{ alive: number[]; after: number[]; end: number }> {
    const runtime = await Runtime.start({ preferred: 'webgpu-fp32' });
    const [alive, after]: [number[], number[]] = [[], []];
    for (let i = 0; i < count; i++) {
      const session = await runtime.createSession(doubling(1 << 20));
      const y = await double(session, 1 << 20);
      if (y[1] !== 2) throw new Error(`Session ${i} gave ${y[1]}`);
      alive.push(gpuBytes());
      await session.dispose();
      await session.dispose();
      after.push(gpuBytes());
    }
    await runtime.dispose();
    return { alive, after, end: gpuBytes() };
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

  /** What a run whose result needs 8 GiB throws, and whether another session still works. */
  async fillMemory(tier: Tier): Promise<{ error: string; y: number[] }> {
    const runtime = await Runtime.start({ preferred: tier });
    const g = new GraphBuilder('huge', {});
    const x = g.input('x', 'float32', [1]);
    g.output('y', g.node('Expand', [x, g.int64s(2, 1 << 30)]), { type: 'float32', dims: [2, 1 << 30] });
    const huge = await runtime.createSession(g.toBytes());
    const error = await huge.run({ x: { dims: [1], data: Float32Array.of(1) } }).then(
      () => 'none',
      (thrown: Error) => `${thrown.name}: ${thrown.message}`,
    );
    const y = await double(await runtime.createSession(doubling()));
    await runtime.dispose();
    return { error, y };
  },

  /** Errors of everything an encoder gives, against the goldens, relative to each golden's largest number. */
  async encodeClip({ tier, precision }: { tier: Tier; precision: Precision }): Promise<Record<string, number>> {
    const runtime = await Runtime.start({ preferred: tier });
    if (runtime.status.tier !== tier) throw new Error(JSON.stringify(runtime.status));
    const { clip, golden, texts } = await openTinyClip(runtime, precision);
    const errors: Record<string, number> = {};
    for (const image of [0, 1]) {
      const { cls, patchFeatures } = await clip.encodeImage(syntheticPixels(image, 224), 224);
      errors[`image ${image} class`] = relativeError(cls, await golden(`image${image}.224.cls`));
      errors[`image ${image} patches`] = relativeError(patchFeatures, await golden(`image${image}.224.patches`));
    }
    errors.texts = relativeError(await clip.encodeText(texts), await golden('unit'));
    errors['one text'] = relativeError(
      await clip.encodeText(texts.slice(1, 2)),
      (await golden('unit')).slice(clip.dim, 2 * clip.dim),
    );
    const embeddings = await golden('learned.embeddings.overall');
    const learned = await clip.encodePromptEmbeddings(embeddings, { count: 2, eotIndex: 20 });
    errors['learned contexts'] = relativeError(learned, (await golden('learned.unit')).slice(0, 2 * clip.dim));
    const startToken = await clip.tokenEmbedding(clip.startToken);
    // The contexts of the fixture were made with this checkpoint's own start token.
    errors['start token'] = relativeError(startToken, embeddings.slice(0, clip.textWidth));
    errors['logit scale'] = Math.abs(clip.logitScale / LOGIT_SCALE - 1);
    await clip.dispose();
    await runtime.dispose();
    return errors;
  },

  /** An encoder goes on after its device was lost, and after a change of tier. */
  async encodeOnAndOn(): Promise<{ error: string; errors: number[] }> {
    const runtime = await Runtime.start({ preferred: 'webgpu-fp32' });
    const { clip, golden, texts } = await openTinyClip(runtime, 'fp16');
    const unit = await golden('unit');
    const errorNow = async () => relativeError(await clip.encodeText(texts), unit);
    const errors = [await errorNow()];
    // In the middle of a run: when onnxruntime hands the GPU its first commands.
    const { submit } = GPUQueue.prototype;
    GPUQueue.prototype.submit = function (commands) {
      GPUQueue.prototype.submit = submit;
      runtime.loseDevice();
      return submit.call(this, commands);
    };
    const error = await clip.encodeText(texts).then(
      () => 'none',
      (thrown: Error) => thrown.name,
    );
    errors.push(await errorNow());
    await runtime.selectTier('wasm');
    errors.push(await errorNow());
    await clip.dispose();
    await runtime.dispose();
    return { error, errors };
  },
};

/** `logit_scale` of reference/fixtures/golden/clip-tiny.json. */
const LOGIT_SCALE = 100.00000639508755;

async function openTinyClip(runtime: Runtime, precision: Precision) {
  const { checkpoint, config } = await openTiny('clip-tiny', fetchFixture);
  // Small shards, so that there are several.
  const sink = new MemorySink({ limit: 100_000 });
  const weights = await compileClip(checkpoint, config, { precision, sink });
  const folder = new Map<string, ByteSource>();
  for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'preprocessor_config.json']) {
    folder.set(name, bytesSource(name, await fetchFixture(`clip-tiny/${name}`)));
  }
  const shards = sink.shards;
  const clip = await openClipEncoder(runtime, {
    modelName: 'clip-tiny',
    weights,
    shard: async (name) => new Blob([shards.get(name) as Uint8Array<ArrayBuffer>]),
    folder,
  });
  const opened = await Promise.all(
    ['image', 'text'].map(async (kind) => {
      const name = `golden/clip-tiny.${kind}.safetensors`;
      return openSafetensors(bytesSource(name, await fetchFixture(name)));
    }),
  );
  const goldens = new Map(opened.flatMap(({ tensors }) => [...tensors]));
  const { texts } = (await (await fetch('golden/clip-tiny.json')).json()) as { texts: string[] };
  const golden = async (name: string): Promise<Float32Array> => {
    const tensor = goldens.get(name);
    if (!tensor) throw new RangeError(`No golden "${name}"`);
    return tensorAsFloat32(tensor);
  };
  return { clip, texts, golden };
}

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

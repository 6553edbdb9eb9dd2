import parserWeights from '../../public/parser/english-ewt.bin?url';
import type { Workers } from '../../src/bridge/client.ts';
import type { OpenedImage, PackSummary } from '../../src/bridge/protocol.ts';
import { abortError, UserError, type UserErrorName } from '../../src/errors.ts';
import { relativeRange } from '../../src/image/heatmap.ts';
import { heatmapPng } from '../../src/image/heatmapPng.ts';
import type { AnalysisStage } from '../../src/pipeline/analysis.ts';
import type { QualityMap } from '../../src/quality/qualityMap.ts';
import type { AlignmentResult, PerceptualResult, PhraseStatus } from '../../src/quality/qualityResults.ts';
import type { RuntimeStatus, Tier } from '../../src/runtime/status.ts';
import { loadPromptReader } from '../../workers/promptParser.ts';

/**
 * Workers that obey the contract and compute nothing, for states of the screen that real ones reach rarely or slowly. What
 * they do is said in the page's address: `tier`, `adapter` (hardware, software, none), `packs` (a number), `step`
 * (milliseconds per stage), `hang` (a stage that only ends by cancelling), and errors by name at `start`, `open`,
 * `analyse` (once), `install`, `export`. Never part of the app's build.
 */
export interface FakeScenario {
  readonly tier: Tier;
  readonly adapter: 'hardware' | 'software' | 'none';
  readonly packs: number;
  readonly step: number;
  readonly hang: string | null;
  readonly prompt: string;
  readonly negative: string | null;
  readonly hint: string | null;
  readonly failures: Readonly<Record<'start' | 'open' | 'analyse' | 'install' | 'export', UserErrorName | null>>;
}

/** Reads a scenario from an address's query. */
export function scenarioOf(query: URLSearchParams): FakeScenario {
  const failure = (at: string) => query.get(at) as UserErrorName | null;
  return {
    tier: (query.get('tier') as Tier | null) ?? 'webgpu-fp16',
    adapter: (query.get('adapter') as FakeScenario['adapter'] | null) ?? 'hardware',
    packs: Number(query.get('packs') ?? 1),
    step: Number(query.get('step') ?? 5),
    hang: query.get('hang'),
    prompt: query.get('prompt') ?? '',
    negative: query.get('negative'),
    hint: query.get('hint'),
    failures: {
      start: failure('start'),
      open: failure('open'),
      analyse: failure('analyse'),
      install: failure('install'),
      export: failure('export'),
    },
  };
}

const MESSAGES: Partial<Record<UserErrorName, string>> = {
  ImageError:
    'Cannot open "picture.png": its header says 90000 × 90000 px, and at most 268 million pixels can be read.',
  DeviceLostError: 'The GPU device was lost: the driver was reset.',
  OutOfMemoryError: 'The GPU refused a buffer of 412 MB.',
  CheckpointError: 'Cannot load "model.safetensors": tensor "text_projection.weight" is missing; this is not a CLIP.',
  StorageError: 'The browser grants 180 MB of storage; 302 MB are needed.',
};

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** A smooth map with some low places, the same for the same seed. */
function fakeMap(seed: number, base: number): QualityMap {
  const side = 28;
  const values = Float32Array.from({ length: side * side }, (_, i) => {
    const x = (i % side) / side;
    const y = Math.floor(i / side) / side;
    let value = base;
    for (let k = 0; k < 3; k++) {
      const cx = (Math.sin(seed * 12.9 + k * 78.2) * 43758.5) % 1;
      const cy = (Math.sin(seed * 39.3 + k * 11.1) * 24634.6) % 1;
      const d2 = (x - Math.abs(cx)) ** 2 + (y - Math.abs(cy)) ** 2;
      value -= (0.75 - k * 0.2) * Math.exp(-d2 / 0.018);
    }
    return Math.min(1, Math.max(0, value));
  });
  return { gridWidth: side, gridHeight: side, values };
}

function fakePerceptual(): PerceptualResult {
  const factorMaps = {
    overall: fakeMap(1, 0.92),
    technical: fakeMap(2, 0.97),
    rationality: fakeMap(3, 0.88),
    naturalness: fakeMap(4, 0.95),
  };
  return {
    mode: 'zeroShot',
    score: 0.71,
    factors: { overall: 0.74, technical: 0.86, rationality: 0.52, naturalness: 0.69 },
    map: fakeMap(1.5, 0.94),
    factorMaps,
  };
}

async function fakeAlignment(prompt: string): Promise<AlignmentResult | null> {
  const reading = (await loadPromptReader(parserWeights))?.(prompt);
  if (!reading?.phrases.some(({ scope }) => scope === 'place')) return null;
  const { phrases, sentences } = reading;
  const statuses: readonly PhraseStatus[] = ['ok', 'wrongAttribute', 'missing', 'ok'];
  const map = fakeMap(7, 0.96);
  return {
    score: 0.54,
    promptScore: 0.61,
    phrases: phrases.map((phrase, i) => {
      const status = phrase.scope === 'whole' ? 'style' : phrase.negated ? 'unwanted' : (statuses[i % 4] ?? 'ok');
      const score = { ok: 0.88 - i * 0.03, wrongAttribute: 0.37, missing: 0.12, unwanted: 0.71, style: 0.66 }[status];
      const found = fakeMap(10 + i, 1);
      return {
        phrase,
        status,
        score,
        nounScore: status === 'missing' ? 0.15 : 0.9,
        map: { ...found, values: found.values.map((value) => 1 - value) },
        nounMap: found,
        emphasis: status === 'missing' || status === 'wrongAttribute' ? 1.3 : 1,
      };
    }),
    sentences,
    map,
    defect: { ...map, values: map.values.map((value) => 1 - value) },
  };
}

function fakePack(index: number): PackSummary {
  return {
    id: `pack-${index}`,
    name: index === 0 ? 'openai/clip-vit-base-patch16' : 'openai/clip-vit-large-patch14',
    description: index === 0 ? 'ViT-B/16, 512-d' : 'ViT-L/14, 768-d',
    precision: index === 0 ? 'fp16' : 'q8',
    imageSizes: [224, 448],
    byteLength: index === 0 ? 302_400_000 : 455_000_000,
    hasLearnedContexts: index === 0,
    installedAt: 1_700_000_000_000 + index,
  };
}

function fakeStatus({ adapter, ...scenario }: FakeScenario, tier = scenario.tier): RuntimeStatus {
  const gpu = adapter !== 'none';
  const f16 = scenario.tier === 'webgpu-fp16';
  return {
    tier,
    tiers: [
      {
        tier: 'webgpu-fp16',
        available: gpu && f16,
        reason: !gpu
          ? 'This browser offers no WebGPU adapter.'
          : f16
            ? null
            : 'This GPU has no 16-bit shaders (shader-f16).',
      },
      {
        tier: 'webgpu-fp32',
        available: gpu,
        reason: !gpu
          ? 'This browser offers no WebGPU adapter.'
          : adapter === 'software'
            ? 'This adapter is software; the processor itself is three times as fast.'
            : null,
      },
      { tier: 'wasm', available: true, reason: null },
    ],
    adapter: gpu
      ? {
          vendor: adapter === 'software' ? 'google' : 'nvidia',
          architecture: adapter === 'software' ? 'swiftshader' : 'ada',
          description: adapter === 'software' ? 'SwiftShader Device' : 'RTX 4070',
          isSoftware: adapter === 'software',
          hasF16: f16,
          maxBufferSize: 4_294_967_296,
          maxStorageBufferBindingSize: 2_147_483_648,
        }
      : null,
    selfTests: gpu
      ? [
          {
            tier: f16 ? 'webgpu-fp16' : 'webgpu-fp32',
            passed: true,
            checks: [
              { name: 'attention fp16', error: 0.0021, bound: 0.005, passed: true },
              { name: 'Gemm fp16', error: 0.0008, bound: 0.005, passed: true },
              { name: 'Conv fp16', error: 0.0011, bound: 0.005, passed: true },
            ],
            patches: ['attention barrier', 'fp32 accumulation'],
          },
        ]
      : [],
    wasmThreads: 8,
    crossOriginIsolated: true,
  };
}

const STAGES: readonly AnalysisStage[] = [
  'decode',
  'loadModel',
  'preprocess',
  'encodeImage',
  'encodeWords',
  'encodePhrases',
];

/** Makes the fake workers of a scenario. */
export function fakeWorkers(scenario: FakeScenario): Workers {
  const cancelled = new Set<string>();
  const pending = { ...scenario.failures };
  let packs = Array.from({ length: scenario.packs }, (_, i) => fakePack(i));
  const failOnce = (at: keyof typeof pending) => {
    const name = pending[at];
    if (!name) return;
    pending[at] = null;
    throw new UserError(name, MESSAGES[name] ?? `Made to fail: ${name}`);
  };
  const step = async (jobId: string, hangs: boolean) => {
    do {
      await pause(scenario.step);
      if (cancelled.has(jobId)) throw abortError();
    } while (hangs);
  };

  return {
    refine: {
      start: async () => {
        await pause(scenario.step);
        failOnce('start');
        return fakeStatus(scenario);
      },
      selectTier: async (tier) => {
        await pause(scenario.step);
        return fakeStatus(scenario, tier);
      },
      watchDevice: async () => {},
      usePack: async (id) => {
        const pack = packs.find((other) => other.id === id);
        if (!pack) throw new UserError('PackMissingError', `No pack ${id}`);
        return pack;
      },
      openImage: async (file): Promise<OpenedImage> => {
        await pause(scenario.step);
        failOnce('open');
        const whole = await createImageBitmap(file);
        const { width, height } = whole;
        const shrink = Math.min(1, 1024 / Math.max(width, height));
        const preview = await createImageBitmap(whole, { resizeWidth: Math.max(1, Math.round(width * shrink)) });
        whole.close();
        return {
          width,
          height,
          preview,
          metadata: scenario.prompt
            ? {
                source: 'A1111',
                prompt: scenario.prompt,
                ...(scenario.negative ? { negativePrompt: scenario.negative } : {}),
                settings: { Steps: '28', Sampler: 'DPM++ 2M Karras', 'CFG scale': '6.5', Seed: '1284400631' },
                raw: [],
              }
            : null,
          hints: scenario.hint ? [scenario.hint] : [],
        };
      },
      analyse: async ({ jobId, file, prompt, settings }, onEvent) => {
        const perceptual = fakePerceptual();
        const alignment = await fakeAlignment(prompt);
        for (const stage of STAGES) {
          const total = stage === 'encodePhrases' ? 12 : 1;
          for (let done = 0; done < total; done++) {
            onEvent({ type: 'stage', stage, done, total });
            await step(jobId, stage === scenario.hang && done >= total / 2);
          }
          if (stage === 'encodeImage') failOnce('analyse');
          if (stage === 'encodeWords') onEvent({ type: 'perceptual', result: perceptual });
        }
        if (alignment) onEvent({ type: 'alignment', result: alignment });
        return {
          modelName: 'openai/clip-vit-base-patch16',
          imageWidth: file.size,
          imageHeight: file.size,
          prompt,
          perceptual,
          alignment,
          hints: alignment ? [] : ['The prompt names nothing that can be looked for.'],
          settings,
        };
      },
      exportHeatmap: async ({ map, width, height, scale }) => {
        failOnce('export');
        return heatmapPng(map, { width, height, range: scale === 'relative' ? relativeRange([map]) : [0, 1] });
      },
      cancel: async (jobId) => {
        cancelled.add(jobId);
      },
    },
    compile: {
      listPacks: async () => packs,
      compileFolder: async ({ jobId, name, precision }, onProgress) => {
        const totalBytes = 598_641_023;
        for (const stage of ['compile', 'write'] as const) {
          for (let done = 0; done < 20; done++) {
            const item = stage === 'compile' ? `vision_model.encoder.layers.${done}.mlp.fc1.weight` : 'weights-0.bin';
            onProgress({ stage, item, doneBytes: (totalBytes * done) / 20, totalBytes });
            await step(jobId, scenario.hang === stage && done >= 10);
          }
          failOnce('install');
        }
        const pack = { ...fakePack(packs.length), id: jobId, name, precision, installedAt: Date.now() };
        packs = [...packs, pack];
        return pack;
      },
      deletePack: async (id) => {
        packs = packs.filter((pack) => pack.id !== id);
      },
      cancel: async (jobId) => {
        cancelled.add(jobId);
      },
    },
    restart: () => {},
  };
}

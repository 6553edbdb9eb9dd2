import type { Workers } from '../../src/bridge/client.ts';
import type { ImageSummary, OpenedImage, PackSummary } from '../../src/bridge/protocol.ts';
import type { Verdict } from '../../src/calibration/calibration.ts';
import { abortError, UserError, type UserErrorName } from '../../src/errors.ts';
import { relativeRange } from '../../src/image/heatmap.ts';
import { heatmapPng } from '../../src/image/heatmapPng.ts';
import { jpegOf } from '../../src/image/jpegOf.ts';
import type { GenerationMetadata } from '../../src/image/metadata/generationMetadata.ts';
import type { AnalysisStage } from '../../src/pipeline/analysis.ts';
import type { RefineResult } from '../../src/pipeline/refinement.ts';
import type { RuntimeStatus, Tier } from '../../src/runtime/status.ts';
import { fakeAlignment, fakePerceptual } from './fakeAnalysis.ts';
import { fakeCalibrations } from './fakeCalibrations.ts';
import { fakeMeasures } from './fakeMeasures.ts';
import { fakePacks, type PackScenario, packScenarioOf } from './fakePacks.ts';
import { fakeRefine } from './fakeRefine.ts';

/**
 * Workers that obey the contract and compute nothing, for states of the screen that real ones reach rarely or slowly. What
 * they do is said in the page's address: `tier`, `adapter` (hardware, software, none), `packs` (how many for the maps),
 * `inpainting` and `restoration` (how many of these), `step` (milliseconds per stage), `hang` (a stage that only ends by
 * cancelling), `outcome` (of refinements), errors by name at `start`, `open`, `analyse` (once), `refine`, `save`, `export`, and
 * what `fakePacks.ts` reads. Never part of the app's build.
 */
export interface FakeScenario {
  readonly tier: Tier;
  readonly adapter: 'hardware' | 'software' | 'none';
  readonly packs: number;
  readonly inpainting: number;
  readonly restoration: number;
  readonly outcome: RefineResult['outcome'] | 'worse';
  /** What a calibration turns out to be worth. */
  readonly verdict: Verdict;
  readonly step: number;
  readonly hang: string | null;
  readonly prompt: string;
  readonly negative: string | null;
  readonly hint: string | null;
  readonly models: PackScenario;
  readonly failures: Readonly<
    Record<'start' | 'open' | 'analyse' | 'refine' | 'save' | 'export', UserErrorName | null>
  >;
}

/** Reads a scenario from an address's query. */
export function scenarioOf(query: URLSearchParams): FakeScenario {
  const failure = (at: string) => query.get(at) as UserErrorName | null;
  return {
    tier: (query.get('tier') as Tier | null) ?? 'webgpu-fp16',
    adapter: (query.get('adapter') as FakeScenario['adapter'] | null) ?? 'hardware',
    packs: Number(query.get('packs') ?? 1),
    // No packs are none of any kind.
    inpainting: Number(query.get('inpainting') ?? Math.min(1, Number(query.get('packs') ?? 1))),
    restoration: Number(query.get('restoration') ?? Math.min(1, Number(query.get('packs') ?? 1))),
    outcome: (query.get('outcome') as RefineResult['outcome'] | null) ?? 'refined',
    verdict: (query.get('verdict') as Verdict | null) ?? 'helps',
    step: Number(query.get('step') ?? 5),
    hang: query.get('hang'),
    prompt: query.get('prompt') ?? '',
    negative: query.get('negative'),
    hint: query.get('hint'),
    models: packScenarioOf(query),
    failures: {
      start: failure('start'),
      open: failure('open'),
      analyse: failure('analyse'),
      refine: failure('refine'),
      save: failure('save'),
      export: failure('export'),
    },
  };
}

const MESSAGES: Partial<Record<UserErrorName, string>> = {
  ImageError:
    'Cannot open "picture.png": its header says 90000 × 90000 px, and at most 268 million pixels can be read.',
  DeviceLostError: 'The GPU device was lost: the driver was reset.',
  OutOfMemoryError: 'The GPU refused a buffer of 412 MB.',
  NumbersError: 'The diffusion model gave numbers that are no picture (NaN or infinite).',
  StorageError: 'The browser grants 180 MB of storage; 302 MB are needed.',
};

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

const REPAIR_PACKS: Readonly<
  Record<'inpainting' | 'restoration', Pick<PackSummary, 'name' | 'description' | 'byteLength'>>
> = {
  inpainting: {
    name: 'diffusers/stable-diffusion-xl-1.0-inpainting-0.1',
    description: 'Stable Diffusion XL inpainting',
    byteLength: 6_940_000_000,
  },
  restoration: { name: 'yangtao9009/PASD', description: 'PASD on Stable Diffusion 1.5', byteLength: 3_420_000_000 },
};

function fakeRepairPack(kind: 'inpainting' | 'restoration'): PackSummary {
  return { ...fakePack(0), ...REPAIR_PACKS[kind], id: kind, kind, imageSizes: [], hasLearnedContexts: false };
}

function fakePack(index: number): PackSummary {
  return {
    id: `pack-${index}`,
    kind: 'maps',
    name: index === 0 ? 'openai/clip-vit-base-patch16' : 'openai/clip-vit-large-patch14',
    description: index === 0 ? 'ViT-B/16, 512-d' : 'ViT-L/14, 768-d',
    precision: index === 0 ? 'fp16' : 'q8',
    imageSizes: [224, 448],
    byteLength: index === 0 ? 302_400_000 : 455_000_000,
    hasLearnedContexts: index === 0,
    origin:
      index === 0
        ? {
            from: 'hub',
            repositories: [
              { repository: 'openai/clip-vit-base-patch16', revision: '57c216476eefef5ab752ec549e440a49ae4ae5f3' },
              { repository: 'Q-Future/Q-Refine', revision: '1fd2b5c1a2f8b0c4f5d6e7a8b9c0d1e2f3a4b5c6' },
            ],
          }
        : { from: 'files', name: 'clip-vit-large-patch14' },
    licence: index === 0 ? { name: 'MIT', url: 'https://github.com/openai/CLIP/blob/main/LICENSE' } : null,
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

function metadataOf({ prompt, negative }: FakeScenario): GenerationMetadata | null {
  if (!prompt) return null;
  return {
    source: 'A1111',
    prompt,
    ...(negative ? { negativePrompt: negative } : {}),
    settings: { Steps: '28', Sampler: 'DPM++ 2M Karras', 'CFG scale': '6.5', Seed: '1284400631' },
    raw: [],
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
  const fake = fakePacks(scenario.models, {
    initial: [
      ...Array.from({ length: scenario.packs }, (_, i) => fakePack(i)),
      ...Array.from({ length: scenario.inpainting }, () => fakeRepairPack('inpainting')),
      ...Array.from({ length: scenario.restoration }, () => fakeRepairPack('restoration')),
    ],
    template: { ...fakePack(0), installedAt: 1_700_000_900_000 },
  });
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
      ...fakeCalibrations({ ...scenario, step }),
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
        const pack = fake.packs().find((other) => other.id === id);
        if (!pack) throw new UserError('PackMissingError', `No pack ${id}`);
        return pack;
      },
      setMemoryBudget: async (bytes) => ({ bytes: bytes ?? 5_500_000_000, automaticBytes: 5_500_000_000 }),
      refine: (job, onEvent) =>
        fakeRefine(job, {
          onEvent,
          outcome: scenario.outcome,
          hang: scenario.hang,
          has: (kind) => fake.packs().some((pack) => pack.kind === kind),
          step: (hangs) => step(job.jobId, hangs),
          failNow: () => failOnce('refine'),
        }),
      saveImage: async ({ image, format, quality }) => {
        await pause(scenario.step);
        failOnce('save');
        const bitmap = await createImageBitmap(image);
        const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
        canvas.getContext('2d')?.drawImage(bitmap, 0, 0);
        bitmap.close();
        return canvas.convertToBlob({ type: `image/${format}`, quality });
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
          metadata: metadataOf(scenario),
          hints: scenario.hint ? [scenario.hint] : [],
        };
      },
      summariseImage: async (file, side): Promise<ImageSummary> => {
        await pause(scenario.step);
        const whole = await createImageBitmap(file);
        const { width, height } = whole;
        const shrink = Math.min(1, side / Math.max(width, height));
        const thumbnail = await jpegOf(
          await createImageBitmap(whole, { resizeWidth: Math.max(1, Math.round(width * shrink)) }),
        );
        whole.close();
        return { width, height, thumbnail, metadata: metadataOf(scenario) };
      },
      releaseImage: async () => {},
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
      measure: ({ jobId, ...job }) => fakeMeasures(job, () => step(jobId, scenario.hang === 'measure')),
      exportHeatmap: async ({ map, width, height, scale }) => {
        failOnce('export');
        return heatmapPng(map, { width, height, range: scale === 'relative' ? relativeRange([map]) : [0, 1] });
      },
      cancel: async (jobId) => {
        cancelled.add(jobId);
      },
    },
    compile: fake.api,
    restart: () => {},
  };
}

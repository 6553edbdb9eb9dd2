import type { DamagedPack, DraftSummary, PackActivity, PackWorkerApi } from '../../src/bridge/packProtocol.ts';
import type { ByteProgress, PackSummary } from '../../src/bridge/protocol.ts';
import { abortError, UserError, type UserErrorName } from '../../src/errors.ts';
import { FAKE_BUNDLES } from './fakeBundles.ts';

/**
 * What becomes of models, as the page's address says it: `install`, `verify`, `repair`, `import`, `estimate` (errors by name,
 * once), `hang` (`compile`: an installation stops half-way and waits), `drafts` (how many begun ones: of the hub, then of files),
 * `broken` (how many packs that cannot be read at all), `free` (bytes the browser still gives), `damaged` (`hub` or `files`: a check finds damage, and whether it can be fetched),
 * `elsewhere` (milliseconds that another tab works before it has installed a model), `persisted`.
 */
export interface PackScenario {
  readonly step: number;
  readonly hang: string | null;
  readonly drafts: number;
  readonly broken: number;
  readonly free: number;
  readonly persisted: boolean;
  readonly damaged: 'hub' | 'files' | null;
  readonly elsewhere: number | null;
  readonly failures: Readonly<Record<'install' | 'verify' | 'repair' | 'import' | 'estimate', UserErrorName | null>>;
}

/** Reads it. */
export function packScenarioOf(query: URLSearchParams): PackScenario {
  const failure = (at: string) => query.get(at) as UserErrorName | null;
  const elsewhere = query.get('elsewhere');
  return {
    step: Number(query.get('step') ?? 5),
    hang: query.get('hang'),
    drafts: Number(query.get('drafts') ?? 0),
    broken: Number(query.get('broken') ?? 0),
    free: Number(query.get('free') ?? 412_000_000_000),
    persisted: query.get('persisted') !== 'false',
    damaged: query.get('damaged') as PackScenario['damaged'],
    elsewhere: elsewhere === null ? null : Number(elsewhere),
    failures: {
      install: failure('install'),
      verify: failure('verify'),
      repair: failure('repair'),
      import: failure('import'),
      estimate: failure('estimate'),
    },
  };
}

const MESSAGES: Partial<Record<UserErrorName, string>> = {
  CheckpointError: 'Cannot load "model.safetensors": tensor "text_projection.weight" is missing; this is not a CLIP.',
  StorageError: `Cannot write "weights-3.bin": the browser's storage is full. Free disk space or delete a model, then go on.`,
  DownloadError:
    'Cannot download "unet/diffusion_pytorch_model.safetensors": the connection to huggingface.co broke five times in a row; go on when the network is back',
};
const GATED =
  'Cannot download "unet/config.json": stable-diffusion-v1-5/stable-diffusion-inpainting is gated or private (status 401); accept its licence on its page and give an access token';

const DRAFTS: readonly DraftSummary[] = [
  {
    id: 'draft-hub',
    name: 'SDXL Inpainting 0.1',
    kind: 'inpainting',
    precision: 'fp16',
    from: 'hub',
    doneBytes: 3_120_000_000,
    totalBytes: 6_940_000_000,
    startedAt: 1_700_000_000_000,
  },
  {
    id: 'draft-files',
    name: 'realisticVision-inpainting',
    kind: 'inpainting',
    precision: 'q8',
    from: 'files',
    doneBytes: 1_500_000_000,
    totalBytes: 4_270_000_000,
    startedAt: 1_700_100_000_000,
  },
];

const BROKEN: readonly DamagedPack[] = [
  {
    id: 'broken',
    name: 'openai/clip-vit-base-patch32',
    reason: 'Its list of contents is damaged, so nothing of it can be read: delete it and install it again.',
    byteLength: 178_000_000,
  },
];

const STEPS = 20;
const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** A pack worker that writes nothing, over the packs given. */
export function fakePacks(
  scenario: PackScenario,
  { initial, template }: { initial: readonly PackSummary[]; template: PackSummary },
): { readonly api: PackWorkerApi; packs(): readonly PackSummary[] } {
  let packs = initial;
  let drafts = DRAFTS.slice(0, scenario.drafts);
  let broken = BROKEN.slice(0, scenario.broken);
  const pending = { ...scenario.failures };
  const stopped = new Map<string, 'paused' | 'cancelled'>();
  const kept = new Map<string, number>();
  let tell = (_activity: PackActivity): void => {};

  const failOnce = (at: keyof typeof pending) => {
    const name = pending[at];
    if (!name) return;
    pending[at] = null;
    const isGated = (name as string) === 'Gated';
    throw new UserError(
      isGated ? 'DownloadError' : name,
      isGated ? GATED : (MESSAGES[name] ?? `Made to fail: ${name}`),
    );
  };
  /** Tells progress in steps until all is done, goes on where it was stopped, and fails or hangs half-way. */
  const work = async (
    {
      jobId,
      key,
      item,
      stage,
      totalBytes,
    }: { jobId: string; key: string; item: string; totalBytes: number } & Pick<ByteProgress, 'stage'>,
    { onProgress, at }: { onProgress: (progress: ByteProgress) => void; at: keyof typeof pending | null },
  ) => {
    for (let done = kept.get(key) ?? 0; done < STEPS; done++) {
      kept.set(key, done);
      onProgress({ stage, item, doneBytes: (totalBytes * done) / STEPS, totalBytes });
      do {
        await pause(scenario.step);
        const how = stopped.get(jobId);
        if (how === 'cancelled') kept.delete(key);
        if (how) throw abortError();
      } while (scenario.hang === 'compile' && done >= STEPS / 2);
      if (done === STEPS / 2 && at) failOnce(at);
    }
    kept.delete(key);
  };
  const add = (pack: PackSummary) => {
    packs = [...packs, pack];
    return pack;
  };
  const published = (name: string, precision: string) =>
    FAKE_BUNDLES.flatMap(({ models }) => models).find((model) => model.name === name && model.precision === precision);

  const workElsewhere = async () => {
    const progress = { stage: 'compile', item: 'unet', doneBytes: 2_900_000_000, totalBytes: 6_940_000_000 } as const;
    tell({ running: { jobId: 'other', name: 'SDXL', progress }, elsewhere: true });
    await pause(scenario.elsewhere ?? 0);
    add({ ...template, id: 'other', name: 'Installed by another tab' });
    tell({ running: null, elsewhere: false });
  };

  const api: PackWorkerApi = {
    listPacks: async () => packs,
    listDrafts: async () => drafts,
    listDamaged: async () => broken,
    storageState: async () => {
      const usedBytes = packs.reduce((sum, { byteLength }) => sum + byteLength, 0);
      return { usedBytes, quotaBytes: usedBytes + scenario.free, persisted: scenario.persisted };
    },
    estimateInstall: async ({ source }) => {
      await pause(scenario.step);
      failOnce('estimate');
      const isPublished = source.from === 'hub';
      return {
        kind: isPublished ? 'inpainting' : 'maps',
        description: isPublished ? 'Stable Diffusion XL inpainting' : 'ViT-B/16, 512-d',
        downloadBytes: isPublished ? 6_940_000_000 : 0,
        diskBytes: isPublished ? 6_940_000_000 : 302_400_000,
      };
    },
    install: async ({ jobId, name, precision, source, licence }, onProgress) => {
      const model = source.from === 'hub' ? published(name, precision) : undefined;
      const totalBytes = model ? (model.files[0]?.bytes ?? 6_940_000_000) : 598_641_023;
      const key = `${name} ${precision}`;
      const item = model ? 'unet/diffusion_pytorch_model.safetensors' : 'model.safetensors';
      await work({ jobId, key, item, stage: 'compile', totalBytes }, { onProgress, at: 'install' });
      drafts = drafts.filter((draft) => draft.name !== name || draft.precision !== precision);
      const repositories = model?.files.map(({ repository, revision }) => ({ repository, revision })) ?? [];
      return add({
        ...template,
        id: jobId,
        name,
        precision,
        licence,
        kind: model?.kind ?? 'maps',
        byteLength: model?.diskBytes ?? 302_400_000,
        origin: source.from === 'hub' ? { from: 'hub', repositories } : { from: 'files', name },
        installedAt: Date.now(),
      });
    },
    resumeDraft: async ({ jobId, draftId }, onProgress) => {
      const draft = drafts.find(({ id }) => id === draftId) as DraftSummary;
      kept.set(draftId, Math.round((STEPS * draft.doneBytes) / draft.totalBytes));
      const job = { jobId, key: draftId, item: 'unet', stage: 'compile', totalBytes: draft.totalBytes } as const;
      await work(job, { onProgress, at: 'install' });
      drafts = drafts.filter((other) => other !== draft);
      return add({ ...template, id: jobId, kind: draft.kind, name: draft.name, precision: draft.precision });
    },
    discardDraft: async (draftId) => {
      drafts = drafts.filter(({ id }) => id !== draftId);
    },
    deletePack: async (id) => {
      packs = packs.filter((pack) => pack.id !== id);
      broken = broken.filter((pack) => pack.id !== id);
    },
    verifyPack: async ({ jobId, packId }, onProgress) => {
      const totalBytes = packs.find(({ id }) => id === packId)?.byteLength ?? 0;
      await work(
        { jobId, key: jobId, item: 'weights-0.bin', stage: 'check', totalBytes },
        { onProgress, at: 'verify' },
      );
      if (!scenario.damaged) return null;
      return {
        items: ['weights-3.bin', 'vae/config.json'],
        byteLength: 1_073_741_824,
        canFetch: scenario.damaged === 'hub',
      };
    },
    repairPack: async ({ jobId, packId }, onProgress) => {
      const job = { jobId, key: jobId, item: 'weights-3.bin', stage: 'compile', totalBytes: 1_073_741_824 } as const;
      await work(job, { onProgress, at: 'repair' });
      return packs.find(({ id }) => id === packId) as PackSummary;
    },
    exportPack: async ({ jobId, packId }, onProgress) => {
      const totalBytes = packs.find(({ id }) => id === packId)?.byteLength ?? 0;
      await work({ jobId, key: jobId, item: 'weights-0.bin', stage: 'copy', totalBytes }, { onProgress, at: null });
    },
    importPack: async ({ jobId }, onProgress) => {
      const job = { jobId, key: jobId, item: 'weights-0.bin', stage: 'check', totalBytes: 302_400_000 } as const;
      await work(job, { onProgress, at: 'import' });
      return add({ ...template, id: jobId, name: 'Carried over' });
    },
    watchActivity: async (onChange) => {
      tell = onChange;
      if (scenario.elsewhere === null) onChange({ running: null, elsewhere: false });
      else void workElsewhere();
    },
    pause: async (jobId) => {
      stopped.set(jobId, 'paused');
    },
    cancel: async (jobId) => {
      stopped.set(jobId, 'cancelled');
    },
  };
  return { api, packs: () => packs };
}

import type {
  DraftSummary,
  InstallEstimate,
  PackActivity,
  PackDamage,
  PackWorkerApi,
  StorageState,
} from '../bridge/packProtocol.ts';
import type { ByteProgress, PackSummary } from '../bridge/protocol.ts';
import { abortError } from '../errors.ts';
import type { Precision } from '../graph/weights.ts';

/** A job of the fake that a test ends by hand. */
export interface FakePackJob {
  readonly jobId: string;
  readonly does: 'install' | 'resume' | 'verify' | 'repair' | 'export' | 'import';
  /** Of the model, or the pack's id. */
  readonly name: string;
  /** What the worker was asked. */
  readonly asked: unknown;
  tell(doneBytes: number, totalBytes: number): void;
  finish(): void;
  fail(error: Error): void;
}

const EMPTY_PACK: PackSummary = {
  id: '',
  kind: 'maps',
  name: '',
  description: '',
  precision: 'fp16',
  imageSizes: [224],
  byteLength: 1,
  hasLearnedContexts: false,
  origin: { from: 'files', name: 'folder' },
  licence: null,
  installedAt: 1,
};

/** A pack for tests. */
export function packOf(part: Partial<PackSummary>): PackSummary {
  return { ...EMPTY_PACK, ...part };
}

/** The pack worker's contract in memory, for tests of the store: jobs wait until the test ends them. */
export function fakePackWorker({
  packs = [],
  drafts = [],
  storage = { usedBytes: 0, quotaBytes: 1e12, persisted: true },
}: {
  readonly packs?: readonly PackSummary[];
  readonly drafts?: readonly DraftSummary[];
  readonly storage?: StorageState;
} = {}) {
  const fake = {
    packs: [...packs],
    drafts: [...drafts],
    storage,
    jobs: [] as FakePackJob[],
    /** Names of models whose size was asked for. */
    estimated: [] as string[],
    paused: [] as string[],
    cancelled: [] as string[],
    estimate: { kind: 'maps', description: '', downloadBytes: 1000, diskBytes: 500 } as InstallEstimate,
    /** Thrown by the next estimate. */
    estimateError: null as Error | null,
    damage: null as PackDamage | null,
    /** Tells the page what happens in another tab. */
    tellActivity: (_activity: PackActivity): void => {},
    api: {} as PackWorkerApi,
    job: (): FakePackJob => fake.jobs.at(-1) as FakePackJob,
  };
  const open = new Map<string, { reject(error: Error): void; keep(): void }>();

  const start = <Result>(
    job: Pick<FakePackJob, 'jobId' | 'does' | 'name' | 'asked'>,
    {
      onProgress,
      result,
      keep = () => {},
    }: {
      onProgress: (progress: ByteProgress) => void;
      result: () => Result;
      keep?: (doneBytes: number, totalBytes: number) => void;
    },
  ) =>
    new Promise<Result>((resolve, reject) => {
      let done: [number, number] = [0, 0];
      open.set(job.jobId, { reject, keep: () => keep(...done) });
      fake.jobs.push({
        ...job,
        tell: (doneBytes, totalBytes) => {
          done = [doneBytes, totalBytes];
          onProgress({ stage: 'compile', item: 'tensor', doneBytes, totalBytes });
        },
        finish: () => resolve(result()),
        // As the worker does: what is done is a draft.
        fail: (error) => {
          keep(...done);
          reject(error);
        },
      });
    });

  const add = (part: Partial<PackSummary>): PackSummary => {
    const pack = packOf({ ...part, installedAt: fake.packs.length + 10 });
    fake.packs = [...fake.packs, pack];
    return pack;
  };
  const keepDraft =
    (draft: { name: string; precision: Precision; from: DraftSummary['from'] }) =>
    (doneBytes: number, totalBytes: number) => {
      const { name, precision } = draft;
      fake.drafts = fake.drafts.filter((other) => other.name !== name || other.precision !== precision);
      const id = `draft ${name}`;
      fake.drafts.push({ ...draft, id, kind: 'maps', doneBytes, totalBytes, startedAt: 1 });
    };

  fake.api = {
    listPacks: async () => fake.packs,
    listDrafts: async () => fake.drafts,
    listDamaged: async () => [],
    storageState: async () => fake.storage,
    estimateInstall: async (request) => {
      fake.estimated.push(request.source.files[0]?.path ?? '');
      const error = fake.estimateError;
      fake.estimateError = null;
      if (error) throw error;
      return fake.estimate;
    },
    install: (asked, onProgress) => {
      const { jobId, name, precision, source } = asked;
      return start(
        { jobId, does: 'install', name, asked },
        {
          onProgress,
          result: () => {
            fake.drafts = fake.drafts.filter((draft) => draft.name !== name);
            return add({ id: `pack ${name}`, name, precision });
          },
          keep: keepDraft({ name, precision, from: source.from }),
        },
      );
    },
    resumeDraft: (asked, onProgress) => {
      const draft = fake.drafts.find(({ id }) => id === asked.draftId) as DraftSummary;
      return start(
        { jobId: asked.jobId, does: 'resume', name: draft.name, asked },
        {
          onProgress,
          result: () => {
            fake.drafts = fake.drafts.filter((other) => other !== draft);
            return add({ id: `pack ${draft.name}`, name: draft.name, precision: draft.precision });
          },
        },
      );
    },
    discardDraft: async (id) => {
      fake.drafts = fake.drafts.filter((draft) => draft.id !== id);
    },
    deletePack: async (id) => {
      fake.packs = fake.packs.filter((pack) => pack.id !== id);
    },
    verifyPack: (asked, onProgress) =>
      start(
        { jobId: asked.jobId, does: 'verify', name: asked.packId, asked },
        { onProgress, result: () => fake.damage },
      ),
    repairPack: (asked, onProgress) =>
      start(
        { jobId: asked.jobId, does: 'repair', name: asked.packId, asked },
        { onProgress, result: () => fake.packs.find(({ id }) => id === asked.packId) as PackSummary },
      ),
    exportPack: (asked, onProgress) =>
      start({ jobId: asked.jobId, does: 'export', name: asked.packId, asked }, { onProgress, result: () => undefined }),
    importPack: (asked, onProgress) =>
      start(
        { jobId: asked.jobId, does: 'import', name: 'imported', asked },
        { onProgress, result: () => add({ id: 'imported', name: 'imported' }) },
      ),
    watchActivity: async (onChange) => {
      fake.tellActivity = onChange;
      onChange({ running: null, elsewhere: false });
    },
    pause: async (jobId) => {
      fake.paused.push(jobId);
      open.get(jobId)?.keep();
      open.get(jobId)?.reject(abortError());
    },
    cancel: async (jobId) => {
      fake.cancelled.push(jobId);
      open.get(jobId)?.reject(abortError());
    },
  };
  return fake;
}

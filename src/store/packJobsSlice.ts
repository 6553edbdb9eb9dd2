import type { ModelSource, PackDamage } from '../bridge/packProtocol.ts';
import type { ByteProgress, PackSummary } from '../bridge/protocol.ts';
import type { Slice } from './appStore.ts';
import type { PathedFile } from './modelFolder.ts';
import { arePacksBusy } from './packsSlice.ts';
import { isAbort, type Problem, type ProblemContext, toProblem } from './problem.ts';
import { throttledProgress } from './throttledProgress.ts';
import { nextRate, startRate, type TransferRate } from './transferRate.ts';

/** What is being done with an installed model, or to get an exported one in. */
export interface PackJob {
  readonly jobId: string;
  readonly does: 'verify' | 'repair' | 'export' | 'import';
  /** Null: it comes in. */
  readonly packId: string | null;
  readonly name: string;
  readonly progress: ByteProgress | null;
  readonly rate: TransferRate | null;
  readonly cancelling: boolean;
}

/** What a check found. */
export type Verdict =
  | { readonly is: 'whole' }
  | { readonly is: 'repaired' }
  | { readonly is: 'exported'; readonly folder: string }
  | { readonly is: 'damaged'; readonly damage: PackDamage };

/** Checking, repairing and moving installed models. */
export interface PackJobsSlice {
  readonly packJob: PackJob | null;
  /** What was found or done last, by pack. */
  readonly verdicts: Readonly<Record<string, Verdict>>;
  /** What went wrong last, by pack; under `import`: of a model coming in. */
  readonly packProblems: Readonly<Record<string, Problem>>;

  /** Reads a whole pack and compares it with its checksums. */
  verifyPack(id: string): Promise<void>;
  /** Writes again what is broken: from where it came, or from these files. */
  repairPack(id: string, source: ModelSource | null): Promise<void>;
  /** Copies a pack into a folder. */
  exportPack(id: string, folder: FileSystemDirectoryHandle): Promise<void>;
  /** Takes in an exported pack, then uses it. */
  importPack(name: string, files: readonly PathedFile[]): Promise<void>;
  cancelPackJob(): void;
  /** Forgets what went wrong; `import`: with a model coming in. */
  dismissPackProblem(id: string): void;
}

const CONTEXTS: Readonly<Record<PackJob['does'], ProblemContext>> = {
  verify: 'verify',
  repair: 'repair',
  export: 'exportPack',
  import: 'import',
};

/** The place of problems with a model that is not installed yet. */
export const IMPORT = 'import';

/** That part of the store. */
export const createPackJobsSlice: Slice<PackJobsSlice> = (set, get, { workers, newId, now }) => {
  const nameOf = (id: string) => get().packs?.find((pack) => pack.id === id)?.name ?? id;

  const forget = (id: string) => {
    const { [id]: _verdict, ...verdicts } = get().verdicts;
    const { [id]: _problem, ...packProblems } = get().packProblems;
    set({ verdicts, packProblems });
  };

  /** Runs one job, tells how far it is, and keeps its outcome with its pack. */
  const run = async (
    { does, packId, name }: Pick<PackJob, 'does' | 'packId' | 'name'>,
    work: (jobId: string, onProgress: (progress: ByteProgress) => void) => Promise<Verdict | PackSummary>,
  ): Promise<void> => {
    if (arePacksBusy(get())) return;
    const jobId = newId();
    const place = packId ?? IMPORT;
    forget(place);
    set({ packJob: { jobId, does, packId, name, progress: null, rate: null, cancelling: false } });
    const shown = throttledProgress<ByteProgress>((progress) => {
      const { packJob } = get();
      if (packJob?.jobId !== jobId) return;
      const at = { bytes: progress.doneBytes, at: now() };
      const rate = packJob.rate ? nextRate(packJob.rate, at) : startRate(at.bytes, at.at);
      set({ packJob: { ...packJob, progress, rate } });
    });
    try {
      const outcome = await work(jobId, shown.tell);
      set({ packJob: null });
      if ('is' in outcome) set({ verdicts: { ...get().verdicts, [place]: outcome } });
      else set({ lastInstalled: outcome.name });
      await get().loadPacks();
      // A repaired pack in use is read anew, an imported one is used.
      const id = 'is' in outcome ? place : outcome.id;
      const isUsed = Object.values(get().packInUse).includes(id);
      if (does === 'import' || (does === 'repair' && isUsed)) await get().choosePack(id);
    } catch (error) {
      set({ packJob: null });
      if (!isAbort(error)) {
        set({ packProblems: { ...get().packProblems, [place]: toProblem(error, CONTEXTS[does]) } });
      }
      await get().loadPacks();
    } finally {
      shown.stop();
    }
  };

  return {
    packJob: null,
    verdicts: {},
    packProblems: {},

    verifyPack: (id) =>
      run({ does: 'verify', packId: id, name: nameOf(id) }, async (jobId, onProgress) => {
        const damage = await workers.compile.verifyPack({ jobId, packId: id }, onProgress);
        return damage ? { is: 'damaged', damage } : { is: 'whole' };
      }),
    repairPack: async (id, source) => {
      const before = get().verdicts[id];
      await run({ does: 'repair', packId: id, name: nameOf(id) }, async (jobId, onProgress) => {
        await workers.compile.repairPack({ jobId, packId: id, source, hub: get().hub }, onProgress);
        return { is: 'repaired' };
      });
      // Not repaired: it is as damaged as before.
      if (before && !get().verdicts[id]) set({ verdicts: { ...get().verdicts, [id]: before } });
    },
    exportPack: (id, folder) =>
      run({ does: 'export', packId: id, name: nameOf(id) }, async (jobId, onProgress) => {
        await workers.compile.exportPack({ jobId, packId: id, folder }, onProgress);
        return { is: 'exported', folder: folder.name };
      }),
    importPack: (name, files) =>
      run({ does: 'import', packId: null, name }, (jobId, onProgress) =>
        workers.compile.importPack({ jobId, files }, onProgress),
      ),
    cancelPackJob: () => {
      const { packJob } = get();
      if (!packJob || packJob.cancelling) return;
      set({ packJob: { ...packJob, cancelling: true } });
      workers.compile.cancel(packJob.jobId).catch((error) => get().report(error, 'packs'));
    },
    dismissPackProblem: (id) => {
      const { [id]: _dismissed, ...packProblems } = get().packProblems;
      set({ packProblems });
    },
  };
};

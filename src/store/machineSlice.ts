import type { MemoryBudget } from '../bridge/protocol.ts';
import type { RuntimeStatus, Tier } from '../runtime/status.ts';
import type { Slice } from './appStore.ts';
import { type Problem, type ProblemContext, toProblem } from './problem.ts';

/** State of the engine in the worker. */
export type Engine =
  | { readonly state: 'starting' }
  | { readonly state: 'switching'; readonly status: RuntimeStatus; readonly to: Tier }
  | { readonly state: 'ready'; readonly status: RuntimeStatus }
  | { readonly state: 'failed'; readonly problem: Problem };

/** Something to tell that belongs to no single image. */
export interface Notice {
  readonly id: string;
  readonly problem: Problem;
}

/** What this machine can do, and what went wrong with it. */
export interface MachineSlice {
  readonly engine: Engine;
  /** Problems of the machine, a model or an export, newest last; those of an image are with the image. */
  readonly notices: readonly Notice[];
  /** GPU memory for models; null while the engine has not told it. */
  readonly memoryBudget: MemoryBudget | null;

  /** Starts the engine and reads the packs; called once by the page. */
  start(): Promise<void>;
  /** Ends the workers, starts new ones and takes up what was waiting. */
  restartWorkers(): Promise<void>;
  selectTier(tier: Tier): Promise<void>;
  /** Bytes of GPU memory that models may take; null: what the engine finds right. */
  setMemoryBudget(bytes: number | null): Promise<void>;
  /** Adds a notice for anything thrown. */
  report(error: unknown, during: ProblemContext): void;
  dismissNotice(id: string): void;
}

/** The machine's part of the store. */
export const createMachineSlice: Slice<MachineSlice> = (set, get, { workers, preferences, remember, newId }) => {
  let wanted = preferences.tier;
  /** Whether the present worker already tells of lost devices. */
  let watched = false;

  /** Bytes the user chose; null: automatic. */
  let budget = preferences.memoryBudget;

  const tellBudget = async (bytes: number | null) => {
    try {
      set({ memoryBudget: await workers.refine.setMemoryBudget(bytes) });
    } catch (error) {
      // Everything goes on with what the engine has.
      get().report(error, 'start');
    }
  };

  const startEngine = async () => {
    set({ engine: { state: 'starting' } });
    try {
      const status = await workers.refine.start(wanted);
      if (!watched)
        await workers.refine.watchDevice((reason) => {
          const lost = new Error(reason);
          lost.name = 'DeviceLostError';
          // The job that was running tells the same story on its image; without one, it is told here.
          const isTold =
            get().images.some(({ job }) => job.state === 'analysing') ||
            get().batch?.queue.working != null ||
            Object.values(get().refinements).some(({ job }) => job.state === 'refining');
          if (!isTold) get().report(lost, 'start');
        });
      watched = true;
      set({ engine: { state: 'ready', status } });
      await tellBudget(budget);
    } catch (error) {
      set({ engine: { state: 'failed', problem: toProblem(error, 'start') } });
    }
  };

  return {
    engine: { state: 'starting' },
    notices: [],
    memoryBudget: null,

    start: async () => {
      await Promise.all([
        startEngine(),
        get().loadHubEndpoints(),
        get().loadPacks(),
        get().watchPacks(),
        get().loadBatches(),
      ]);
      if (get().engine.state === 'ready') await get().openPreferredPacks();
      // In the background: nothing waits for it.
      void get().getBlocks();
    },
    restartWorkers: async () => {
      workers.restart();
      watched = false;
      set({ notices: [] });
      await get().start();
      get().retryFailed();
    },
    selectTier: async (tier) => {
      const { engine } = get();
      wanted = tier;
      if (engine.state === 'starting' || engine.state === 'switching') return;
      if (engine.state === 'failed') {
        await get().start();
      } else {
        set({ engine: { state: 'switching', status: engine.status, to: tier } });
        try {
          set({ engine: { state: 'ready', status: await workers.refine.selectTier(tier) } });
        } catch (error) {
          set({ engine: { state: 'ready', status: engine.status } });
          get().report(error, 'switchTier');
          return;
        }
      }
      remember({ tier });
      get().runNext();
    },
    setMemoryBudget: async (bytes) => {
      budget = bytes;
      remember({ memoryBudget: bytes });
      if (get().engine.state === 'ready') await tellBudget(bytes);
    },
    report: (error, during) => {
      const problem = toProblem(error, during);
      const others = get().notices.filter((notice) => notice.problem.message !== problem.message);
      set({ notices: [...others, { id: newId(), problem }] });
    },
    dismissNotice: (id) => set({ notices: get().notices.filter((notice) => notice.id !== id) }),
  };
};

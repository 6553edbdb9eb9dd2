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

  /** Starts the engine and reads the packs; called once by the page. */
  start(): Promise<void>;
  /** Ends the workers, starts new ones and takes up what was waiting. */
  restartWorkers(): Promise<void>;
  selectTier(tier: Tier): Promise<void>;
  /** Adds a notice for anything thrown. */
  report(error: unknown, during: ProblemContext): void;
  dismissNotice(id: string): void;
}

/** The machine's part of the store. */
export const createMachineSlice: Slice<MachineSlice> = (set, get, { workers, preferences, remember, newId }) => {
  let wanted = preferences.tier;
  /** Whether the present worker already tells of lost devices. */
  let watched = false;

  const startEngine = async () => {
    set({ engine: { state: 'starting' } });
    try {
      const status = await workers.refine.start(wanted);
      if (!watched)
        await workers.refine.watchDevice((reason) => {
          const lost = new Error(reason);
          lost.name = 'DeviceLostError';
          // The job that was running tells the same story on its image; without one, it is told here.
          if (!get().images.some((image) => image.job.state === 'analysing')) get().report(lost, 'start');
        });
      watched = true;
      set({ engine: { state: 'ready', status } });
    } catch (error) {
      set({ engine: { state: 'failed', problem: toProblem(error, 'start') } });
    }
  };

  return {
    engine: { state: 'starting' },
    notices: [],

    start: async () => {
      await Promise.all([startEngine(), get().loadPacks()]);
      if (get().engine.state === 'ready') await get().openPreferredPack();
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
    report: (error, during) => {
      const problem = toProblem(error, during);
      const others = get().notices.filter((notice) => notice.problem.message !== problem.message);
      set({ notices: [...others, { id: newId(), problem }] });
    },
    dismissNotice: (id) => set({ notices: get().notices.filter((notice) => notice.id !== id) }),
  };
};

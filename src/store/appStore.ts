import { createStore, type StateCreator, type StoreApi } from 'zustand/vanilla';
import type { Workers } from '../bridge/client.ts';
import type { Shell } from '../bridge/shell.ts';
import type { BundleManifest } from '../bundles/bundle.ts';
import type { Sample } from '../bundles/samples.ts';
import type { AnalysisSettings } from '../pipeline/analysis.ts';
import type { StrategyDescription } from '../pipeline/strategy.ts';
import type { RefineSettings } from '../refine/refineSettings.ts';
import type { BatchStore } from '../storage/batchStore.ts';
import type { FolderHandles } from '../storage/folderHandles.ts';
import { createBatchSlice } from './batchSlice.ts';
import type { BatchSlice } from './batchState.ts';
import { type BlocksSlice, createBlocksSlice } from './blocksSlice.ts';
import { type CalibrationSlice, createCalibrationSlice } from './calibrationSlice.ts';
import { createHandMaskSlice, type HandMaskSlice } from './handMaskSlice.ts';
import { createHubSlice, type HubSlice } from './hubSlice.ts';
import { createImagesSlice, type ImagesSlice } from './imagesSlice.ts';
import { createInstallSlice, type InstallSlice } from './installSlice.ts';
import { createMachineSlice, type MachineSlice } from './machineSlice.ts';
import { createMeasureSlice, type MeasureSlice } from './measureSlice.ts';
import { createPackJobsSlice, type PackJobsSlice } from './packJobsSlice.ts';
import { createPacksSlice, type PacksSlice } from './packsSlice.ts';
import { type Preferences, readPreferences, writePreferences } from './preferences.ts';
import { createRefineSlice, type RefineSlice } from './refineSlice.ts';
import { createShellSlice, type ShellSlice } from './shellSlice.ts';
import { createViewSlice, type ViewSlice } from './viewSlice.ts';

/** Everything the screen shows. Plain data: tensors, sessions and workers stay behind the bridge. */
export type AppState = BatchSlice &
  BlocksSlice &
  CalibrationSlice &
  HandMaskSlice &
  HubSlice &
  ImagesSlice &
  InstallSlice &
  MachineSlice &
  MeasureSlice &
  PackJobsSlice &
  PacksSlice &
  RefineSlice &
  ShellSlice &
  ViewSlice;

/** The one store. */
export type AppStore = StoreApi<AppState>;

/** What the store needs from the outside. */
export interface StoreEnvironment {
  readonly workers: Workers;
  /** Null: nothing keeps the app for offline use. */
  readonly shell: Shell | null;
  readonly settings: AnalysisSettings;
  /** Settings of a refinement unless the user changes them. */
  readonly refineSettings: RefineSettings;
  /** The strategies offered, in their order. */
  readonly refineStrategies: readonly StrategyDescription[];
  /** The same where the toy models repair that come with the app; absent: the same. */
  readonly toyRefineSettings?: RefineSettings;
  /** What the app offers to install. */
  readonly bundles: readonly BundleManifest[];
  /** Toy models that come with the app; null: none. They are among what is offered, too. */
  readonly blocks: BundleManifest | null;
  /** Pictures to try. */
  readonly samples: readonly Sample[];
  /** Reads one of them. */
  readonly fetchSample: (file: string) => Promise<Blob>;
  /** Folders of images and their results. */
  readonly batches: BatchStore;
  readonly folders: FolderHandles;
  /** Hubs that this page may fetch models from, the default first. */
  readonly allowedEndpoints: () => Promise<readonly string[]>;
  /** Asks the browser never to clear what is stored; whether it agrees. */
  readonly persistStorage: () => Promise<boolean>;
  /** Null: nothing is remembered from visit to visit. */
  readonly storage: Pick<Storage, 'getItem' | 'setItem'> | null;
  /** Milliseconds of a clock that never jumps. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  readonly newId: () => string;
  /** A seed drawn at random, 0..2^32-1. */
  readonly newSeed: () => number;
}

/** What a part of the store is made from. */
export interface SliceEnvironment extends StoreEnvironment {
  readonly preferences: Preferences;
  /** The worker does one job at a time; the one that runs holds the lane, be its image still in the strip or not. */
  readonly lane: { busy: boolean };
  /** Remembers a choice for the next visit. */
  remember(part: Partial<Preferences>): void;
}

/** Makes one part of the store, which may read all of it. */
export type Slice<Part> = (
  set: (part: Partial<AppState>) => void,
  get: () => AppState,
  environment: SliceEnvironment,
) => Part;

/** Makes the store. Nothing happens before its `start` is called. */
export function createAppStore(environment: StoreEnvironment): AppStore {
  let preferences = readPreferences(environment.storage);
  const parts: SliceEnvironment = {
    ...environment,
    preferences,
    lane: { busy: false },
    remember: (part) => {
      preferences = { ...preferences, ...part };
      writePreferences(environment.storage, preferences);
    },
  };
  const creator: StateCreator<AppState> = (set, get) => ({
    ...createBlocksSlice(set, get, parts),
    ...createCalibrationSlice(set, get, parts),
    ...createHandMaskSlice(set, get, parts),
    ...createBatchSlice(set, get, parts),
    ...createHubSlice(set, get, parts),
    ...createImagesSlice(set, get, parts),
    ...createInstallSlice(set, get, parts),
    ...createMachineSlice(set, get, parts),
    ...createMeasureSlice(set, get, parts),
    ...createPackJobsSlice(set, get, parts),
    ...createPacksSlice(set, get, parts),
    ...createRefineSlice(set, get, parts),
    ...createShellSlice(set, get, parts),
    ...createViewSlice(set, get, parts),
  });
  return createStore<AppState>()(creator);
}

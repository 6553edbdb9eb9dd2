import { createStore, type StateCreator, type StoreApi } from 'zustand/vanilla';
import type { Workers } from '../bridge/client.ts';
import type { AnalysisSettings } from '../pipeline/analysis.ts';
import { createImagesSlice, type ImagesSlice } from './imagesSlice.ts';
import { createMachineSlice, type MachineSlice } from './machineSlice.ts';
import { createPacksSlice, type PacksSlice } from './packsSlice.ts';
import { type Preferences, readPreferences, writePreferences } from './preferences.ts';
import { createViewSlice, type ViewSlice } from './viewSlice.ts';

/** Everything the screen shows. Plain data: tensors, sessions and workers stay behind the bridge. */
export type AppState = ImagesSlice & MachineSlice & PacksSlice & ViewSlice;

/** The one store. */
export type AppStore = StoreApi<AppState>;

/** What the store needs from the outside. */
export interface StoreEnvironment {
  readonly workers: Workers;
  readonly settings: AnalysisSettings;
  /** Null: nothing is remembered from visit to visit. */
  readonly storage: Pick<Storage, 'getItem' | 'setItem'> | null;
  /** Milliseconds of a clock that never jumps. */
  readonly now: () => number;
  readonly newId: () => string;
}

/** What a part of the store is made from. */
export interface SliceEnvironment extends StoreEnvironment {
  readonly preferences: Preferences;
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
    remember: (part) => {
      preferences = { ...preferences, ...part };
      writePreferences(environment.storage, preferences);
    },
  };
  const creator: StateCreator<AppState> = (set, get) => ({
    ...createImagesSlice(set, get, parts),
    ...createMachineSlice(set, get, parts),
    ...createPacksSlice(set, get, parts),
    ...createViewSlice(set, get, parts),
  });
  return createStore<AppState>()(creator);
}

import { defaultAnalysisSettings } from '../pipeline/analyse.ts';
import { strategyDescriptions } from '../pipeline/strategy.ts';
import { defaultRefineSettings } from '../refine/refineSettings.ts';
import { memoryBatches } from '../storage/memoryBatches.ts';
import type { StoreEnvironment } from './appStore.ts';

/**
 * What a store is made from in tests: nothing is offered, remembered or left to chance, clocks stand still. A test names what
 * it is about.
 */
export function fakeEnvironment(part: Partial<StoreEnvironment> & Pick<StoreEnvironment, 'workers'>): StoreEnvironment {
  let ids = 0;
  return {
    ...memoryBatches(),
    shell: null,
    settings: defaultAnalysisSettings,
    refineSettings: defaultRefineSettings,
    refineStrategies: strategyDescriptions,
    bundles: [],
    blocks: null,
    samples: [],
    fetchSample: async () => new Blob(),
    allowedEndpoints: async () => [],
    persistStorage: async () => true,
    storage: null,
    now: () => 0,
    wallClock: () => 0,
    newId: () => `id${ids++}`,
    newSeed: () => 7,
    ...part,
  };
}

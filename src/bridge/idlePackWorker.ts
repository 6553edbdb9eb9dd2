import type { PackWorkerApi } from './packProtocol.ts';

/** A pack worker with nothing installed and nothing to do, for tests: each says what is different. */
export const idlePackWorker: PackWorkerApi = {
  listPacks: async () => [],
  listDrafts: async () => [],
  listDamaged: async () => [],
  storageState: async () => ({ usedBytes: 0, quotaBytes: 100e9, persisted: true }),
  estimateInstall: unexpected,
  install: unexpected,
  resumeDraft: unexpected,
  discardDraft: async () => {},
  deletePack: async () => {},
  verifyPack: async () => null,
  repairPack: unexpected,
  exportPack: async () => {},
  importPack: unexpected,
  watchActivity: async (onChange) => onChange({ running: null, elsewhere: false }),
  pause: async () => {},
  cancel: async () => {},
};

async function unexpected(): Promise<never> {
  throw new Error('Nobody expected this call');
}

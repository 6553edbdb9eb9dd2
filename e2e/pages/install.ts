import '../../src/trustedTypes.ts';
import { connectWorkers } from '../../src/bridge/client.ts';
import { createBatchStore } from '../../src/storage/batchStore.ts';
import { folderHandles } from '../../src/storage/folderHandles.ts';
import { mountApp } from '../../src/ui/mount.tsx';
import { TINY_BUNDLE } from '../packs/tinyBundle.ts';

/** The app itself, but for what it offers to install: the hub of the tests has no models of gigabytes. */
const root = document.getElementById('root');
if (!root) throw new Error('install.html has no #root');
const hub = new URLSearchParams(location.search).get('hub') ?? '';
mountApp(root, {
  workers: connectWorkers(),
  shell: null,
  bundles: [TINY_BUNDLE],
  blocks: null,
  samples: [],
  batches: createBatchStore(() => navigator.storage.getDirectory(), navigator.locks),
  folders: folderHandles,
  allowedEndpoints: async () => [hub],
});

import { createBatchStore } from '../../src/storage/batchStore.ts';
import { folderHandles } from '../../src/storage/folderHandles.ts';
import { mountApp } from '../../src/ui/mount.tsx';
import { FAKE_BUNDLES } from './fakeBundles.ts';
import { fakeWorkers, scenarioOf } from './fakeWorkers.ts';

const root = document.getElementById('root');
if (!root) throw new Error('interface.html has no #root');
const query = new URLSearchParams(location.search);
mountApp(root, {
  workers: fakeWorkers(scenarioOf(query)),
  shell: null,
  bundles: FAKE_BUNDLES,
  blocks: null,
  samples: [],
  batches: createBatchStore(() => navigator.storage.getDirectory(), navigator.locks),
  folders: folderHandles,
  allowedEndpoints: async () => ['https://huggingface.co', 'https://mirror.example'],
});

import './trustedTypes.ts';
import { connectWorkers } from './bridge/client.ts';
import { connectShell } from './bridge/shell.ts';
import { blocksBundle } from './bundles/blocks.ts';
import { BUNDLES } from './bundles/bundles.ts';
import { SAMPLES } from './bundles/samples.ts';
import { allowedEndpoints } from './hub/allowedEndpoints.ts';
import { createBatchStore } from './storage/batchStore.ts';
import { folderHandles } from './storage/folderHandles.ts';
import { mountApp } from './ui/mount.tsx';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
const blocks = blocksBundle(BLOCKS_FILES);
mountApp(root, {
  workers: connectWorkers(),
  // While developing, nothing is kept: it would be yesterday's.
  shell: import.meta.env.PROD ? connectShell() : null,
  bundles: blocks ? [...BUNDLES, blocks] : BUNDLES,
  blocks,
  samples: blocks ? SAMPLES : [],
  allowedEndpoints: () => allowedEndpoints(),
  batches: createBatchStore(() => navigator.storage.getDirectory(), navigator.locks ?? null),
  folders: folderHandles,
});

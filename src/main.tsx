import './trustedTypes.ts';
import { connectWorkers } from './bridge/client.ts';
import { connectShell } from './bridge/shell.ts';
import { BUNDLES } from './bundles/bundles.ts';
import { allowedEndpoints } from './hub/allowedEndpoints.ts';
import { mountApp } from './ui/mount.tsx';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
mountApp(root, {
  workers: connectWorkers(),
  // While developing, nothing is kept: it would be yesterday's.
  shell: import.meta.env.PROD ? connectShell() : null,
  bundles: BUNDLES,
  allowedEndpoints: () => allowedEndpoints(),
});

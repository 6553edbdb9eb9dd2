import './trustedTypes.ts';
import { connectWorkers } from './bridge/client.ts';
import { connectShell } from './bridge/shell.ts';
import { mountApp } from './ui/mount.tsx';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
// While developing, nothing is kept: it would be yesterday's.
mountApp(root, { workers: connectWorkers(), shell: import.meta.env.PROD ? connectShell() : null });

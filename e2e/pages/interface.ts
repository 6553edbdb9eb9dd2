import { mountApp } from '../../src/ui/mount.tsx';
import { fakeWorkers, scenarioOf } from './fakeWorkers.ts';

const root = document.getElementById('root');
if (!root) throw new Error('interface.html has no #root');
mountApp(root, { workers: fakeWorkers(scenarioOf(new URLSearchParams(location.search))), shell: null });

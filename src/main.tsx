import './trustedTypes.ts';
import { connectWorkers } from './bridge/client.ts';
import { mountApp } from './ui/mount.tsx';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
mountApp(root, connectWorkers());

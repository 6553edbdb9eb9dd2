import { commit } from './offence.ts';

declare global {
  /** Commits one of the offences in `offence.ts`. */
  var offend: (place: 'page' | 'worker', name: string) => void;
}

const worker = new Worker(new URL('./offences.worker.ts', import.meta.url), { type: 'module' });

globalThis.offend = (place, name) => {
  if (place === 'page') commit(name);
  else worker.postMessage(name);
};

/** The app's own files as kept for offline use; null in an environment: nothing keeps them. */
export interface Shell {
  /** Calls back when the app is kept and starts without a network, and when a newer one has been fetched. */
  watch(on: { readonly kept: () => void; readonly newer: () => void }): void;
  /** Reloads the page as the newer version; `other pages are open`: not while they run the one of before. */
  changeToNewer(): Promise<'reloading' | 'other pages are open'>;
}

/** Registers the service worker that keeps the app (`workers/shell`). Null where browser or address allow none. */
export function connectShell(): Shell | null {
  if (!('serviceWorker' in navigator) || !isSecureContext) return null;
  const { serviceWorker } = navigator;
  const registering = serviceWorker
    .register('./sw.js')
    .then(() => serviceWorker.getRegistration('./'))
    .catch((error: unknown) => {
      // Without it the app runs as well, with a network.
      console.warn('The app is not kept for offline use:', error);
      return undefined;
    });
  return {
    watch: ({ kept, newer }) => {
      registering.then(async (registration) => {
        if (!registration) return;
        // Without an active one, what installs is the first and takes over by itself.
        const tell = () => {
          if (registration.waiting && registration.active) newer();
        };
        tell();
        registration.addEventListener('updatefound', () => {
          registration.installing?.addEventListener('statechange', tell);
        });
        registration.installing?.addEventListener('statechange', tell);
        await serviceWorker.ready;
        kept();
      });
    },
    changeToNewer: async () => {
      const waiting = (await registering)?.waiting;
      if (waiting && (await takeOver(waiting)) === 'other pages are open') return 'other pages are open';
      location.reload();
      return 'reloading';
    },
  };
}

/** Asks a waiting service worker to take over, and waits until it has. */
async function takeOver(waiting: ServiceWorker): Promise<unknown> {
  const controlled = new Promise((done) =>
    navigator.serviceWorker.addEventListener('controllerchange', done, { once: true }),
  );
  const { port1, port2 } = new MessageChannel();
  const answered = new Promise((done) => {
    port1.onmessage = ({ data }) => done(data);
  });
  waiting.postMessage('take over', [port2]);
  const answer = await answered;
  if (answer === 'taken over') await controlled;
  return answer;
}

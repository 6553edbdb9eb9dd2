import type { Slice } from './appStore.ts';

/** The app itself: kept for offline use, and whether a newer one waits. */
export interface ShellSlice {
  /** Whether the app starts without a network from now on. */
  readonly worksOffline: boolean;
  /** `none`: this is the newest one known; `ready`: a newer one is here; `dismissed`: so it is, but not now; `blocked`: other pages run this one. */
  readonly newerVersion: 'none' | 'ready' | 'dismissed' | 'blocked';
  /** Starts to follow what is kept. */
  watchShell(): void;
  /** Reloads the page as the newer version unless other pages still run this one. */
  changeToNewerVersion(): Promise<void>;
  /** The newer version is used when the app is opened the next time. */
  dismissNewerVersion(): void;
}

export const createShellSlice: Slice<ShellSlice> = (set, _, { shell }) => {
  return {
    worksOffline: false,
    newerVersion: 'none',

    watchShell: () => {
      shell?.watch({
        kept: () => set({ worksOffline: true }),
        newer: () => set({ newerVersion: 'ready' }),
      });
    },
    changeToNewerVersion: async () => {
      if ((await shell?.changeToNewer()) === 'other pages are open') set({ newerVersion: 'blocked' });
    },
    dismissNewerVersion: () => set({ newerVersion: 'dismissed' }),
  };
};

import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import type { AppState, AppStore } from '../store/appStore.ts';
import type { ImageItem } from '../store/imagesSlice.ts';

/** The store of the screen around. */
export const StoreContext = createContext<AppStore | null>(null);

/** The store itself, for event handlers that read the present state. @throws Error outside of an `App` */
export function useAppStore(): AppStore {
  const store = useContext(StoreContext);
  if (!store) throw new Error('No store: this component is not inside an App');
  return store;
}

/** A part of the state; the component draws again when that part changes. */
export function useApp<Part>(select: (state: AppState) => Part): Part {
  return useStore(useAppStore(), select);
}

/** The image on the stage. */
export function selectedImage({ images, selectedId }: Pick<AppState, 'images' | 'selectedId'>): ImageItem | null {
  return images.find(({ id }) => id === selectedId) ?? null;
}

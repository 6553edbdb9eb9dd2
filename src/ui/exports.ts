import { toRecord } from '../pipeline/analysisRecord.ts';
import type { QualityMap } from '../quality/qualityMap.ts';
import type { AppStore } from '../store/appStore.ts';
import type { ImageItem } from '../store/imagesSlice.ts';
import { type Layer, layerOf, worseOf } from './layer.ts';
import { selectedImage } from './StoreContext.tsx';

/** A map that can be saved. */
export interface SavableMap {
  readonly name: string;
  readonly map: QualityMap;
  /** Goes into the file's name. */
  readonly suffix: string;
}

/** The maps of an image that can be saved, those it has. */
export function savableMaps({ perceptual, alignment }: ImageItem): readonly SavableMap[] {
  const maps: SavableMap[] = [];
  if (perceptual) maps.push({ name: 'PQ-Map', map: perceptual.map, suffix: 'pq' });
  if (alignment) maps.push({ name: 'AQ-Map', map: alignment.map, suffix: 'aq' });
  if (perceptual && alignment) {
    maps.push({ name: 'Both maps, merged,', map: worseOf(perceptual.map, alignment.map), suffix: 'both' });
  }
  return maps;
}

/** The layer in view as a file: a presence map turns round, so that the painter's clear end is where nothing is. */
export function savableLayer({ map, name, reads }: Layer): SavableMap {
  return {
    name,
    map: reads === 'quality' ? map : { ...map, values: map.values.map((value) => 1 - value) },
    suffix: name
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
      .replaceAll(/^-|-$/g, ''),
  };
}

const baseName = (file: File) => file.name.replace(/\.[^.]+$/, '') || 'image';

function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download has read the address by then; sooner, some browsers save nothing.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Saves a map as PNG at the picture's size, painted by the worker. */
export async function saveMap(store: AppStore, image: ImageItem, { map, suffix }: SavableMap): Promise<void> {
  const blob = await store.getState().paintMap(image.id, map);
  if (blob) saveBlob(blob, `${baseName(image.file)}.${suffix}.png`);
}

/** Saves every number of the last analysis as JSON. */
export function saveNumbers(image: ImageItem): void {
  if (!image.result) return;
  const json = JSON.stringify({ file: image.file.name, ...(toRecord(image.result) as object) }, null, 1);
  saveBlob(new Blob([json], { type: 'application/json' }), `${baseName(image.file)}.g-refine.json`);
}

/** Saves what is in view: the map over the picture, or the numbers where there is none. */
export async function saveInView(store: AppStore): Promise<void> {
  const state = store.getState();
  const image = selectedImage(state);
  if (!image) return;
  const layer = layerOf(image, { ...state, hoveredPhrase: null, showOriginal: false });
  if (layer && !layer.mask) await saveMap(store, image, savableLayer(layer));
  else saveNumbers(image);
}

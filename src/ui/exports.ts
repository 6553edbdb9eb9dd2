import { toRecord } from '../pipeline/analysisRecord.ts';
import { measuresRecord } from '../pipeline/measuresRecord.ts';
import type { QualityMap } from '../quality/qualityMap.ts';
import type { AppStore } from '../store/appStore.ts';
import type { ImageItem } from '../store/imagesSlice.ts';
import { refinedName } from '../store/refinement.ts';
import { refinementsOf } from '../store/refineSlice.ts';
import { shownMeasures } from './comparedMeasures.ts';
import { shownItem } from './comparison.ts';
import { type Layer, layerOf, layerViewOf, worseOf } from './layer.ts';
import { chooseFile, downloadBlob, type Format, formatOfName } from './pictureFile.ts';

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

/** Name of the files saved of what is shown, without extension. */
const baseName = (store: AppStore, { id, file }: ImageItem) =>
  refinementsOf(store.getState(), id).history.currentId === null
    ? file.name.replace(/\.[^.]+$/, '') || 'image'
    : refinedName(file.name);

/** Saves a map as PNG at the picture's size, painted by the worker. */
export async function saveMap(store: AppStore, image: ImageItem, { map, suffix }: SavableMap): Promise<void> {
  const name = baseName(store, image);
  const blob = await store.getState().paintMap(image.id, map);
  if (blob) downloadBlob(blob, `${name}.${suffix}.png`);
}

/** Saves every number of the last analysis as JSON, with all that was measured besides. */
export function saveNumbers(store: AppStore, image: ImageItem): void {
  if (!image.result) return;
  const measured = shownMeasures(store.getState());
  const record = {
    file: image.file.name,
    ...(toRecord(image.result) as object),
    ...(measured && { measures: measuresRecord(measured.before, measured.after) }),
  };
  const json = JSON.stringify(record, null, 1);
  downloadBlob(new Blob([json], { type: 'application/json' }), `${baseName(store, image)}.g-refine.json`);
}

/** Whether a result is shown of the selected image: a picture that can be saved. */
export function isResultShown(store: AppStore): boolean {
  const state = store.getState();
  return state.selectedId !== null && refinementsOf(state, state.selectedId).history.currentId !== null;
}

/**
 * Saves the result shown of the selected image with the original's metadata: where the browser lets one choose a place
 * there, else as a download.
 */
export async function savePicture(store: AppStore): Promise<void> {
  const state = store.getState();
  const image = state.images.find(({ id }) => id === state.selectedId);
  if (!image || !isResultShown(store) || state.savingId !== null) return;
  const chosen: Format = state.saveChoice.format;
  try {
    // Asked first: the browser only lets a page ask right after a key or a click.
    const place = await chooseFile(refinedName(image.file.name), chosen);
    if (place === 'cancelled') return;
    const format = place ? (formatOfName(place.name) ?? chosen) : chosen;
    const blob = await store.getState().writePicture(image.id, format);
    if (!blob) return;
    if (place) await place.write(blob);
    else downloadBlob(blob, `${refinedName(image.file.name)}.${extensionOf(chosen)}`);
  } catch (error) {
    const failure = new Error(error instanceof Error ? error.message : String(error));
    failure.name = 'StorageError';
    store.getState().report(failure, 'save');
  }
}

const extensionOf = (format: Format) => (format === 'jpeg' ? 'jpg' : format);

/** Saves what is in view: the result, else the map over the picture, else the numbers. */
export async function saveInView(store: AppStore): Promise<void> {
  if (isResultShown(store)) {
    await savePicture(store);
    return;
  }
  const state = store.getState();
  const item = shownItem(state);
  if (!item) return;
  const layer = layerOf(item, { ...layerViewOf(state), hoveredPhrase: null, showOriginal: false });
  if (layer && !layer.mask) await saveMap(store, item, savableLayer(layer));
  else saveNumbers(store, item);
}

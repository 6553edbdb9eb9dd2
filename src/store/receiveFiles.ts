import { looksLikeBatch } from '../batch/batchOffer.ts';
import type { AppState } from './appStore.ts';
import { exportedPack } from './exportedPack.ts';
import { type PathedFile, sortFiles } from './modelFolder.ts';

/**
 * Takes in files from a drop, a paste or a dialog: images are opened, a folder of them or very many are offered as a batch, a model
 * folder is offered for installing, an exported model is imported.
 * @param folder handle of the one folder that was dropped, where the browser gives it
 */
export function receiveFiles(
  state: AppState,
  files: readonly PathedFile[],
  folder: FileSystemDirectoryHandle | null = null,
): void {
  const exported = exportedPack(files);
  if (exported) {
    // Its progress and what may be wrong with it are told there.
    state.showModels('get');
    void state.importPack(exported.name, exported.files);
    return;
  }
  const { images, models, ignored } = sortFiles(files);
  const own = new Set(images);
  const isWanted = state.batch !== null && state.batchShown && state.batch.missing > 0;
  if (images.length > 0 && (isWanted || looksLikeBatch(files.filter(({ file }) => own.has(file))))) {
    state.offerBatch(files, folder).catch((error) => state.report(error, 'batch'));
  } else if (images.length > 0) {
    state.showBatch(false);
    state.addImages(images);
  }
  const [model] = models;
  if (model) state.offerModel(model);
  if (images.length > 0 || model || files.length === 0) return;
  const looksLikeModel = files.some(({ path }) => /\.(safetensors|bin|ckpt|pth|onnx)$/i.test(path));
  const error = new Error(
    looksLikeModel
      ? 'A model is a folder with config.json and its weights (model.safetensors or pytorch_model.bin) side by side, as the hub publishes it, or one whole checkpoint (.safetensors or .ckpt).'
      : ignored === 1
        ? `“${files[0]?.path}” is neither an image nor a model folder.`
        : `None of the ${ignored} files is an image or belongs to a model folder.`,
  );
  error.name = looksLikeModel ? 'CheckpointError' : 'ImageError';
  state.report(error, looksLikeModel ? 'install' : 'open');
}

/** What can go wrong with a folder of images, in words of what to do; the names are those of `errors.ts`. */

const named = (name: string, message: string, cause?: unknown) =>
  Object.assign(new Error(message, { cause }), { name });

/** An image whose file is not there to be read. */
export const fileMissing = (path: string) =>
  named('ImageError', `“${path}” is not at hand any more. Drop its folder on this page again, then retry.`);

/** A folder that was moved, deleted or not allowed. */
export const missingFolder = (name: string, cause: unknown) =>
  named(
    'ImageError',
    `The folder “${name}” cannot be read: ${(cause as Error).message}. Drop it on this page again; its results are kept.`,
    cause,
  );

/** Two tabs may not write the same results. */
export const openElsewhere = () =>
  named('StorageError', 'This folder is open in another tab of the app. Go on there, or close that tab first.');

/** A refinement whose numbers cannot be read. */
export const damagedRefinement = (path: string, cause: unknown) =>
  named(
    'StorageError',
    `The refinement of “${path}” cannot be shown beside its original: ${(cause as Error).message}. The refined picture itself can still be saved.`,
    cause,
  );

/** A folder without an image. */
export const noImages = () => named('ImageError', 'There is no image in this folder.');

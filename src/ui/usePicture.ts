import { useLayoutEffect, useState } from 'react';
import type { Size } from './viewport.ts';

/** More pixels than this are drawn from the preview: the full picture would take over 160 MB of the page's memory. */
export const MAX_DRAWN_PIXELS = 40_000_000;

/** A picture in a file. */
export interface PictureFile {
  readonly file: Blob;
  /** Null until known. */
  readonly size: Size | null;
  /** The picture in small, drawn where the file is huge or of a kind that only the worker reads. */
  readonly preview: ImageBitmap | null;
  /** Whether it could not be opened. */
  readonly hasFailed: boolean;
}

/** What the stage draws for a picture. */
export type PictureSource =
  | { readonly state: 'opening'; readonly size: Size | null; readonly url: string | null }
  | { readonly state: 'file'; readonly size: Size; readonly url: string }
  | { readonly state: 'preview'; readonly size: Size; readonly url: null }
  | { readonly state: 'failed'; readonly size: null; readonly url: null };

/**
 * The picture itself where the browser can draw the file, its preview where the file is huge. It never waits for an
 * analysis.
 */
export function usePicture({ file, size, hasFailed }: PictureFile): PictureSource {
  const [made, setMade] = useState<{ readonly file: Blob; readonly url: string } | null>(null);
  const fits = size !== null && size.width * size.height <= MAX_DRAWN_PIXELS;

  // A layout effect: the address is there before anything is drawn.
  useLayoutEffect(() => {
    if (!fits) return;
    const url = URL.createObjectURL(file);
    setMade({ file, url });
    return () => {
      setMade(null);
      URL.revokeObjectURL(url);
    };
  }, [file, fits]);

  if (!size)
    return hasFailed ? { state: 'failed', size: null, url: null } : { state: 'opening', size: null, url: null };
  if (!fits) return { state: 'preview', size, url: null };
  return made?.file === file ? { state: 'file', size, url: made.url } : { state: 'opening', size, url: null };
}

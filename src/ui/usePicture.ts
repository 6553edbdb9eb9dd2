import { useLayoutEffect, useState } from 'react';
import type { ImageItem } from '../store/imagesSlice.ts';
import type { Size } from './viewport.ts';

/** More pixels than this are drawn from the preview: the full picture would take over 160 MB of the page's memory. */
export const MAX_DRAWN_PIXELS = 40_000_000;

/** What the stage draws for an image. */
export type PictureSource =
  | { readonly state: 'opening'; readonly size: Size | null; readonly url: string | null }
  | { readonly state: 'file'; readonly size: Size; readonly url: string }
  | { readonly state: 'preview'; readonly size: Size; readonly url: null }
  | { readonly state: 'failed'; readonly size: null; readonly url: null };

/**
 * The picture itself where the browser can draw the file, its preview where the file is huge. It never waits for an
 * analysis.
 */
export function usePicture(image: ImageItem): PictureSource {
  const [url, setUrl] = useState<string | null>(null);
  const { file, opened, job } = image;
  const size = opened && { width: opened.width, height: opened.height };
  const fits = size !== null && size.width * size.height <= MAX_DRAWN_PIXELS;

  // A layout effect: the address is there before anything is drawn.
  useLayoutEffect(() => {
    if (!fits) return;
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => {
      setUrl(null);
      URL.revokeObjectURL(made);
    };
  }, [file, fits]);

  if (!size)
    return job.state === 'failed'
      ? { state: 'failed', size: null, url: null }
      : { state: 'opening', size: null, url: null };
  if (!fits) return { state: 'preview', size, url: null };
  return url ? { state: 'file', size, url } : { state: 'opening', size, url: null };
}

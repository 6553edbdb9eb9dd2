import { useEffect, useRef, useState } from 'react';
import type { ImageItem } from '../store/imagesSlice.ts';
import styles from './Stage.module.css';
import type { PictureSource } from './usePicture.ts';

/** The picture under the maps: the file, or its preview where the file is huge or of a kind only the worker reads. */
export function Picture({ image, picture }: { image: ImageItem; picture: PictureSource }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const preview = image.opened?.preview;
  const [brokenUrl, setBrokenUrl] = useState<string | null>(null);
  const showsFile = picture.state === 'file' && brokenUrl !== picture.url;
  // Copying the preview costs milliseconds: only for a picture that has to be drawn from it.
  const showsPreview = picture.state === 'preview' || (picture.state === 'file' && !showsFile);

  useEffect(() => {
    const element = canvas.current;
    if (!showsPreview || !element || !preview) return;
    element.width = preview.width;
    element.height = preview.height;
    element.getContext('2d')?.drawImage(preview, 0, 0);
  }, [preview, showsPreview]);

  const name = `The picture ${image.file.name}`;
  if (!showsFile && !showsPreview) return null;
  return showsFile ? (
    <img
      className={styles.picture}
      src={picture.url}
      alt={name}
      draggable={false}
      decoding="async"
      // Formats the worker can read and this element cannot still have their preview.
      onError={() => setBrokenUrl(picture.url)}
    />
  ) : (
    <canvas ref={canvas} className={styles.picture} role="img" aria-label={name} />
  );
}

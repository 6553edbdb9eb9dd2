import { useEffect, useRef, useState } from 'react';
import styles from './Stage.module.css';
import { type PictureFile, usePicture } from './usePicture.ts';

/** The picture under the maps: the file, or its preview where the file is huge or of a kind only the worker reads. */
export function Picture({ picture, name }: { picture: PictureFile; name: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const source = usePicture(picture);
  const { preview } = picture;
  const [brokenUrl, setBrokenUrl] = useState<string | null>(null);
  // Between two files the element keeps the one it has: the picture before stays until the next one is decoded.
  const lastUrl = useRef<string | null>(null);
  const url = source.state === 'file' ? source.url : source.state === 'opening' && source.size ? lastUrl.current : null;
  lastUrl.current = url;
  const showsFile = url !== null && brokenUrl !== url;
  // Copying the preview costs milliseconds: only for a picture that has to be drawn from it.
  const showsPreview = source.state === 'preview' || (source.state === 'file' && !showsFile);

  useEffect(() => {
    const element = canvas.current;
    if (!showsPreview || !element || !preview) return;
    element.width = preview.width;
    element.height = preview.height;
    element.getContext('2d')?.drawImage(preview, 0, 0);
  }, [preview, showsPreview]);

  if (!showsFile && !showsPreview) return null;
  return showsFile ? (
    <img
      className={styles.picture}
      src={url}
      alt={name}
      draggable={false}
      decoding="async"
      // Formats the worker can read and this element cannot still have their preview.
      onError={() => setBrokenUrl(url)}
    />
  ) : (
    <canvas ref={canvas} className={styles.picture} role="img" aria-label={name} />
  );
}

import type { ImageItem } from '../store/imagesSlice.ts';
import styles from './ImageDetails.module.css';
import { bytes } from './words.ts';

/** File, size, model, and what the generator wrote down; closed until asked for. */
export function ImageDetails({ image }: { image: ImageItem }) {
  const { file, opened, result } = image;
  const rows: [string, string][] = [['File', file.name]];
  if (opened) rows.push(['Size', `${opened.width} × ${opened.height}, ${bytes(file.size)}`]);
  if (result) rows.push(['Model', result.modelName]);
  for (const [name, value] of Object.entries(opened?.metadata?.settings ?? {})) rows.push([name, String(value)]);
  return (
    <details className={styles.details}>
      <summary>Details</summary>
      <dl>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

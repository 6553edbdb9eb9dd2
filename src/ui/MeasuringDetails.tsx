import type { AnalysisSettings } from '../pipeline/analysis.ts';
import styles from './ImageDetails.module.css';
import { useApp, useAppStore } from './StoreContext.tsx';
import { MODE_CHOICES } from './words.ts';

/** How the maps are made: choices that take effect on the selected image at once; closed until asked for. */
export function MeasuringDetails() {
  const store = useAppStore();
  const { imageSize, perceptualMode } = useApp((state) => state.settings);
  const sizes = useApp(({ packs, packInUse }) => packs?.find(({ id }) => id === packInUse.maps)?.imageSizes ?? null);
  const change = (part: Partial<AnalysisSettings>) => store.getState().changeSettings(part);
  return (
    <details className={styles.details}>
      <summary>How it is measured</summary>
      <div className={styles.choices}>
        <label>
          <span>Resolution</span>
          <select
            value={imageSize ?? ''}
            onChange={({ target }) => change({ imageSize: target.value === '' ? null : Number(target.value) })}
          >
            <option value="">Automatic</option>
            {sizes?.map((size) => (
              <option key={size} value={size}>
                {size} × {size}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>Quality words</span>
          <select
            value={perceptualMode}
            onChange={({ target }) => change({ perceptualMode: target.value as AnalysisSettings['perceptualMode'] })}
          >
            {MODE_CHOICES.map(({ value, name }) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <p>A finer resolution points at smaller things and takes longer.</p>
      </div>
    </details>
  );
}

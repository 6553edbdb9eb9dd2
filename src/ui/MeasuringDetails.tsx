import type { AnalysisSettings } from '../pipeline/analysis.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import styles from './ImageDetails.module.css';
import { useApp, useAppStore } from './StoreContext.tsx';
import { MODE_CHOICES } from './words.ts';

/** Before the id of a calibration among the values of the quality words. */
const OWN = 'calibration:';

/** How the maps are made: choices that take effect on the selected image at once; closed until asked for. */
export function MeasuringDetails() {
  const store = useAppStore();
  const { imageSize, perceptualMode, calibration } = useApp((state) => state.settings);
  const calibrations = useApp((state) => state.calibrations);
  const sizes = useApp(({ packs, packInUse }) => packs?.find(({ id }) => id === packInUse.maps)?.imageSizes ?? null);
  const chooseWords = (value: string) => {
    const chosen = calibrations.find(({ id }) => value === `${OWN}${id}`);
    store.getState().chooseWords(chosen ?? (value as (typeof MODE_CHOICES)[number]['value']));
  };
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
            value={perceptualMode === 'calibrated' ? `${OWN}${calibration?.id}` : perceptualMode}
            onChange={({ target }) => chooseWords(target.value)}
          >
            {MODE_CHOICES.map(({ value, name }) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
            {perceptualMode === 'calibrated' && !calibrations.some(({ id }) => id === calibration?.id) && (
              <option value={`${OWN}${calibration?.id}`}>{calibration?.name} (gone)</option>
            )}
            {calibrations
              .filter(({ id, fits }) => fits || id === calibration?.id)
              .map(({ id, name }) => (
                <option key={id} value={`${OWN}${id}`}>
                  My ratings: {name}
                </option>
              ))}
          </select>
        </label>
        <button type="button" className={controls.button} onClick={() => store.getState().setPanel('calibration')}>
          <Icon name="edit" /> Teach it your taste…
        </button>
        <p>A finer resolution points at smaller things and takes longer.</p>
      </div>
    </details>
  );
}

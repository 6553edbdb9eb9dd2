import type { QRefineSettings } from '../refine/qRefineSettings.ts';
import { RANGES } from '../store/refineChoices.ts';
import styles from './RefineSettings.module.css';
import { Group, SettingNumber } from './SettingFields.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';
import { StrengthRange } from './StrengthRange.tsx';

/** What Q-Refine decides by: how strongly it enhances, and, folded away, how it cuts the picture up. */
export function QRefineSettingsGroup() {
  const store = useAppStore();
  const settings = useApp((state) => state.refineChoices.settings);
  const { qRefine } = settings;
  const change = (part: Partial<QRefineSettings>) =>
    store.getState().changeRefineChoices({ settings: { ...settings, qRefine: { ...qRefine, ...part } } });
  return (
    <Group title="Q-Refine" note="The picture is cut into parts: bad, middling and good ones are treated differently.">
      <StrengthRange
        label="Enhancement"
        note="How much detail of the whole picture changes: the lower value for good pictures, the upper for bad ones."
        ends={['for good pictures', 'for bad pictures']}
        low={qRefine.smallestEnhancement}
        high={qRefine.largestEnhancement}
        range={RANGES['qRefine.largestEnhancement']}
        onChange={(smallestEnhancement, largestEnhancement) => change({ smallestEnhancement, largestEnhancement })}
      />
      <details className={styles.advanced}>
        <summary>Advanced</summary>
        <div className={styles.form}>
          <StrengthRange
            label="Thresholds"
            note="Parts with a quality below the first get noise and are repainted; below the second they are repainted; all others are kept."
            ends={['of low quality', 'of high quality']}
            low={qRefine.lowBelow}
            high={qRefine.highFrom}
            range={RANGES['qRefine.highFrom']}
            onChange={(lowBelow, highFrom) => change({ lowBelow, highFrom })}
          />
          <SettingNumber
            path="qRefine.gridSide"
            label="Parts a side"
            note="The picture is cut into as many parts across and down."
            value={qRefine.gridSide}
            onChange={(gridSide) => change({ gridSide })}
          />
          <SettingNumber
            path="qRefine.largestNoise"
            label="Noise"
            note="How much noise the worst parts get before they are repainted; more leaves less of the flaw, and of all else."
            value={qRefine.largestNoise}
            onChange={(largestNoise) => change({ largestNoise })}
            asPercent
          />
          <SettingNumber
            path="qRefine.maskSmoothing"
            label="Soft edge"
            note="Over how much of a part old and new are blended."
            value={qRefine.maskSmoothing}
            onChange={(maskSmoothing) => change({ maskSmoothing })}
            asPercent
          />
          <SettingNumber
            path="qRefine.promptedBelow"
            label="Told the prompt below"
            note="Pictures of a lower quality are enhanced with their prompt, all others without."
            value={qRefine.promptedBelow}
            onChange={(promptedBelow) => change({ promptedBelow })}
            asPercent
          />
        </div>
      </details>
    </Group>
  );
}

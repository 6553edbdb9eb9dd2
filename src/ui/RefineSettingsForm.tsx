import { LARGEST_SEED, MOST_VARIANTS } from '../store/refineChoices.ts';
import controls from './controls.module.css';
import { MemoryBudgetSetting } from './MemoryBudgetSetting.tsx';
import styles from './RefineSettings.module.css';
import { Field, Group, NumberField } from './SettingFields.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';
import { StrategySettings } from './StrategySettings.tsx';

/** Everything that decides a refinement, each with what it does; closed until asked for, remembered. */
export function RefineSettingsForm() {
  const store = useAppStore();
  const choices = useApp((state) => state.refineChoices);
  const isChanged = useApp((state) => state.refineChoices !== state.refineDefaults);
  const { changeRefineChoices, resetRefineChoices } = store.getState();
  const { variants, seed } = choices;
  return (
    <details className={styles.settings}>
      <summary>Settings</summary>
      <div className={styles.form}>
        <NumberField
          label="Variants"
          note="Seeds tried one after another; the best is kept, the others stay to choose from."
          range={{ min: 1, max: MOST_VARIANTS, step: 1 }}
          value={variants}
          onChange={(value) => changeRefineChoices({ variants: value })}
        />
        <Field label="Seed" note="Empty: a new one every time. The same seed and settings give the same picture.">
          {(id) => (
            <input
              id={id}
              className={styles.text}
              inputMode="numeric"
              placeholder="new every time"
              value={seed ?? ''}
              onChange={({ target }) => {
                const digits = target.value.replaceAll(/\D/g, '');
                changeRefineChoices({ seed: digits === '' ? null : Math.min(LARGEST_SEED, Number(digits)) });
              }}
            />
          )}
        </Field>

        <StrategySettings />

        <Group title="Memory">
          <MemoryBudgetSetting />
        </Group>
        <button type="button" className={controls.button} onClick={resetRefineChoices} disabled={!isChanged}>
          Reset to defaults
        </button>
      </div>
    </details>
  );
}

import { useEffect, useState } from 'react';
import controls from './controls.module.css';
import { RangeInput } from './RangeInput.tsx';
import styles from './RefineSettings.module.css';
import { Field } from './SettingFields.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';
import { bytes } from './words.ts';

/** The smallest budget offered, and the step of the slider. */
const STEP = 512 * 2 ** 20;

/** How much memory models may take together; told to the engine when the slider is let go. */
export function MemoryBudgetSetting() {
  const store = useAppStore();
  const budget = useApp((state) => state.memoryBudget);
  const told = budget?.bytes ?? null;
  const [dragged, setDragged] = useState(told);
  useEffect(() => setDragged(told), [told]);
  if (!budget || dragged === null) return <p className={styles.note}>Known once the engine runs.</p>;
  const { automaticBytes } = budget;
  const largest = Math.max(Math.ceil((automaticBytes * 2) / STEP), Math.ceil(budget.bytes / STEP), 8) * STEP;
  const isAutomatic = budget.bytes === automaticBytes;
  const commit = () => dragged !== told && void store.getState().setMemoryBudget(dragged);
  return (
    <>
      <Field
        label="For models"
        note="Beyond it, models not in use leave the GPU and are loaded again when needed: slower, but it fits."
        value={bytes(dragged)}
      >
        {(id) => (
          <RangeInput
            id={id}
            min={STEP}
            max={largest}
            step={STEP}
            value={dragged}
            aria-valuetext={bytes(dragged)}
            onValue={setDragged}
            onPointerUp={commit}
            onKeyUp={commit}
            onBlur={commit}
          />
        )}
      </Field>
      {isAutomatic ? (
        <p className={styles.note}>Chosen from what the GPU offers.</p>
      ) : (
        <button type="button" className={controls.link} onClick={() => void store.getState().setMemoryBudget(null)}>
          Automatic, {bytes(automaticBytes)}
        </button>
      )}
    </>
  );
}

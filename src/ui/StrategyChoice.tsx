import type { StrategyDescription, StrategyId } from '../pipeline/strategy.ts';
import { chosenStrategy } from '../store/refineSlice.ts';
import styles from './RefinePanel.module.css';
import { useApp, useAppStore } from './StoreContext.tsx';

const FAMILIES: readonly { readonly family: StrategyDescription['family']; readonly name: string }[] = [
  { family: 'refiner', name: 'Look first, then repair' },
  { family: 'baseline', name: 'Without looking' },
  { family: 'ablation', name: 'A part of G-Refine' },
];

/** The way a picture is refined, with a sentence on when to choose it. */
export function StrategyChoice() {
  const store = useAppStore();
  const strategies = useApp((state) => state.refineStrategies);
  const chosen = useApp(chosenStrategy);
  const { changeRefineChoices } = store.getState();
  return (
    <div className={styles.strategy}>
      <label>
        <span>Strategy</span>
        <select
          value={chosen.id}
          onChange={({ target }) => changeRefineChoices({ strategy: target.value as StrategyId })}
          aria-describedby="strategy-note"
        >
          {FAMILIES.map(({ family, name }) => (
            <optgroup key={family} label={name}>
              {strategies
                .filter((one) => one.family === family)
                .map(({ id, title }) => (
                  <option key={id} value={id}>
                    {title}
                  </option>
                ))}
            </optgroup>
          ))}
        </select>
      </label>
      <p id="strategy-note" className={styles.plan}>
        {chosen.whenToChoose}
      </p>
    </div>
  );
}

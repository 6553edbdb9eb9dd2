import type { RefineSettings } from '../refine/refineSettings.ts';
import { LARGEST_SEED, MOST_VARIANTS, RANGES, SAMPLERS } from '../store/refineChoices.ts';
import controls from './controls.module.css';
import { MemoryBudgetSetting } from './MemoryBudgetSetting.tsx';
import styles from './RefineSettings.module.css';
import { SAMPLER_NAMES } from './refineWords.ts';
import { Field, Group, NumberField, SettingNumber } from './SettingFields.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';
import { StrengthRange } from './StrengthRange.tsx';

type Stage1 = RefineSettings['stage1'];
type Stage2 = RefineSettings['stage2'];

/** Everything that decides a refinement, each with what it does; closed until asked for, remembered. */
export function RefineSettingsForm() {
  const store = useAppStore();
  const choices = useApp((state) => state.refineChoices);
  const isChanged = useApp((state) => state.refineChoices !== state.refineDefaults);
  const { changeRefineChoices, resetRefineChoices } = store.getState();
  const { settings, variants, seed } = choices;
  const { stage1, stage2 } = settings;
  const change = (part: Partial<RefineSettings>) => changeRefineChoices({ settings: { ...settings, ...part } });
  const change1 = (part: Partial<Stage1>) => change({ stage1: { ...stage1, ...part } });
  const change2 = (part: Partial<Stage2>) => change({ stage2: { ...stage2, ...part } });
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

        <Group title="What is repaired">
          <SettingNumber
            path="maskThreshold"
            label="Bad from"
            note="Places with a defect above it are repainted; lower repairs more. The overlay “Mask” shows them."
            value={settings.maskThreshold}
            onChange={(maskThreshold) => change({ maskThreshold })}
            asPercent
          />
          <SettingNumber
            path="goodEnough"
            label="Good enough"
            note="A picture whose quality times match is above it is left as it is."
            value={settings.goodEnough}
            onChange={(goodEnough) => change({ goodEnough })}
            asPercent
          />
          <SettingNumber
            path="gateTolerance"
            label="Allowed loss"
            note="A repaired region may score lower than before by at most this, else its old pixels stay."
            value={settings.gateTolerance}
            onChange={(gateTolerance) => change({ gateTolerance })}
            asPercent
          />
        </Group>

        <Group
          title="Stage 1: repaint"
          note="An inpainting model paints the bad regions anew with the missing phrases stressed."
          isOn={stage1.enabled}
          onToggle={(enabled) => change1({ enabled })}
        >
          <StrengthRange
            label="Strength"
            note="How far from the old pixels: the lower value for nearly good regions, the upper for the worst."
            low={stage1.smallestStrength}
            high={stage1.largestStrength}
            range={RANGES['stage1.largestStrength']}
            onChange={(smallestStrength, largestStrength) => change1({ smallestStrength, largestStrength })}
          />
          <SettingNumber
            path="stage1.steps"
            label="Steps"
            note="More take longer and seldom look better beyond 20."
            value={stage1.steps}
            onChange={(steps) => change1({ steps })}
          />
          <SettingNumber
            path="stage1.guidanceScale"
            label="Guidance"
            note="How strictly the prompt is followed; high values look harsh. 1 is none and twice as fast."
            value={stage1.guidanceScale}
            onChange={(guidanceScale) => change1({ guidanceScale })}
          />
          <Sampler value={stage1.sampler} onChange={(sampler) => change1({ sampler })} />
          <SettingNumber
            path="stage1.context"
            label="Surroundings"
            note="How much around a region the model sees, as a share of its longer side."
            value={stage1.context}
            onChange={(context) => change1({ context })}
            asPercent
          />
          <Field label="Negative prompt" note="What should not be painted, besides the negative prompt in the file.">
            {(id) => (
              <textarea
                id={id}
                className={styles.text}
                rows={2}
                value={settings.negativePrompt}
                spellCheck={false}
                onChange={({ target }) => change({ negativePrompt: target.value })}
              />
            )}
          </Field>
        </Group>

        <Group
          title="Stage 2: restore"
          note="PASD redraws fine detail without moving anything."
          isOn={stage2.enabled}
          onToggle={(enabled) => change2({ enabled })}
        >
          <Field
            label="Reach"
            note={
              stage2.reach === 'whole'
                ? 'One grain and light for all of it, once something was bad; what measures worse keeps its old pixels.'
                : 'Every pixel outside the bad regions stays exactly as it is; faster on large pictures.'
            }
          >
            {(id) => (
              <select
                id={id}
                value={stage2.reach}
                onChange={({ target }) => change2({ reach: target.value as Stage2['reach'] })}
              >
                <option value="whole">The whole picture</option>
                <option value="repaired">Only the bad regions</option>
              </select>
            )}
          </Field>
          <Field
            label="Mode"
            note={
              stage2.mode === 'gentle'
                ? 'Starts from the picture and changes it a little.'
                : 'PASD’s own full schedule: starts from noise, redraws all detail.'
            }
          >
            {(id) => (
              <select
                id={id}
                value={stage2.mode}
                onChange={({ target }) => change2({ mode: target.value as Stage2['mode'] })}
              >
                <option value="gentle">Gentle</option>
                <option value="native">Full, as PASD</option>
              </select>
            )}
          </Field>
          {stage2.mode === 'gentle' && (
            <SettingNumber
              path="stage2.strength"
              label="Strength"
              note="How much detail may change."
              value={stage2.strength}
              onChange={(strength) => change2({ strength })}
              asPercent
            />
          )}
          <SettingNumber
            path="stage2.steps"
            label="Steps"
            note="More take longer."
            value={stage2.steps}
            onChange={(steps) => change2({ steps })}
          />
          <SettingNumber
            path="stage2.guidanceScale"
            label="Guidance"
            note="How strictly words for sharpness are followed."
            value={stage2.guidanceScale}
            onChange={(guidanceScale) => change2({ guidanceScale })}
          />
          <Sampler value={stage2.sampler} onChange={(sampler) => change2({ sampler })} />
          <SettingNumber
            path="stage2.conditioningScale"
            label="Fidelity"
            note="How closely the old picture is followed; 1 as published."
            value={stage2.conditioningScale}
            onChange={(conditioningScale) => change2({ conditioningScale })}
          />
          <SettingNumber
            path="stage2.latentTile"
            label="Tile"
            note="Side of the pieces that a large picture is done in; smaller needs less memory."
            value={stage2.latentTile}
            shown={`${stage2.latentTile * 8} px`}
            onChange={(latentTile) => change2({ latentTile })}
          />
        </Group>

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

function Sampler({ value, onChange }: { value: Stage1['sampler']; onChange: (value: Stage1['sampler']) => void }) {
  return (
    <Field label="Sampler" note="How noise becomes a picture; they differ little at these steps.">
      {(id) => (
        <select id={id} value={value} onChange={({ target }) => onChange(target.value as Stage1['sampler'])}>
          {SAMPLERS.map((sampler) => (
            <option key={sampler} value={sampler}>
              {SAMPLER_NAMES[sampler]}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

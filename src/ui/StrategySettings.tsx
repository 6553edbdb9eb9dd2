import type { RefineSettings, SetByHand } from '../refine/refineSettings.ts';
import { RANGES, SAMPLERS } from '../store/refineChoices.ts';
import { QRefineSettingsGroup } from './QRefineSettingsGroup.tsx';
import styles from './RefineSettings.module.css';
import { SAMPLER_NAMES } from './refineWords.ts';
import { Field, Group, SettingChoice, SettingNumber } from './SettingFields.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';
import { StrengthRange } from './StrengthRange.tsx';

type Stage1 = RefineSettings['stage1'];
type Stage2 = RefineSettings['stage2'];

/** What decides the strategy chosen, and nothing that it does not heed. */
export function StrategySettings() {
  const strategy = useApp((state) => state.refineChoices.strategy);
  switch (strategy) {
    case 'gRefine':
    case 'perceptualOnly':
    case 'alignmentOnly':
      return (
        <>
          <WhatIsRepaired />
          <StagedRepaint />
          <StagedRestore />
        </>
      );
    case 'repaintOnly':
      return (
        <>
          <WhatIsRepaired />
          <StagedRepaint />
        </>
      );
    case 'qRefine':
      return (
        <>
          <QRefineSettingsGroup />
          <Group title="Repaint" note="An inpainting model paints anew what is not of high quality.">
            <RepaintFields by="quality" />
          </Group>
          <Group title="Enhance" note="PASD redraws fine detail over the whole picture.">
            <Stage2Steps />
            <RestoreFields />
          </Group>
        </>
      );
    case 'inpaintingByHand':
      return (
        <Group title="Repaint" note="An inpainting model paints the mask anew.">
          <RepaintFields by="inpaintingByHand" />
        </Group>
      );
    case 'imageToImage':
      return (
        <Group title="Repaint" note="An inpainting model paints the whole picture anew.">
          <RepaintFields by="imageToImage" />
        </Group>
      );
    case 'restoration':
    case 'reconstruction':
      return (
        <Group title="Restore" note="PASD’s own full schedule: starts from noise, redraws all detail.">
          <RestorationSteps />
          <RestoreFields />
        </Group>
      );
  }
}

/** The settings, and how a part of them is changed. */
function useSettings() {
  const store = useAppStore();
  const settings = useApp((state) => state.refineChoices.settings);
  const { changeRefineChoices } = store.getState();
  const change = (part: Partial<RefineSettings>) => changeRefineChoices({ settings: { ...settings, ...part } });
  return {
    settings,
    change,
    change1: (part: Partial<Stage1>) => change({ stage1: { ...settings.stage1, ...part } }),
    change2: (part: Partial<Stage2>) => change({ stage2: { ...settings.stage2, ...part } }),
  };
}

function WhatIsRepaired() {
  const { settings, change } = useSettings();
  return (
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
        path="leastDamage"
        label="Sure damage"
        note="A place that only looks bad is repaired where the worst of it has at least this defect; 0: wherever it is bad."
        value={settings.leastDamage}
        onChange={(leastDamage) => change({ leastDamage })}
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
        note="Restoring may lower the score of a place by at most this, else its old pixels stay."
        value={settings.gateTolerance}
        onChange={(gateTolerance) => change({ gateTolerance })}
        asPercent
      />
      <SettingNumber
        path="leastImprovement"
        label="Worth it from"
        note="The score of the picture as a whole must rise by this share of it, or of what it lacks, else the picture stays as it was."
        value={settings.leastImprovement}
        onChange={(leastImprovement) => change({ leastImprovement })}
        asPercent
      />
    </Group>
  );
}

function StagedRepaint() {
  const {
    settings: { stage1 },
    change1,
  } = useSettings();
  return (
    <Group
      title="Stage 1: repaint"
      note="An inpainting model paints the bad regions anew with the missing phrases stressed."
      isOn={stage1.enabled}
      onToggle={(enabled) => change1({ enabled })}
    >
      <SettingNumber
        path="stage1.mismatchStrength"
        label="Strength for what is missing"
        note="Where something is missing or not as described, at least this far from the old pixels."
        value={stage1.mismatchStrength}
        onChange={(mismatchStrength) => change1({ mismatchStrength })}
        asPercent
      />
      <SettingNumber
        path="stage1.leastGain"
        label="Least gain"
        note="What is painted anew must score higher than before by at least this, else the old pixels stay."
        value={stage1.leastGain}
        onChange={(leastGain) => change1({ leastGain })}
        asPercent
      />
      <SettingNumber
        path="stage1.attempts"
        label="Attempts"
        note="How often a region is painted at most, each time with other noise, until it is kept and shows what was missed."
        value={stage1.attempts}
        onChange={(attempts) => change1({ attempts })}
      />
      <SettingChoice
        label="Repaints"
        note={
          stage1.repaints === 'all'
            ? 'Whatever is bad.'
            : 'What is only worn, or of wrong colours and light, is left to stage 2, where there is one.'
        }
        value={stage1.repaints}
        options={{ all: 'All that is bad', content: 'What is missing or misshapen' }}
        onChange={(repaints) => change1({ repaints })}
      />
      <SettingNumber
        path="stage1.leastMismatch"
        label="Sure mismatch"
        note="How surely something must be missing or other than asked for before it is painted; 0: as soon as it is marked."
        value={stage1.leastMismatch}
        onChange={(leastMismatch) => change1({ leastMismatch })}
        asPercent
      />
      <SettingNumber
        path="stage1.leastLegible"
        label="Legible from"
        note="What looks worse than this is not judged against the prompt before it is mended; 0: always judged."
        value={stage1.leastLegible}
        onChange={(leastLegible) => change1({ leastLegible })}
        asPercent
      />
      <SettingChoice
        label="Painted from"
        note={
          stage1.text === 'prompt'
            ? 'Every region is told the whole prompt.'
            : 'Every region is told only what belongs there; small models need that.'
        }
        value={stage1.text}
        options={{ prompt: 'The whole prompt', region: 'What belongs in the region' }}
        onChange={(text) => change1({ text })}
      />
      <RepaintFields by="quality" />
    </Group>
  );
}

/** How an inpainting model is used: as strongly as a region is bad, or as the user says. */
function RepaintFields({ by }: { by: 'quality' | 'imageToImage' | 'inpaintingByHand' }) {
  const { settings, change, change1 } = useSettings();
  const { stage1 } = settings;
  const hand = by === 'quality' ? null : settings[by];
  const changeHand = (part: Partial<SetByHand>) => hand && change({ [by]: { ...hand, ...part } });
  return (
    <>
      {by === 'quality' || !hand ? (
        <>
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
        </>
      ) : (
        <>
          <SettingNumber
            path={`${by}.strength`}
            label="Strength"
            note="How far from the old pixels: low values keep shapes and colours, high ones only the idea."
            value={hand.strength}
            onChange={(value) => changeHand({ strength: value })}
            asPercent
          />
          <SettingNumber
            path={`${by}.steps`}
            label="Steps"
            note="More take longer and seldom look better beyond 20."
            value={hand.steps}
            onChange={(value) => changeHand({ steps: value })}
          />
        </>
      )}
      <SettingNumber
        path="stage1.guidanceScale"
        label="Guidance"
        note="How strictly the prompt is followed; high values look harsh. 1 is none and twice as fast."
        value={stage1.guidanceScale}
        onChange={(guidanceScale) => change1({ guidanceScale })}
      />
      <Sampler value={stage1.sampler} onChange={(sampler) => change1({ sampler })} />
      {by !== 'imageToImage' && (
        <SettingNumber
          path="stage1.context"
          label="Surroundings"
          note="How much around a region the model sees, as a share of its longer side."
          value={stage1.context}
          onChange={(context) => change1({ context })}
          asPercent
        />
      )}
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
    </>
  );
}

function StagedRestore() {
  const {
    settings: { stage2 },
    change2,
  } = useSettings();
  return (
    <Group
      title="Stage 2: restore"
      note="PASD redraws fine detail without moving anything."
      isOn={stage2.enabled}
      onToggle={(enabled) => change2({ enabled })}
    >
      <SettingChoice
        label="Reach"
        note={
          stage2.reach === 'whole'
            ? 'One grain and light for all of it, once something was bad; what measures worse keeps its old pixels.'
            : 'Every pixel outside the bad regions stays exactly as it is; faster on large pictures.'
        }
        value={stage2.reach}
        options={{ whole: 'The whole picture', regions: 'Only the bad regions' }}
        onChange={(reach) => change2({ reach })}
      />
      <SettingChoice
        label="Restored from"
        note={
          stage2.text === 'prompt'
            ? 'The model is told the whole prompt.'
            : 'Where only the bad regions are restored, the model is told what belongs there; small models need that.'
        }
        value={stage2.text}
        options={{ prompt: 'The whole prompt', region: 'What belongs in the regions' }}
        onChange={(text) => change2({ text })}
      />
      <SettingChoice
        label="Colours"
        note={
          stage2.recolours === 'nowhere'
            ? 'Colours and light stay as they were, as PASD has it.'
            : 'Where colours or light are the fault, the restored ones stay; elsewhere the old ones.'
        }
        value={stage2.recolours}
        options={{ nowhere: 'Keep all', unnatural: 'Restore unnatural ones' }}
        onChange={(recolours) => change2({ recolours })}
      />
      <SettingChoice
        label="Mode"
        note={
          stage2.mode === 'gentle'
            ? 'Starts from the picture and changes it a little.'
            : 'PASD’s own full schedule: starts from noise, redraws all detail.'
        }
        value={stage2.mode}
        options={{ gentle: 'Gentle', native: 'Full, as PASD' }}
        onChange={(mode) => change2({ mode })}
      />
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
      <Stage2Steps />
      <RestoreFields />
    </Group>
  );
}

function Stage2Steps() {
  const {
    settings: { stage2 },
    change2,
  } = useSettings();
  return (
    <SettingNumber
      path="stage2.steps"
      label="Steps"
      note="More take longer."
      value={stage2.steps}
      onChange={(steps) => change2({ steps })}
    />
  );
}

function RestorationSteps() {
  const { settings, change } = useSettings();
  return (
    <SettingNumber
      path="restoration.steps"
      label="Steps"
      note="More take longer."
      value={settings.restoration.steps}
      onChange={(steps) => change({ restoration: { steps } })}
    />
  );
}

/** How PASD is used, whatever the strategy. */
function RestoreFields() {
  const {
    settings: { stage2 },
    change2,
  } = useSettings();
  return (
    <>
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
    </>
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

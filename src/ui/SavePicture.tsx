import { ToggleGroup } from 'radix-ui';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { savePicture } from './exports.ts';
import { Icon } from './Icon.tsx';
import { COMMAND_KEY } from './keys.ts';
import styles from './Panel.module.css';
import { FORMATS, type Format } from './pictureFile.ts';
import { RangeInput } from './RangeInput.tsx';
import segments from './StageToolbar.module.css';
import { useApp, useAppStore } from './StoreContext.tsx';

/** Saves the result: its format, its quality, and what goes with it. */
export function SavePicture({ onSaved }: { onSaved: () => void }) {
  const store = useAppStore();
  const { format, quality } = useApp((state) => state.saveChoice);
  const isSaving = useApp((state) => state.savingId !== null);
  const { setSaveChoice } = store.getState();
  return (
    <section className={styles.savePicture}>
      <h2>Save the refined picture</h2>
      <ToggleGroup.Root
        type="single"
        className={segments.group}
        value={format}
        onValueChange={(value) => value && setSaveChoice({ format: value as Format })}
        aria-label="Format"
      >
        {Object.entries(FORMATS).map(([value, { name, note }]) => (
          <ToggleGroup.Item
            key={value}
            value={value}
            className={classes(segments.item, styles.grow)}
            aria-label={`${name}: ${note}`}
          >
            {name}
          </ToggleGroup.Item>
        ))}
      </ToggleGroup.Root>
      <p className={styles.quiet}>{FORMATS[format].note}.</p>
      {format !== 'png' && (
        <label className={styles.quality}>
          <span>Quality</span>
          <RangeInput
            min={30}
            max={100}
            value={Math.round(quality * 100)}
            onValue={(value) => setSaveChoice({ quality: value / 100 })}
          />
          <output>{Math.round(quality * 100)}</output>
        </label>
      )}
      <button
        type="button"
        className={classes(controls.button, controls.primary, styles.wide)}
        disabled={isSaving}
        onClick={() => void savePicture(store).then(onSaved)}
      >
        <Icon name={isSaving ? 'spinner' : 'save'} className={isSaving ? controls.spinner : ''} />
        {isSaving ? 'Writing…' : 'Save'} <kbd className={styles.onPrimary}>{COMMAND_KEY} S</kbd>
      </button>
      <p className={styles.quiet}>
        The original's metadata is kept byte for byte; settings and scores of every step are added beside it.
      </p>
    </section>
  );
}

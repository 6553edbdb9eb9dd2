import { ToggleGroup } from 'radix-ui';
import type { ImageItem } from '../store/imagesSlice.ts';
import { nextEntry } from '../store/refineHistory.ts';
import { refinementsOf } from '../store/refineSlice.ts';
import type { CompareWith, StageView } from '../store/viewSlice.ts';
import { classes } from './classes.ts';
import type { Comparison } from './comparison.ts';
import controls from './controls.module.css';
import { savePicture } from './exports.ts';
import { Hint } from './Hint.tsx';
import { Icon } from './Icon.tsx';
import { COMMAND_KEY } from './keys.ts';
import styles from './ResultBar.module.css';
import { VIEWS } from './refineWords.ts';
import segments from './StageToolbar.module.css';
import { useApp, useAppStore } from './StoreContext.tsx';

/** Above the picture once it has been refined: the way back and forth, how it is compared, and saving. */
export function ResultBar({ image, comparison }: { image: ImageItem; comparison: Comparison | null }) {
  const store = useAppStore();
  const history = useApp((state) => refinementsOf(state, image.id).history);
  const view = useApp((state) => state.view);
  const compareWith = useApp((state) => state.compareWith);
  const isSaving = useApp((state) => state.savingId !== null);
  if (history.entries.length === 0) return null;
  const { undoRefinement, redoRefinement, setView, setCompareWith } = store.getState();
  const quiet = classes(controls.button, controls.quiet, controls.icon);
  return (
    <div className={styles.bar} role="toolbar" aria-label="Result">
      <div className={styles.part}>
        <Hint
          text={
            <>
              Undo: back towards the original <kbd className={controls.key}>{COMMAND_KEY} Z</kbd>
            </>
          }
          side="bottom"
        >
          <button
            type="button"
            className={quiet}
            aria-label="Undo"
            disabled={history.currentId === null}
            onClick={() => undoRefinement(image.id)}
          >
            <Icon name="undo" />
          </button>
        </Hint>
        <Hint
          text={
            <>
              Redo <kbd className={controls.key}>{COMMAND_KEY} Shift Z</kbd>
            </>
          }
          side="bottom"
        >
          <button
            type="button"
            className={quiet}
            aria-label="Redo"
            disabled={nextEntry(history) === null}
            onClick={() => redoRefinement(image.id)}
          >
            <Icon name="redo" />
          </button>
        </Hint>
      </div>
      {comparison ? (
        <>
          <ToggleGroup.Root
            type="single"
            className={segments.group}
            value={view}
            onValueChange={(value) => value && setView(value as StageView)}
            aria-label="View"
          >
            {VIEWS.map(({ value, name, key, note }) => (
              <Hint
                key={value}
                side="bottom"
                text={
                  <>
                    {note} <kbd className={controls.key}>{key}</kbd>
                  </>
                }
              >
                {/* The span keeps the hint's state apart from the toggle's: both write data-state. */}
                <span>
                  <ToggleGroup.Item
                    value={value}
                    className={classes(segments.item, styles.view)}
                    aria-label={`${name}: ${note}`}
                  >
                    <Icon name={value} size={14} /> <span>{name}</span>
                  </ToggleGroup.Item>
                </span>
              </Hint>
            ))}
          </ToggleGroup.Root>
          {comparison.steps > 1 && (
            <label className={styles.with}>
              <span>against</span>
              <select value={compareWith} onChange={({ target }) => setCompareWith(target.value as CompareWith)}>
                <option value="original">Original</option>
                <option value="previous">Previous result</option>
              </select>
            </label>
          )}
          <button
            type="button"
            className={classes(controls.button, styles.save)}
            disabled={isSaving}
            onClick={() => void savePicture(store)}
          >
            <Icon name={isSaving ? 'spinner' : 'save'} className={isSaving ? controls.spinner : ''} />
            <span>{isSaving ? 'Writing…' : 'Save'}</span>
          </button>
        </>
      ) : (
        <p className={styles.original}>The original</p>
      )}
    </div>
  );
}

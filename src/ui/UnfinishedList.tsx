import { useState } from 'react';
import { useShallow } from 'zustand/react/shallow';
import type { AppState } from '../store/appStore.ts';
import { bundleProgress } from '../store/bundleState.ts';
import { type Unfinished, unfinishedInstalls } from '../store/install.ts';
import { arePacksBusy } from '../store/packsSlice.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { useFiles } from './Files.tsx';
import { Icon } from './Icon.tsx';
import styles from './InstallCard.module.css';
import { bytesWords, dateWords } from './modelWords.ts';
import { useApp, useAppStore } from './StoreContext.tsx';
import { bytes } from './words.ts';

/** What was begun and waits: installations of earlier visits, or put aside for another. */
export function UnfinishedList() {
  const waiting = useApp(
    useShallow((state: AppState) => {
      const { bundles, unfinishedBundles, drafts, install } = state;
      return { bundles, unfinishedBundles, drafts, install };
    }),
  );
  const isElsewhere = useApp(({ activity }) => activity.running !== null && activity.elsewhere);
  const items = unfinishedInstalls(waiting);
  // A draft that another tab is at work on is no draft of ours.
  if (items.length === 0 || isElsewhere) return null;
  return (
    <section className={styles.card} aria-label="Unfinished installations">
      <h3>
        <Icon name="clock" /> {items.length === 1 ? 'An installation is unfinished' : 'Unfinished installations'}
      </h3>
      <ul className={styles.list}>
        {items.map((item) => (
          <Item key={item.draft?.id ?? item.bundle?.id} item={item} />
        ))}
      </ul>
    </section>
  );
}

function Item({ item: { bundle, draft } }: { item: Unfinished }) {
  const store = useAppStore();
  const files = useFiles();
  const busy = useApp(arePacksBusy);
  const packs = useApp((state) => state.packs);
  const estimates = useApp((state) => state.estimates);
  const [asking, setAsking] = useState(false);
  const { getState } = store;
  const name = bundle?.name ?? draft?.name ?? '';
  const progress = bundle && bundleProgress(bundle, { packs: packs ?? [], estimates });
  const isFromFiles = draft?.from === 'files';
  const drop = () => {
    if (draft) void getState().discardDraft(draft);
    else if (bundle) getState().forgetBundle(bundle.id);
  };
  return (
    <li className={styles.row}>
      <div>
        <b>{name}</b>
        <span className={styles.quiet}>
          {progress &&
            progress.installed > 0 &&
            `${progress.installed} of ${progress.installed + progress.missing} models installed. `}
          {draft && `${bundle ? `${draft.name}: ` : ''}${bytesWords(draft)}, begun ${dateWords(draft.startedAt)}. `}
          {isFromFiles
            ? 'Add the same folder or file again: it goes on where it stopped.'
            : 'It goes on where it stopped.'}
        </span>
      </div>
      {asking && draft ? (
        <>
          <button type="button" className={classes(controls.button, controls.primary)} onClick={drop}>
            Delete {bytes(draft.doneBytes)}
          </button>
          {/* biome-ignore lint/a11y/noAutofocus: the question was just asked for; the harmless answer has the focus. */}
          <button type="button" className={controls.button} onClick={() => setAsking(false)} autoFocus>
            Keep
          </button>
        </>
      ) : (
        <>
          <button
            type="button"
            className={classes(controls.button, controls.primary)}
            disabled={busy}
            aria-label={`${isFromFiles ? 'Choose the folder of' : 'Resume'} ${name}`}
            onClick={() => {
              if (isFromFiles) {
                getState().expectModel({ for: 'draft', name: draft.name, precision: draft.precision });
                files.pickModelFolder();
              } else if (bundle) void getState().installBundle(bundle.id);
              else if (draft) void getState().resumeDraft(draft);
            }}
          >
            {isFromFiles ? (
              'Choose folder'
            ) : (
              <>
                <Icon name="play" /> Resume
              </>
            )}
          </button>
          <button
            type="button"
            className={controls.button}
            disabled={busy}
            aria-label={`Delete what was begun of ${name}`}
            onClick={() => (draft ? setAsking(true) : drop())}
          >
            {draft ? 'Delete' : 'Forget'}
          </button>
        </>
      )}
    </li>
  );
}

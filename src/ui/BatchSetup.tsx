import { type FormEvent, useId, useState } from 'react';
import { strategyDescriptions } from '../pipeline/strategy.ts';
import type { BatchOffer } from '../store/batchState.ts';
import type { BatchChoice } from '../store/batchTask.ts';
import type { PackInUse } from '../store/packsSlice.ts';
import styles from './BatchSetup.module.css';
import { imagesWords } from './batchWords.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';
import { bytes } from './words.ts';

/** A dropped folder: what is in it, and what is to be done with it. */
export function BatchSetup({ offer }: { offer: BatchOffer }) {
  const store = useAppStore();
  const open = useApp((state) => state.batch);
  const [chosen, setChosen] = useState<readonly string[]>(['analyse']);
  const [prompt, setPrompt] = useState('');
  const [all, setAll] = useState(false);
  const [starting, setStarting] = useState(false);
  const promptId = useId();
  const { closeBatchOffer, openOfferInStrip, startBatch } = store.getState();
  const unlisted = offer.imageCount - offer.listedPrompts;
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    setStarting(true);
    void startBatch(choicesOf(chosen), {
      otherwisePrompt: prompt,
      measures: all ? 'all' : 'maps',
    }).finally(() => setStarting(false));
  };
  return (
    <form className={styles.card} onSubmit={onSubmit} aria-label={`Folder ${offer.name}`}>
      <h2 className={styles.title}>
        <Icon name="folder" size={20} /> {offer.name}
      </h2>
      <p className={controls.quietText}>
        {offer.name !== imagesWords(offer.imageCount) && `${imagesWords(offer.imageCount)}, `}
        {bytes(offer.byteLength)}
      </p>
      {offer.notes.map((note) => (
        <p key={note} className={styles.note}>
          {note}
        </p>
      ))}
      <WayChoice chosen={chosen} onChosen={setChosen} />
      <MoreMeasures all={all} onAll={setAll} />
      {unlisted > 0 && (
        <div className={styles.field}>
          <label htmlFor={promptId}>Prompt for images without one</label>
          <textarea
            id={promptId}
            rows={2}
            value={prompt}
            onChange={({ currentTarget }) => setPrompt(currentTarget.value)}
            placeholder="Optional"
          />
          <p className={classes(controls.quietText, controls.small)}>
            Prompts are read from the images themselves, and from <code>prompts.csv</code>, <code>prompts.txt</code> or
            a text file of the same name beside them.
          </p>
        </div>
      )}
      <div className={styles.actions}>
        <button
          type="submit"
          className={classes(controls.button, controls.primary, styles.start)}
          disabled={chosen.length === 0 || starting}
        >
          <Icon name={starting ? 'spinner' : 'play'} className={starting ? controls.spinner : ''} /> Start
        </button>
        <button type="button" className={controls.button} onClick={openOfferInStrip}>
          Open in the strip instead
        </button>
        <button type="button" className={classes(controls.button, controls.quiet)} onClick={closeBatchOffer}>
          Cancel
        </button>
      </div>
      <p className={classes(controls.quietText, controls.small)}>
        Results are kept in this browser as they come: you can pause, close the page and go on later.
        {open && ` “${open.name}” is closed meanwhile; its results are kept.`}
      </p>
    </form>
  );
}

/** Another pass over the open folder. */
export function BatchAgain({ onClose }: { onClose: () => void }) {
  const store = useAppStore();
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [all, setAll] = useState(false);
  const onSubmit = async (event: FormEvent) => {
    event.preventDefault();
    onClose();
    for (const choice of choicesOf(chosen)) await store.getState().addBatchTask(choice, all ? 'all' : 'maps');
  };
  return (
    <form className={styles.again} onSubmit={(event) => void onSubmit(event)} aria-label="Go over it again">
      <WayChoice chosen={chosen} onChosen={setChosen} />
      <MoreMeasures all={all} onAll={setAll} />
      <div className={styles.actions}>
        <button type="submit" className={classes(controls.button, controls.primary)} disabled={chosen.length === 0}>
          <Icon name="play" /> Start
        </button>
        <button type="button" className={classes(controls.button, controls.quiet)} onClick={onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}

function MoreMeasures({ all, onAll }: { all: boolean; onAll: (all: boolean) => void }) {
  return (
    <label className={styles.way}>
      <input type="checkbox" checked={all} onChange={({ currentTarget }) => onAll(currentTarget.checked)} />
      <span>
        <b>More measures</b>
        <span className={styles.wayNote}>
          CLIP-IQA, CLIPScore, NIQE and BRISQUE, and how far refining changed the picture. Each image takes longer.
        </span>
      </span>
    </label>
  );
}

interface Way {
  readonly id: string;
  readonly title: string;
  readonly note: string;
  /** Why it cannot be chosen; null: it can. */
  readonly blocked: string | null;
}

const ANALYSE = {
  id: 'analyse',
  title: 'Analyse',
  note: 'Scores and maps of every image; nothing is changed.',
} as const;

/** Analysing, and every strategy, in the order they are offered. */
function ways(packInUse: PackInUse): readonly Way[] {
  const { inpainting, restoration } = packInUse;
  const has = { inpainting: inpainting !== null, restoration: restoration !== null };
  return [
    { ...ANALYSE, blocked: null },
    ...strategyDescriptions.flatMap(({ id, title, whenToChoose, needs }): Way[] => {
      // What is drawn by hand is drawn for one image.
      if (needs.mask) return [];
      const isThere = needs.model === 'either' ? has.inpainting || has.restoration : has[needs.model];
      const missing = needs.model === 'restoration' ? 'PASD' : 'an inpainting model';
      return [
        { id, title, note: whenToChoose, blocked: isThere ? null : `It needs ${missing}, which is not installed.` },
      ];
    }),
  ];
}

function choicesOf(chosen: readonly string[]): readonly BatchChoice[] {
  return [
    ...(chosen.includes(ANALYSE.id) ? [{ kind: 'analyse' } as const] : []),
    ...strategyDescriptions
      .filter(({ id }) => chosen.includes(id))
      .map(({ id, title }): BatchChoice => ({ kind: 'refine', strategy: id, title })),
  ];
}

function WayChoice({ chosen, onChosen }: { chosen: readonly string[]; onChosen: (chosen: readonly string[]) => void }) {
  const packInUse = useApp((state) => state.packInUse);
  return (
    <fieldset className={styles.ways}>
      <legend>What to do with every image</legend>
      {ways(packInUse).map(({ id, title, note, blocked }) => (
        <label key={id} className={classes(styles.way, blocked !== null && styles.blocked)}>
          <input
            type="checkbox"
            checked={chosen.includes(id)}
            disabled={blocked !== null}
            onChange={({ currentTarget }) =>
              onChosen(currentTarget.checked ? [...chosen, id] : chosen.filter((other) => other !== id))
            }
          />
          <span>
            <b>{title}</b>
            <span className={styles.wayNote}>{blocked ?? note}</span>
          </span>
        </label>
      ))}
      <p className={classes(controls.quietText, controls.small)}>
        Several ways are compared side by side. Refining uses the settings of the Refine panel.
      </p>
    </fieldset>
  );
}

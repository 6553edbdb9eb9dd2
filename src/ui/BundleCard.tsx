import { useEffect, useId, useState } from 'react';
import type { BundleManifest, BundleModel } from '../bundles/bundle.ts';
import { bundleProgress, installedModel, modelKey, modelSizes } from '../store/bundleState.ts';
import { arePacksBusy } from '../store/packsSlice.ts';
import { BundleActions } from './BundleActions.tsx';
import styles from './BundleCard.module.css';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import { installedWords, memoryWords, roomWords } from './modelWords.ts';
import { useApp, useAppStore } from './StoreContext.tsx';
import { bytes, PRECISION_NAMES } from './words.ts';

/** One set of models to install: what it is for and what it takes; its models once it is opened. */
export function BundleCard({ bundle, recommended }: { bundle: BundleManifest; recommended: boolean }) {
  const store = useAppStore();
  const packs = useApp((state) => state.packs);
  const estimates = useApp((state) => state.estimates);
  const hub = useApp((state) => state.hub);
  const tier = useApp(({ engine }) => (engine.state === 'ready' ? engine.status.tier : null));
  const budgetBytes = useApp((state) => state.memoryBudget?.bytes ?? null);
  const freeBytes = useApp(({ storage }) => storage && Math.max(0, storage.quotaBytes - storage.usedBytes));
  const isActive = useApp(({ install }) => install?.bundleId === bundle.id);
  const [open, setOpen] = useState(false);
  const body = useId();
  const title = useId();
  const progress = bundleProgress(bundle, { packs: packs ?? [], estimates });
  const isComplete = progress.missing === 0;
  const memory = memoryWords(bundle, { tier, budgetBytes });
  const room = isComplete ? null : roomWords(progress, freeBytes);
  const words = installedWords(progress);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another hub or another token may have another answer.
  useEffect(() => {
    // While something runs, the worker is not asked besides.
    if (open && !arePacksBusy(store.getState())) void store.getState().estimateBundle(bundle.id);
  }, [open, store, bundle.id, hub]);

  return (
    <li className={classes(styles.card, recommended && !isComplete && styles.recommended)}>
      <div className={styles.head}>
        <h3 id={title}>{bundle.name}</h3>
        {words && (
          <span className={classes(styles.badge, isComplete && styles.installed)}>
            {isComplete && <Icon name="check" size={13} />}
            {words}
          </span>
        )}
        {recommended && !isComplete && (
          <span className={classes(styles.badge, styles.suggested)}>Suits this machine</span>
        )}
      </div>
      <p>{bundle.purpose}</p>
      <dl className={styles.facts}>
        {!isComplete && <Fact name="Download" count={progress.downloadBytes} />}
        {!isComplete && <Fact name="On disk" count={progress.diskBytes} />}
        <Fact name="GPU memory" count={bundle.vramBytes} />
      </dl>
      <p className={classes(styles.note, !memory.fits && styles.warn)}>{memory.words}</p>
      {room && (
        <p className={classes(styles.note, styles.warn)} role="alert">
          {room}
        </p>
      )}
      <div className={styles.actions}>
        <BundleActions
          bundle={bundle}
          progress={progress}
          isActive={isActive}
          recommended={recommended}
          titleId={title}
        />
        <button
          type="button"
          className={classes(controls.button, controls.quiet)}
          aria-expanded={open}
          aria-controls={body}
          onClick={() => setOpen(!open)}
        >
          {bundle.models.length === 1 ? 'Its model' : `Its ${bundle.models.length} models`}
          <Icon name={open ? 'up' : 'chevron'} size={12} />
        </button>
      </div>
      <ul id={body} hidden={!open} className={styles.models}>
        {open && bundle.models.map((model) => <Model key={modelKey(model)} model={model} bundleId={bundle.id} />)}
      </ul>
    </li>
  );
}

function Fact({ name, count }: { name: string; count: number | null }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{count === null ? 'not known yet' : `about ${bytes(count)}`}</dd>
    </div>
  );
}

function Model({ model, bundleId }: { model: BundleModel; bundleId: string }) {
  const store = useAppStore();
  const isInstalled = useApp(({ packs }) => installedModel(model, packs ?? []) !== null);
  const estimates = useApp((state) => state.estimates);
  const asked = estimates[modelKey(model)];
  const { downloadBytes, diskBytes } = modelSizes(model, estimates);
  const size =
    downloadBytes !== null
      ? `${bytes(downloadBytes)} to download${diskBytes === null ? '' : `, ${bytes(diskBytes)} on disk`}`
      : asked?.is === 'asking'
        ? 'Asking its server for the size…'
        : 'The size is known once its server was asked';
  return (
    <li>
      <p>
        <a href={model.homepage} target="_blank" rel="noreferrer">
          {model.name}
        </a>
        {isInstalled && (
          <span className={styles.installed}>
            <Icon name="check" size={13} /> installed
          </span>
        )}
      </p>
      <p className={styles.note}>
        {PRECISION_NAMES[model.precision]} ·{' '}
        {[model.licence, ...model.furtherLicences].map(({ name, url }, i) => (
          <span key={url}>
            {i === 0 ? 'licence ' : ', '}
            <a href={url} target="_blank" rel="noreferrer">
              {name}
            </a>
          </span>
        ))}
      </p>
      {!isInstalled && asked?.is !== 'failed' && <p className={styles.note}>{size}</p>}
      {asked?.is === 'failed' && (
        <p className={classes(styles.note, styles.warn)} role="alert">
          {asked.problem.message}{' '}
          <button
            type="button"
            className={controls.link}
            onClick={() => void store.getState().estimateBundle(bundleId)}
          >
            Ask again
          </button>
        </p>
      )}
    </li>
  );
}

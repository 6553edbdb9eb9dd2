import { Popover } from 'radix-ui';
import type { ReactNode } from 'react';
import { arePacksOpening } from '../store/packsSlice.ts';
import type { Panel } from '../store/viewSlice.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { ExportPanel } from './ExportPanel.tsx';
import { useFiles } from './Files.tsx';
import { Icon, type IconName } from './Icon.tsx';
import { MachinePanel } from './MachinePanel.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';
import styles from './TopBar.module.css';
import { machineWords, PRECISION_NAMES } from './words.ts';

/** The name, what the screen runs with, and what can be done with its results. */
export function TopBar() {
  const store = useAppStore();
  const engine = useApp((state) => state.engine);
  const hasImages = useApp((state) => state.images.length > 0);
  // It exports what is on the light table; the folder's page has its own.
  const isBatchShown = useApp((state) => state.batchShown);
  const { pickImages } = useFiles();
  const machine = machineWords(engine);

  return (
    <header className={styles.bar}>
      <h1 className={styles.brand}>
        <Logo />
        G-Refine
      </h1>
      {hasImages && (
        <button type="button" className={classes(controls.button, styles.open)} onClick={pickImages}>
          <Icon name="image" /> Open
        </button>
      )}
      <FolderButton />
      <div className={styles.menus}>
        <ModelsButton />
        <PanelButton panel="machine" icon="chip" label="Machine" value={machine.words} attention={machine.attention}>
          <MachinePanel />
        </PanelButton>
        {hasImages && !isBatchShown && (
          <PanelButton panel="export" icon="save" label="Export" value="Export" attention={false}>
            <ExportPanel />
          </PanelButton>
        )}
        <button
          type="button"
          className={classes(controls.button, controls.quiet, controls.icon)}
          onClick={() => store.getState().setHelpOpen(true)}
          aria-label="Help and keys"
          aria-keyshortcuts="?"
        >
          <Icon name="question" />
        </button>
      </div>
    </header>
  );
}

/** Goes between the light table and the folder's page, and tells how far the folder is. */
function FolderButton() {
  const store = useAppStore();
  const hasKept = useApp(({ keptBatches, batchOffer }) => (keptBatches?.length ?? 0) > 0 || batchOffer !== null);
  const queue = useApp((state) => state.batch?.queue ?? null);
  const isShown = useApp((state) => state.batchShown);
  if (!hasKept && !queue) return null;
  const ended = queue ? queue.outcomes.length - queue.outcomes.filter((outcome) => outcome === null).length : 0;
  const progress = queue && ended < queue.outcomes.length ? `${ended} of ${queue.outcomes.length}` : null;
  return (
    <button
      type="button"
      className={classes(controls.button, !isShown && controls.quiet)}
      aria-pressed={isShown}
      aria-label={progress ? `Folder: ${progress}` : 'Folder'}
      onClick={() => store.getState().showBatch(!isShown)}
    >
      <Icon name={queue?.working ? 'spinner' : 'folder'} className={queue?.working ? controls.spinner : undefined} />
      {progress ?? 'Folder'}
    </button>
  );
}

/** What stands before the name of a repository; a name of other words may have a stroke of its own. */
const REPOSITORY_OWNER = /^[\w.-]+\/(?=[\w.-]+$)/;

/** What is in use; opens the models. */
function ModelsButton() {
  const store = useAppStore();
  const pack = useApp(({ packs, packInUse }) => packs?.find(({ id }) => id === packInUse.maps) ?? null);
  const repairing = useApp(
    ({ packInUse: { inpainting, restoration } }) => [inpainting, restoration].filter(Boolean).length,
  );
  const packsKnown = useApp((state) => state.packs !== null);
  const hasPacks = useApp((state) => (state.packs?.length ?? 0) > 0);
  const opening = useApp(arePacksOpening);
  const packWords = pack
    ? `${pack.name.replace(REPOSITORY_OWNER, '')}, ${PRECISION_NAMES[pack.precision]}${repairing > 0 ? ` +${repairing}` : ''}`
    : opening
      ? 'Opening model…'
      : packsKnown
        ? 'No model'
        : 'Reading models…';
  return (
    <button
      type="button"
      className={classes(controls.button, controls.quiet, styles.menu)}
      aria-label={`Model: ${packWords}`}
      aria-haspopup="dialog"
      onClick={() => store.getState().showModels(hasPacks ? 'installed' : 'get')}
    >
      <Icon name="cube" className={packsKnown && !pack && !opening ? styles.attention : undefined} />
      <span className={styles.value}>{packWords}</span>
      <Icon name="chevron" size={12} />
    </button>
  );
}

function PanelButton({
  panel,
  icon,
  label,
  value,
  attention,
  children,
}: {
  panel: Exclude<Panel, 'packs' | 'calibration' | 'samples' | null>;
  icon: IconName;
  label: string;
  value: string;
  attention: boolean;
  children: ReactNode;
}) {
  const store = useAppStore();
  const open = useApp((state) => state.panel === panel);
  return (
    <Popover.Root open={open} onOpenChange={(now) => store.getState().setPanel(now ? panel : null)}>
      <Popover.Trigger asChild>
        <button
          type="button"
          className={classes(controls.button, controls.quiet, styles.menu)}
          aria-label={`${label}: ${value}`}
        >
          <Icon name={icon} className={attention ? styles.attention : undefined} />
          <span className={styles.value}>{value}</span>
          <Icon name="chevron" size={12} />
        </button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className={controls.popover}
          align="end"
          sideOffset={6}
          collisionPadding={8}
          aria-label={label}
        >
          {children}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

/** The same drawing as `public/icon.svg`, without its ground. */
function Logo() {
  return (
    <svg viewBox="5 5 22 22" width="20" height="20" fill="none" strokeWidth="2" aria-hidden="true">
      <rect x="6.500" y="6.500" width="19" height="19" rx="2.500" stroke="currentColor" />
      <path d="M8 20.500c3.500-5 6-5 8.500-2s5 2.500 7.500-1" className={styles.horizon} strokeLinecap="round" />
      <circle cx="19" cy="12.500" r="3.200" className={styles.spot} />
    </svg>
  );
}

import type { PackSummary } from '../bridge/protocol.ts';
import { arePacksBusy } from '../store/packsSlice.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { useFiles } from './Files.tsx';
import { Icon } from './Icon.tsx';
import styles from './InstalledPacks.module.css';
import { ProblemCard } from './ProblemCard.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';
import { bytes } from './words.ts';

/** More broken parts than this are counted, not named. */
const MOST_NAMED = 4;

/** What the last check, repair or export of a model came to. */
export function PackVerdict({ pack }: { pack: PackSummary }) {
  const store = useAppStore();
  const files = useFiles();
  const verdict = useApp(({ verdicts }) => verdicts[pack.id] ?? null);
  const problem = useApp(({ packProblems }) => packProblems[pack.id] ?? null);
  const isRunning = useApp(({ packJob }) => packJob?.packId === pack.id);
  const busy = useApp(arePacksBusy);
  const { getState } = store;
  if (isRunning) return null;
  return (
    <>
      {problem && (
        <ProblemCard
          problem={problem}
          imageId={null}
          onDismiss={() => getState().dismissPackProblem(pack.id)}
          onRetry={problem.during === 'exportPack' ? null : () => retry(problem.during)}
        />
      )}
      {verdict?.is === 'whole' && <Good words="Everything is as it was written." />}
      {verdict?.is === 'repaired' && <Good words="Repaired: everything is as it was written." />}
      {verdict?.is === 'exported' && (
        <Good words={`Copied to “${verdict.folder}”. Choose that folder on the other machine.`} />
      )}
      {verdict?.is === 'damaged' && (
        <div className={styles.damage} role="alert">
          <p>
            <Icon name="alert" size={14} /> Damaged: {named(verdict.damage.items)}. {bytes(verdict.damage.byteLength)}{' '}
            have to be written again{verdict.damage.canFetch ? '.' : '; choose the files it was made from.'}
          </p>
          <button
            type="button"
            className={classes(controls.button, controls.primary)}
            disabled={busy}
            onClick={() => {
              if (verdict.damage.canFetch) void getState().repairPack(pack.id, null);
              else {
                getState().expectModel({ for: 'repair', packId: pack.id });
                files.pickModelFolder();
              }
            }}
          >
            {verdict.damage.canFetch ? `Repair, fetch ${bytes(verdict.damage.byteLength)}` : 'Choose its folder'}
          </button>
        </div>
      )}
    </>
  );

  function retry(during: string) {
    if (during === 'repair') void getState().repairPack(pack.id, null);
    else void getState().verifyPack(pack.id);
  }
}

function Good({ words }: { words: string }) {
  return (
    <p className={styles.good} role="status">
      <Icon name="ok" size={14} /> {words}
    </p>
  );
}

function named(items: readonly string[]): string {
  const more = items.length - MOST_NAMED;
  return more > 0 ? `${items.slice(0, MOST_NAMED).join(', ')} and ${more} more` : items.join(', ');
}

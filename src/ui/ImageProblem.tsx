import type { ImageItem } from '../store/imagesSlice.ts';
import { isAtWork } from '../store/install.ts';
import { arePacksOpening } from '../store/packsSlice.ts';
import { refinementsOf } from '../store/refineSlice.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import styles from './ProblemCard.module.css';
import { ProblemCard } from './ProblemCard.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';

const NO_MODEL = { name: 'PackMissingError', message: '', during: 'analyse' } as const;

/** What keeps this image from being analysed, or what its file was found to be damaged in. */
export function ImageProblem({ image }: { image: ImageItem }) {
  const store = useAppStore();
  const noModel = useApp(
    (state) =>
      state.packs !== null && state.packInUse.maps === null && !arePacksOpening(state) && !isAtWork(state.install),
  );
  const packName = useApp(({ packs, packInUse }) => packs?.find(({ id }) => id === packInUse.maps)?.name ?? null);
  const otherModel = useApp(
    ({ packInUse }) => image.packId !== null && packInUse.maps !== null && packInUse.maps !== image.packId,
  );
  const { job, opened, id, perceptual } = image;
  const refinement = useApp((state) => refinementsOf(state, image.id).job);
  const hints = opened?.hints ?? [];
  return (
    <>
      {job.state === 'failed' && <ProblemCard problem={job.problem} imageId={id} />}
      {refinement.state === 'failed' && <ProblemCard problem={refinement.problem} imageId={id} />}
      {noModel && job.state !== 'failed' && <ProblemCard problem={NO_MODEL} imageId={id} />}
      {hints.length > 0 && (
        <ul className={styles.hints} data-testid="image-hints">
          {hints.map((hint) => (
            <li key={hint}>{hint}</li>
          ))}
        </ul>
      )}
      {job.state === 'idle' && !noModel && (
        <div className={styles.quiet}>
          <p>{perceptual ? 'Stopped; what was measured so far is shown.' : 'Not analysed.'}</p>
          <button
            type="button"
            className={classes(controls.button, controls.primary)}
            onClick={() => store.getState().analyse(id)}
          >
            Analyse
          </button>
        </div>
      )}
      {job.state === 'done' && otherModel && (
        <div className={styles.quiet}>
          <p>Measured with another model.</p>
          <button type="button" className={controls.button} onClick={() => store.getState().analyse(id)}>
            Analyse with {packName}
          </button>
        </div>
      )}
    </>
  );
}

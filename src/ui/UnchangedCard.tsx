import { combinedScore, type UnchangedReport } from '../store/refinement.ts';
import { classes } from './classes.ts';
import controls from './controls.module.css';
import { Icon } from './Icon.tsx';
import styles from './RefinePanel.module.css';
import { useApp, useAppStore } from './StoreContext.tsx';
import { percent } from './words.ts';

/** A refinement that changed nothing: either a good result, or an honest one. */
export function UnchangedCard({ imageId, report }: { imageId: string; report: UnchangedReport }) {
  const store = useAppStore();
  const isSeedFixed = useApp((state) => state.refineChoices.seed !== null);
  const { outcome, results } = report;
  const first = results[0];
  const isGood = outcome === 'nothingToRepair';
  const reasons = [...new Set(results.flatMap(({ regions }) => regions.flatMap(({ reason }) => reason ?? [])))];
  // What the engine says of the outcome itself is said here already.
  const hints = [...new Set(results.flatMap((result) => result.hints))].filter((hint) => !/^Nothing /.test(hint));
  const isGraded = first?.strategy === 'qRefine';
  const isGoodAsAWhole = isGood && first && !isGraded && combinedScore(first.before) > first.settings.goodEnough;
  const regions = results.flatMap((result) => result.regions).length;
  return (
    <div className={classes(styles.unchanged, isGood && styles.good)} role="status" data-outcome={outcome}>
      <Icon name={isGood ? 'ok' : 'alert'} size={isGood ? 22 : 18} className={styles.mark} />
      <div>
        <h3>{isGood ? 'Nothing to repair' : 'No improvement found'}</h3>
        {isGood && first ? (
          <p>
            Quality {percent(first.before.perceptual.score)}
            {first.before.alignment && `, match ${percent(first.before.alignment.score)}`}:{' '}
            {isGoodAsAWhole
              ? 'as a whole, this picture is good enough to be left alone.'
              : 'no place of this picture is bad enough to touch.'}{' '}
            It stays exactly as it is.
          </p>
        ) : (
          <p>
            {results.length === 1 ? 'What was painted' : `All ${results.length} variants`} measured worse than what is
            there, so {regions === 0 ? 'everything' : regions === 1 ? 'the repair' : `each of the ${regions} repairs`}{' '}
            was rejected. The picture is kept, to the last pixel.
          </p>
        )}
        {reasons.length > 0 && (
          <ul className={styles.reasons}>
            {reasons.slice(0, 4).map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
            {reasons.length > 4 && <li>and {reasons.length - 4} more</li>}
          </ul>
        )}
        {hints.map((hint) => (
          <p key={hint} className={styles.small}>
            {hint}
          </p>
        ))}
        <p className={styles.small}>
          {isGood
            ? isGraded
              ? 'To be stricter, raise the thresholds under Settings, Advanced.'
              : isGoodAsAWhole
                ? 'To be stricter, raise “Good enough” under Settings.'
                : 'To be stricter, lower “Bad from” under Settings.'
            : isSeedFixed
              ? 'The seed is fixed under Settings; another one may find something better.'
              : 'Other seeds or a larger strength may find something better.'}
        </p>
        <p className={styles.actions}>
          {!isGood && !isSeedFixed && (
            <button type="button" className={controls.button} onClick={() => store.getState().refine(imageId)}>
              Try other seeds
            </button>
          )}
          <button
            type="button"
            className={classes(controls.button, controls.quiet)}
            onClick={() => store.getState().dismissUnchanged(imageId)}
          >
            {isGood ? 'Good' : 'Leave it'}
          </button>
        </p>
      </div>
    </div>
  );
}

import { memo } from 'react';
import type { AlignmentResult, PerceptualResult } from '../quality/qualityResults.ts';
import type { ImageItem } from '../store/imagesSlice.ts';
import { classes } from './classes.ts';
import type { Comparison } from './comparison.ts';
import { Gauge } from './Gauge.tsx';
import { Hint } from './Hint.tsx';
import { HistoryPanel } from './HistoryPanel.tsx';
import { ImageDetails } from './ImageDetails.tsx';
import styles from './Inspector.module.css';
import { FACTORS } from './layer.ts';
import { MeasuresPanel } from './MeasuresPanel.tsx';
import { MeasuringDetails } from './MeasuringDetails.tsx';
import { PhraseIcon } from './PhraseIcon.tsx';
import { RefinePanel } from './RefinePanel.tsx';
import { ResultPanel } from './ResultPanel.tsx';
import { useApp, useAppStore } from './StoreContext.tsx';
import { FACTOR_NAMES, FACTOR_NOTES, MODE_NOTES, PHRASE_STATUS_NOTES, percent, phraseFound } from './words.ts';

const QUALITY_NOTE =
  'Q_P: how good the picture looks, whatever it shows. The overall impression, lowered by every factor that is too low.';
const MATCH_NOTE = 'Q_A: how much of the prompt the picture shows.';

/** The scores of the picture, what they are made of, and what can be done about them. */
export const Inspector = memo(function Inspector({
  image,
  shown,
  comparison,
}: {
  image: ImageItem;
  /** The same with what is known of the picture on the stage: the image itself, or a result. */
  shown: ImageItem;
  comparison: Comparison | null;
}) {
  const { perceptual, alignment } = shown;
  const { job } = image;
  const was = comparison?.before.analysis ?? null;
  const busy = job.state === 'analysing' || job.state === 'waiting' || job.state === 'opening';
  return (
    <div className={styles.inspector}>
      <div className={styles.gauges}>
        <Hint text={QUALITY_NOTE} side="left">
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: its explanation opens on focus. */}
          <div tabIndex={0} className={styles.gauge}>
            <Gauge
              name="Quality"
              score={perceptual?.score ?? null}
              before={was?.perceptual.score}
              busy={busy}
              note={QUALITY_NOTE}
            />
          </div>
        </Hint>
        <Hint text={MATCH_NOTE} side="left">
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: its explanation opens on focus. */}
          <div tabIndex={0} className={styles.gauge}>
            <Gauge
              name="Match"
              score={alignment?.score ?? null}
              before={was?.alignment?.score}
              busy={busy}
              note={MATCH_NOTE}
            />
          </div>
        </Hint>
      </div>
      <RefinePanel image={image} shown={shown} />
      {comparison && <ResultPanel imageId={image.id} comparison={comparison} />}
      <HistoryPanel image={image} />
      <MeasuresPanel image={image} comparison={comparison} />
      <Factors perceptual={perceptual} />
      <Phrases image={shown} alignment={alignment} />
      {shown.result && shown.result.hints.length > 0 && (
        <ul className={styles.hints}>
          {shown.result.hints.map((hint) => (
            <li key={hint}>{hint}</li>
          ))}
        </ul>
      )}
      <MeasuringDetails />
      <ImageDetails image={image} />
    </div>
  );
});

function Factors({ perceptual }: { perceptual: PerceptualResult | null }) {
  const store = useAppStore();
  const shown = useApp((state) => (state.overlay === 'perceptual' ? state.factor : null));
  return (
    <section className={styles.section} aria-label="Quality factors">
      <h2>Quality by factor</h2>
      <ul>
        {FACTORS.map((factor) => {
          const score = perceptual?.factors[factor] ?? null;
          return (
            <li key={factor}>
              <Hint text={`${FACTOR_NOTES[factor]} Click for its map.`} side="left">
                <button
                  type="button"
                  className={styles.row}
                  disabled={!perceptual}
                  aria-pressed={shown === factor}
                  aria-label={`${FACTOR_NAMES[factor]}: ${percent(score)} of 100`}
                  onClick={() => store.getState().toggleFactor(factor)}
                >
                  <span className={styles.name}>{FACTOR_NAMES[factor]}</span>
                  <Bar score={score} />
                  <span className={styles.score}>{percent(score)}</span>
                </button>
              </Hint>
            </li>
          );
        })}
      </ul>
      {perceptual && <p className={styles.note}>{MODE_NOTES[perceptual.mode]}</p>}
    </section>
  );
}

function Phrases({ image, alignment }: { image: ImageItem; alignment: AlignmentResult | null }) {
  const store = useAppStore();
  const pinned = useApp((state) => state.pinnedPhrase);
  const hovered = useApp((state) => state.hoveredPhrase);
  const { hoverPhrase, togglePinnedPhrase } = store.getState();
  const outdated = alignment !== null && image.alignmentPrompt !== image.prompt;
  return (
    <section className={styles.section} aria-label="Phrases of the prompt">
      <h2>Match by phrase</h2>
      {!alignment && <p className={styles.note}>{emptyMatch(image)}</p>}
      {outdated && <p className={styles.note}>For the prompt before it was changed.</p>}
      {alignment && (
        <ul>
          {alignment.phrases.map((result, index) => {
            const { phrase, status, score, nounScore, emphasis } = result;
            const what =
              `${PHRASE_STATUS_NOTES[status]} The phrase ${percent(score)}, “${phrase.noun.text}” at all ${percent(nounScore)}.` +
              (emphasis > 1 ? ` A repair would stress it ×${emphasis.toFixed(2)}.` : '') +
              (phrase.scope === 'place' ? ' Click to pin its map.' : '');
            return (
              // biome-ignore lint/suspicious/noArrayIndexKey: a phrase is its place in the prompt; texts may repeat.
              <li key={index}>
                <Hint text={what} side="left">
                  <button
                    type="button"
                    className={classes(styles.row, styles.phrase, hovered === index && styles.hovered)}
                    aria-pressed={phrase.scope === 'place' ? pinned === index : undefined}
                    aria-label={`${phrase.text}: ${phraseFound(result)}, ${percent(score)} of 100`}
                    onPointerEnter={(event) => event.pointerType !== 'touch' && hoverPhrase(index)}
                    onPointerLeave={() => hoverPhrase(null)}
                    onFocus={() => hoverPhrase(index)}
                    onBlur={() => hoverPhrase(null)}
                    onClick={() => togglePinnedPhrase(index)}
                  >
                    <span className={styles.phraseText}>{phrase.text}</span>
                    <span className={styles.score}>{percent(score)}</span>
                    <span className={classes(styles.status, styles[status])}>
                      <PhraseIcon status={status} size={13} /> {phraseFound(result)}
                    </span>
                    <Bar score={score} />
                  </button>
                </Hint>
              </li>
            );
          })}
        </ul>
      )}
    </section>
  );
}

function emptyMatch(image: ImageItem): string {
  if (image.job.state === 'analysing') return 'Being measured after the quality.';
  if (image.result && image.alignmentPrompt?.trim()) return 'The prompt names nothing to look for.';
  return image.prompt.trim() === '' ? 'Type the prompt below the picture to see what is missing.' : 'Not measured yet.';
}

function Bar({ score }: { score: number | null }) {
  return (
    <span className={styles.bar} aria-hidden="true">
      <span style={{ width: `${(score ?? 0) * 100}%` }} />
    </span>
  );
}

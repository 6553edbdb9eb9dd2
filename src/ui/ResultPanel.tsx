import { memo } from 'react';
import type { Comparison } from './comparison.ts';
import { RegionList } from './RegionList.tsx';
import styles from './ResultPanel.module.css';
import { ScoreTable } from './ScoreTable.tsx';
import { useNarrow } from './useNarrow.ts';
import { VariantStrip } from './VariantStrip.tsx';
import { WorseCard } from './WorseCard.tsx';

/** What the refinement did: variants, scores before and after, what the gate kept, and what fell back. */
export const ResultPanel = memo(function ResultPanel({
  imageId,
  comparison,
}: {
  imageId: string;
  comparison: Comparison;
}) {
  const { before, after, refinement, result } = comparison;
  // On narrow screens it lies under the picture, where it is seen at once.
  const narrow = useNarrow();
  return (
    <section className={styles.panel} aria-label="Result">
      {refinement.variants.length > 1 && <VariantStrip imageId={imageId} refinement={refinement} />}
      {!narrow && <WorseCard imageId={imageId} comparison={comparison} />}
      <ScoreTable before={before.analysis} after={after.analysis} beforeLabel={before.label} />
      <RegionList
        regions={result.regions}
        size={{ width: result.after.imageWidth, height: result.after.imageHeight }}
      />
      {result.hints.length > 0 && (
        <ul className={styles.hints}>
          {result.hints.map((hint) => (
            <li key={hint}>{hint}</li>
          ))}
        </ul>
      )}
    </section>
  );
});

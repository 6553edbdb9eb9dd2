import type { Scale } from '../store/viewSlice.ts';
import styles from './Legend.module.css';
import type { Layer } from './layer.ts';
import { legendGradient } from './paintLayer.ts';
import { percent } from './words.ts';

/** What the colours over the picture mean, with numbers. */
export function Legend({
  layer,
  scale,
  range: [low, high],
  opacity,
  isShared,
}: {
  layer: Layer;
  scale: Scale;
  range: readonly [number, number];
  opacity: number;
  /** Whether two pictures are seen with these colours. */
  isShared: boolean;
}) {
  if (layer.mask) {
    const { maskThreshold, leastDamage, stage1 } = layer.mask.choice;
    return (
      <figure className={styles.legend} data-testid="legend">
        <figcaption>
          <span className={styles.maskSwatch} /> To repair: {layer.name} below {percent(1 - maskThreshold)}
          {(leastDamage > maskThreshold || stage1.leastMismatch > 0) && ', where sure'}
        </figcaption>
      </figure>
    );
  }
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((at) => low + (high - low) * at);
  const [worst, best] = layer.reads === 'quality' ? ['bad', 'good'] : ['not here', 'here'];
  return (
    <figure className={styles.legend} data-testid="legend">
      <figcaption>
        <b>{layer.name}</b>
        {scale === 'relative'
          ? isShared
            ? ' · relative to both pictures'
            : ' · relative to this picture'
          : ' · absolute'}
      </figcaption>
      <div className={styles.bar}>
        <div className={styles.ramp} style={{ background: legendGradient(layer.reads), opacity }} />
      </div>
      <div className={styles.ticks}>
        {ticks.map((tick, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: five fixed places.
          <span key={i}>
            {i === 4 && best} {percent(tick)} {i === 0 && worst}
          </span>
        ))}
      </div>
    </figure>
  );
}

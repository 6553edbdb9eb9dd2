import { Slider } from 'radix-ui';
import type { Range } from '../store/refineChoices.ts';
import styles from './RefineSettings.module.css';
import slider from './StageToolbar.module.css';

/** Two ends on one line: a range of values 0..1, shown as 0..100. */
export function StrengthRange({
  label,
  note,
  ends = ['for nearly good regions', 'for the worst regions'],
  low,
  high,
  range,
  onChange,
}: {
  label: string;
  note: string;
  /** What each end is for, as screen readers say it after the label. */
  ends?: readonly [string, string];
  low: number;
  high: number;
  range: Range;
  onChange: (low: number, high: number) => void;
}) {
  const shown = (value: number) => Math.round(value * 100);
  return (
    <div className={styles.field}>
      <span>{label}</span>
      <output>
        {shown(low)} – {shown(high)}
      </output>
      <Slider.Root
        className={slider.slider}
        value={[shown(low), shown(high)]}
        min={shown(range.min)}
        max={shown(range.max)}
        step={1}
        onValueChange={([from = 0, to = 0]) => onChange(from / 100, to / 100)}
      >
        <Slider.Track className={slider.track}>
          <Slider.Range className={slider.range} />
        </Slider.Track>
        <Slider.Thumb className={slider.thumb} aria-label={`${label} ${ends[0]}`} />
        <Slider.Thumb className={slider.thumb} aria-label={`${label} ${ends[1]}`} />
      </Slider.Root>
      <p className={styles.note}>{note}</p>
    </div>
  );
}

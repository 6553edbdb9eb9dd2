import type { CSSProperties, InputHTMLAttributes } from 'react';
import controls from './controls.module.css';

interface RangeProps extends Omit<InputHTMLAttributes<HTMLInputElement>, 'type' | 'onChange' | 'value'> {
  readonly min: number;
  readonly max: number;
  readonly value: number;
  readonly onValue: (value: number) => void;
}

/** The browser's own slider: keys, touch and screen readers come with it. */
export function RangeInput({ value, min, max, onValue, ...rest }: RangeProps) {
  const filled = `${((value - min) / (max - min)) * 100}%`;
  return (
    <input
      {...rest}
      type="range"
      className={controls.range}
      style={{ '--filled': filled } as CSSProperties}
      min={min}
      max={max}
      value={value}
      onChange={({ target }) => onValue(target.valueAsNumber)}
    />
  );
}

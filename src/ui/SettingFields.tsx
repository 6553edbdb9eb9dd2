import { type ReactNode, useId } from 'react';
import { RANGES, type Range, type RangePath } from '../store/refineChoices.ts';
import { RangeInput } from './RangeInput.tsx';
import styles from './RefineSettings.module.css';

/** Settings that belong together, perhaps switched on and off together. */
export function Group({
  title,
  note,
  isOn,
  onToggle,
  children,
}: {
  title: string;
  note?: string;
  /** Undefined: it cannot be switched off. */
  isOn?: boolean;
  onToggle?: (isOn: boolean) => void;
  children: ReactNode;
}) {
  return (
    <fieldset className={styles.group}>
      <legend>
        {onToggle ? (
          <label className={styles.toggle}>
            <input type="checkbox" checked={isOn ?? true} onChange={({ target }) => onToggle(target.checked)} /> {title}
          </label>
        ) : (
          title
        )}
      </legend>
      {note && <p className={styles.note}>{note}</p>}
      {isOn !== false && children}
    </fieldset>
  );
}

/** A setting with its name and what it does. */
export function Field({
  label,
  note,
  value,
  children,
}: {
  label: string;
  note: string;
  value?: string;
  children: (id: string) => ReactNode;
}) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      {value !== undefined && <output htmlFor={id}>{value}</output>}
      {children(id)}
      <p className={styles.note}>{note}</p>
    </div>
  );
}

/** A number on a slider. */
export function NumberField({
  label,
  note,
  range,
  value,
  shown = String(value),
  onChange,
}: {
  label: string;
  note: string;
  range: Range;
  value: number;
  shown?: string;
  onChange: (value: number) => void;
}) {
  return (
    <Field label={label} note={note} value={shown}>
      {(id) => <RangeInput id={id} {...range} value={value} aria-valuetext={shown} onValue={onChange} />}
    </Field>
  );
}

/** A number of the refinement's settings, in its range. */
export function SettingNumber({
  path,
  asPercent = false,
  ...field
}: {
  path: RangePath;
  label: string;
  note: string;
  value: number;
  onChange: (value: number) => void;
  /** Shown as 0..100, as scores are. */
  asPercent?: boolean;
  shown?: string;
}) {
  const shown = asPercent ? { shown: String(Math.round(field.value * 100)) } : {};
  return <NumberField {...shown} {...field} range={RANGES[path]} />;
}

/** A setting that is one of a few words. */
export function SettingChoice<Word extends string>({
  label,
  note,
  value,
  options,
  onChange,
}: {
  label: string;
  note: string;
  value: Word;
  /** What each word is called, in the order they are offered. */
  options: Readonly<Record<Word, string>>;
  onChange: (value: Word) => void;
}) {
  return (
    <Field label={label} note={note}>
      {(id) => (
        <select id={id} value={value} onChange={({ target }) => onChange(target.value as Word)}>
          {Object.entries<string>(options).map(([word, name]) => (
            <option key={word} value={word}>
              {name}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

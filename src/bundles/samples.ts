import listed from './samples.json';

/** A picture of Blocks to try, with something wrong with it; `training/blocks/make_samples.py` makes them. */
export interface Sample {
  readonly id: string;
  /** Below `samples/`; its prompt is in the file. */
  readonly file: string;
  /** What is wrong, in a few words. */
  readonly title: string;
  /** What kind of fault it is: a damage of `defects.py`, or `absent`, `wrong colour`, `wrong shape`. */
  readonly kind: string;
  /** What the picture is to show. */
  readonly prompt: string;
  /** Held out: from 20,000,000 on. */
  readonly seed: number;
}

/** The samples in the order shown. */
export const SAMPLES: readonly Sample[] = listed;

import type { Verdict } from '../calibration/calibration.ts';
import type { IconName } from './Icon.tsx';

/** What cross-validation says, in plain words. */
export const VERDICTS: Readonly<
  Record<Verdict, { readonly title: string; readonly text: string; readonly icon: IconName }>
> = {
  helps: {
    title: 'It helps',
    text: 'On images it had not learned from, scores agree better with your ratings than before, by more than chance.',
    icon: 'better',
  },
  uncertain: {
    title: 'It may help, or not',
    text: 'On images it had not learned from, scores agree a little better with your ratings than before, but by no more than chance could. More rated images would tell. The words in use stay.',
    icon: 'question',
  },
  doesNotHelp: {
    title: 'It does not help',
    text: 'On images it had not learned from, scores agree with your ratings no better than before. More ratings, or ratings that differ more, may change that. The words in use stay.',
    icon: 'same',
  },
};

/** The same of the threshold of matches. */
export const MATCH_VERDICTS: Readonly<Record<Verdict, string>> = {
  helps: 'The threshold from which a phrase counts as found is learned, too.',
  uncertain: 'The threshold from which a phrase counts as found stays as it was: what it gains may be chance.',
  doesNotHelp: 'The threshold from which a phrase counts as found stays as it was: another gains nothing.',
};

/** A verdict in a list. */
export const VERDICT_NAMES: Readonly<Record<Verdict, string>> = {
  helps: 'helps',
  uncertain: 'may help',
  doesNotHelp: 'does not help',
};

import type { PhraseStatus } from '../quality/qualityResults.ts';
import { Icon } from './Icon.tsx';

/** The icon of a phrase's status; its word stands beside it. */
export function PhraseIcon({ status, size = 16 }: { status: PhraseStatus; size?: number }) {
  return <Icon name={status} size={size} />;
}

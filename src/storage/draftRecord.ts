import type { Licence } from '../bundles/bundle.ts';
import type { Precision } from '../graph/weights.ts';
import type { PackKind, PackOrigin } from './packManifest.ts';
import {
  checkKind,
  checkLicence,
  checkOrigin,
  checkPrecision,
  count,
  MAX_MANIFEST_BYTES,
  record,
  string,
} from './parseManifest.ts';

/** An interrupted installation as the interface shows it; nothing of what it has done is lost. */
export interface DraftSummary {
  readonly id: string;
  readonly name: string;
  readonly kind: PackKind;
  readonly precision: Precision;
  /** `files`: goes on when the same files are added again; `hub`: by itself. */
  readonly from: PackOrigin['from'];
  /** Published bytes read of those to read. */
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** Version of `draft.json` and of the journal beside it. */
export const DRAFT_FORMAT = 1;

/** `draft.json`: what is being installed. Beside it lie the journal and the shards written so far. */
export interface DraftRecord {
  readonly format: typeof DRAFT_FORMAT;
  readonly name: string;
  readonly kind: PackKind;
  readonly precision: Precision;
  readonly licence: Licence | null;
  readonly origin: PackOrigin;
  /** Published bytes to read. */
  readonly totalBytes: number;
  /** Sizes the shards are written with, so that they come out the same after an interruption. */
  readonly shardLimit: number;
  readonly blockBytes: number;
  readonly startedAt: number;
}

/** @throws {SyntaxError} the detail of what is wrong, as a part of a sentence */
export function parseDraftRecord(text: string): DraftRecord {
  if (text.length > MAX_MANIFEST_BYTES) throw new SyntaxError('it is too long');
  const draft = record(JSON.parse(text), 'it');
  if (draft.format !== DRAFT_FORMAT) throw new SyntaxError('it was begun by another version of this app');
  string(draft.name, 'name');
  checkKind(draft.kind);
  checkPrecision(draft.precision);
  checkLicence(draft.licence);
  checkOrigin(draft.origin);
  for (const key of ['totalBytes', 'shardLimit', 'blockBytes', 'startedAt']) count(draft[key], key);
  if (draft.blockBytes === 0) throw new SyntaxError('its blocks have no length');
  return draft as unknown as DraftRecord;
}

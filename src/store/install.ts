import type { DraftSummary, ModelSource } from '../bridge/packProtocol.ts';
import type { ByteProgress } from '../bridge/protocol.ts';
import type { BundleManifest, Licence } from '../bundles/bundle.ts';
import type { Precision } from '../graph/weights.ts';
import type { PublishedFile } from '../hub/publishedFile.ts';
import { modelKey } from './bundleState.ts';
import type { Problem } from './problem.ts';
import type { TransferRate } from './transferRate.ts';

/** Where a part of an installation comes from; `draft`: what an interrupted one knows itself. */
export type PartSource =
  | Extract<ModelSource, { readonly from: 'files' }>
  | { readonly from: 'hub'; readonly files: readonly PublishedFile[] }
  | { readonly from: 'draft'; readonly draftId: string };

/** One model of an installation: it becomes one pack. */
export interface InstallPart {
  readonly name: string;
  readonly precision: Precision;
  readonly licence: Licence | null;
  readonly source: PartSource;
  /** Published bytes to read; null: not known yet. */
  readonly totalBytes: number | null;
  /** Bytes the pack will take; null: not known yet. */
  readonly diskBytes: number | null;
  /** The pack it has become; null: still to do. */
  readonly packId: string | null;
}

/** `short`: the browser gives less room than is needed; nothing was started. */
export type InstallState =
  | { readonly is: 'preparing' | 'running' | 'pausing' | 'cancelling' | 'paused' }
  | { readonly is: 'short'; readonly neededBytes: number; readonly freeBytes: number }
  | { readonly is: 'failed'; readonly problem: Problem };

/** Models being installed one after another. At most one installation is shown; others wait as drafts. */
export interface Install {
  readonly id: string;
  /** The bundle's or the model's. */
  readonly name: string;
  /** Null: a model of the user's own. */
  readonly bundleId: string | null;
  readonly parts: readonly InstallPart[];
  /** Index of the part at work. */
  readonly current: number;
  /** The worker's job for that part. */
  readonly jobId: string;
  readonly progress: ByteProgress | null;
  readonly rate: TransferRate | null;
  readonly state: InstallState;
}

/** Whether something is being done for it right now. */
export function isAtWork(install: Install | null): boolean {
  return install !== null && /^(preparing|running|pausing|cancelling)$/.test(install.state.is);
}

/** How far the whole installation is; `totalBytes` null: not known yet. */
export function installBytes(install: Install): { readonly doneBytes: number; readonly totalBytes: number | null } {
  const { parts, current, progress } = install;
  let doneBytes = 0;
  let totalBytes: number | null = 0;
  parts.forEach((part, index) => {
    const isCurrent = index === current && part.packId === null && progress !== null;
    const total = isCurrent ? progress.totalBytes : part.totalBytes;
    doneBytes += part.packId !== null ? (part.totalBytes ?? 0) : isCurrent ? progress.doneBytes : 0;
    totalBytes = total === null || totalBytes === null ? null : totalBytes + total;
  });
  return { doneBytes, totalBytes };
}

/** Milliseconds until the whole is done at the present speed; null: not known. */
export function installTimeLeft(install: Install): number | null {
  const { doneBytes, totalBytes } = installBytes(install);
  const speed = install.rate?.bytesPerSecond ?? null;
  if (totalBytes === null || speed === null || speed <= 0) return null;
  return ((totalBytes - doneBytes) / speed) * 1000;
}

/** The draft of a model, where its installation was interrupted. */
export function draftOf(
  { name, precision, source }: Pick<InstallPart, 'name' | 'precision' | 'source'>,
  drafts: readonly DraftSummary[],
): DraftSummary | null {
  if (source.from === 'draft') return drafts.find(({ id }) => id === source.draftId) ?? null;
  return (
    drafts.find((draft) => draft.name === name && draft.precision === precision && draft.from === source.from) ?? null
  );
}

/** Bytes on disk that the rest of an installation will take; what drafts have taken already is not counted again. */
export function bytesStillNeeded(parts: readonly InstallPart[], drafts: readonly DraftSummary[]): number {
  let sum = 0;
  for (const part of parts) {
    if (part.packId !== null || part.diskBytes === null) continue;
    const draft = draftOf(part, drafts);
    const written = draft && draft.totalBytes > 0 ? draft.doneBytes / draft.totalBytes : 0;
    sum += part.diskBytes * (1 - Math.min(1, written));
  }
  return Math.ceil(sum);
}

/** Something that was begun and waits to be gone on with. */
export interface Unfinished {
  /** Null: a model of the user's own, or of a bundle no longer known. */
  readonly bundle: BundleManifest | null;
  /** Null: it was interrupted between two of its models. */
  readonly draft: DraftSummary | null;
}

/** What waits to be gone on with, but for the installation on the screen. */
export function unfinishedInstalls({
  bundles,
  unfinishedBundles,
  drafts,
  install,
}: {
  readonly bundles: readonly BundleManifest[];
  readonly unfinishedBundles: readonly string[];
  readonly drafts: readonly DraftSummary[];
  readonly install: Install | null;
}): readonly Unfinished[] {
  const shown = install?.parts[install.current];
  let rest = drafts.filter((draft) => !shown || draftOf(shown, [draft]) === null);
  const begun = unfinishedBundles.flatMap((id): Unfinished[] => {
    const bundle = bundles.find((one) => one.id === id);
    if (!bundle || install?.bundleId === id) return [];
    const draft =
      rest.find((one) => one.from === 'hub' && bundle.models.some((model) => modelKey(model) === modelKey(one))) ??
      null;
    rest = rest.filter((one) => one !== draft);
    return [{ bundle, draft }];
  });
  return [...begun, ...rest.map((draft) => ({ bundle: null, draft }))];
}

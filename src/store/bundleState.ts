import type { InstallEstimate } from '../bridge/packProtocol.ts';
import type { PackSummary } from '../bridge/protocol.ts';
import { BLOCKS_ID } from '../bundles/blocks.ts';
import type { BundleManifest, BundleModel } from '../bundles/bundle.ts';
import { downloadBytes } from '../bundles/bundles.ts';
import type { Tier } from '../runtime/status.ts';
import type { InstallPart } from './install.ts';
import type { Problem } from './problem.ts';

/** What is known of a model that is not installed yet. */
export type ModelEstimate =
  | { readonly is: 'asking' }
  | { readonly is: 'known'; readonly estimate: InstallEstimate }
  | { readonly is: 'failed'; readonly problem: Problem };

/** Names a model of a bundle, the same for all bundles that have it. */
export function modelKey({ kind, name, precision }: Pick<BundleModel, 'kind' | 'name' | 'precision'>): string {
  return `${kind}/${name}/${precision}`;
}

/** The sizes of one model: what the server told, else what the manifest says; null where the server has to be asked. */
export function modelSizes(
  model: BundleModel,
  estimates: Readonly<Record<string, ModelEstimate>>,
): { readonly downloadBytes: number | null; readonly diskBytes: number | null } {
  const asked = estimates[modelKey(model)];
  const known = asked?.is === 'known' ? asked.estimate : null;
  return {
    downloadBytes: known?.downloadBytes ?? downloadBytes(model),
    diskBytes: known?.diskBytes ?? model.diskBytes,
  };
}

/** The parts of a bundle as they stand: installed ones are not fetched again. */
export function bundleParts(
  bundle: BundleManifest,
  {
    packs,
    estimates,
  }: { readonly packs: readonly PackSummary[]; readonly estimates: Readonly<Record<string, ModelEstimate>> },
): readonly InstallPart[] {
  return bundle.models.map((model) => {
    const { downloadBytes, diskBytes } = modelSizes(model, estimates);
    return {
      name: model.name,
      precision: model.precision,
      licence: model.licence,
      source: { from: 'hub', files: model.files },
      totalBytes: downloadBytes,
      diskBytes,
      packId: installedModel(model, packs)?.id ?? null,
    };
  });
}

/**
 * The pack that a model of a bundle has become, known by where it came from; null: it is not installed. A revision that the
 * manifest does not pin to a commit may have become any.
 */
export function installedModel(model: BundleModel, packs: readonly PackSummary[]): PackSummary | null {
  return packs.find((pack) => isSameModel(model, pack)) ?? null;
}

const isCommit = (revision: string) => /^[0-9a-f]{40}$/.test(revision);

function isSameModel({ kind, precision, files }: BundleModel, pack: PackSummary): boolean {
  if (pack.kind !== kind || pack.precision !== precision || pack.origin.from !== 'hub') return false;
  const has = (repository: string, revision: string) =>
    pack.origin.from === 'hub' &&
    pack.origin.repositories.some(
      (one) => one.repository === repository && (one.revision === revision || !isCommit(revision)),
    );
  return (
    files.every((file) => file.optional || has(file.repository, file.revision)) &&
    pack.origin.repositories.every(({ repository }) => files.some((file) => file.repository === repository))
  );
}

/** How much of a bundle is here, and what the rest takes; null where a server has to be asked first. */
export interface BundleProgress {
  readonly installed: number;
  readonly missing: number;
  readonly downloadBytes: number | null;
  readonly diskBytes: number | null;
}

/** How much of a bundle is installed. */
export function bundleProgress(
  bundle: BundleManifest,
  known: { readonly packs: readonly PackSummary[]; readonly estimates: Readonly<Record<string, ModelEstimate>> },
): BundleProgress {
  const missing = bundleParts(bundle, known).filter(({ packId }) => packId === null);
  const sum = (pick: (part: InstallPart) => number | null) =>
    missing.reduce<number | null>((all, part) => {
      const bytes = pick(part);
      return all === null || bytes === null ? null : all + bytes;
    }, 0);
  return {
    installed: bundle.models.length - missing.length,
    missing: missing.length,
    downloadBytes: sum(({ totalBytes }) => totalBytes),
    diskBytes: sum(({ diskBytes }) => diskBytes),
  };
}

/**
 * The bundles that suit a machine best: the first that makes maps, and of those that repair the one that makes the most of the
 * memory there is, or else the smallest. Without a GPU none of those: a repair would take many minutes.
 */
export function recommendedBundles(
  bundles: readonly BundleManifest[],
  { tier, budgetBytes }: { readonly tier: Tier | null; readonly budgetBytes: number | null },
): readonly string[] {
  const isForMaps = ({ models }: BundleManifest) => models.every(({ kind }) => kind === 'maps');
  const real = bundles.filter(({ id }) => id !== BLOCKS_ID);
  const maps = real.find(isForMaps);
  const bySize = real.filter((bundle) => !isForMaps(bundle)).sort((a, b) => a.vramBytes - b.vramBytes);
  const fitting = bySize.filter(({ vramBytes }) => vramBytes <= (budgetBytes ?? 0));
  const repairs = tier === 'wasm' ? undefined : (fitting.at(-1) ?? bySize[0]);
  return [maps, repairs].flatMap((bundle) => bundle?.id ?? []);
}

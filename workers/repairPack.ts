import type { InstallRequest } from '../src/bridge/packProtocol.ts';
import { UserError } from '../src/errors.ts';
import type { HubAccess } from '../src/hub/publishedFile.ts';
import { damagedWeights, findDamage } from '../src/storage/packDamage.ts';
import type { PackManifest, PackOrigin } from '../src/storage/packManifest.ts';
import { PackRepair } from '../src/storage/packRepair.ts';
import type { OpenPack } from '../src/storage/packStore.ts';
import type { InstallOptions } from './installPack.ts';
import { openModel } from './openModel.ts';
import { planPack } from './planPack.ts';

type Source = InstallRequest['source'];

/**
 * Writes again what of a pack is broken, from the published files it was made from, and compares it; no others of their tensors
 * are read. Does nothing where all is well. Call only as the one job on packs.
 * @param from `source`: files on this machine; null: fetched from `hub`
 * @throws {UserError} `CheckpointError`: the files are not those the pack was made from; `DownloadError`, `StorageError`
 */
export async function repairPack(
  pack: OpenPack,
  {
    source,
    hub,
    signal,
    onProgress,
    limits,
  }: Omit<InstallOptions, 'sizes'> & { source: Source | null; hub: HubAccess },
): Promise<void> {
  const { manifest } = pack;
  const { name, precision, byteLength: totalBytes } = manifest.summary;
  let checked = 0;
  const damage = await findDamage(pack, {
    signal,
    onBytes: (count) => {
      checked += count;
      onProgress({ stage: 'check', item: name, doneBytes: checked, totalBytes });
    },
  });
  if (!damage) return;
  const read = sourceOf(manifest, { source, hub });
  const model = openModel(read, { signal, limits });
  const repair = await PackRepair.open(manifest);
  try {
    const plan = await planPack(model.folder, precision);
    const weights = damagedWeights(manifest, damage);
    let written = 0;
    const toWrite = [...weights].flatMap(([part, names]) =>
      [...names].map((weight) => manifest.parts[part]?.[weight]?.byteLength ?? 0),
    );
    const progress = { stage: read.source.from === 'hub' ? 'download' : 'compile', item: name } as const;
    const totalToWrite = toWrite.reduce((sum, size) => sum + size, 0);
    for (const [part, only] of weights) {
      const compile = plan.parts.find((planned) => planned.name === part)?.compile;
      if (!compile) throw otherModel(manifest);
      const sink = repair.sink(part);
      await compile({
        sink: {
          append: async (layout, pieces) => {
            const place = await sink.append(layout, pieces);
            if (only.has(layout.name)) written += layout.byteLength;
            onProgress({ ...progress, doneBytes: written, totalBytes: totalToWrite });
            return place;
          },
        },
        signal,
        stored: manifest.parts[part] ?? {},
        only,
      });
    }
    for (const path of damage.files) {
      const file = plan.files.get(path);
      if (!file) throw otherModel(manifest);
      await repair.keepFile(path, await file.read(0, file.size));
    }
    await repair.check(damage.blocks, signal);
  } finally {
    repair.close();
    model.close();
  }
}

/** Where a pack's published files are read again. */
function sourceOf(
  { origin, summary }: PackManifest,
  { source, hub }: { source: Source | null; hub: HubAccess },
): { source: Source; origin: PackOrigin } {
  if (!source) {
    if (origin.from === 'hub') return { source: { from: 'hub', files: origin.files, hub }, origin };
    throw new UserError(
      'CheckpointError',
      `"${summary.name}" was made from files on this machine: choose them again, and what is broken is read from them.`,
    );
  }
  if (origin.from === 'files' && source.from === 'files') {
    const chosen = new Map(source.files.map(({ path, file }) => [path, file.size]));
    for (const { path, size } of origin.files) {
      const found = chosen.get(path);
      if (found === size) continue;
      const what = found === undefined ? 'is not among the files' : `has ${found} bytes, expected ${size}`;
      throw new UserError(
        'CheckpointError',
        `Cannot repair "${summary.name}": "${path}" ${what}. Choose the files it was made from.`,
      );
    }
  }
  return { source, origin };
}

function otherModel({ summary }: PackManifest): UserError {
  return new UserError(
    'CheckpointError',
    `Cannot repair "${summary.name}": the files are of another model. Choose those it was made from.`,
  );
}

import { type MapsCalibration, readMapsCalibration } from '../src/checkpoint/mapsCalibration.ts';
import { findPromptContexts, type PromptContexts, readPromptContexts } from '../src/checkpoint/promptContexts.ts';
import { readJson } from '../src/checkpoint/readJson.ts';
import type { WeightIndex } from '../src/graph/weights.ts';
import { type OnnxClipEncoder, openClipEncoder } from '../src/runtime/clipEncoder.ts';
import { type OnnxDiffusionModel, openDiffusionModel } from '../src/runtime/diffusionModel.ts';
import type { DiffusionPart } from '../src/runtime/diffusionPack.ts';
import type { Runtime } from '../src/runtime/runtime.ts';
import type { PackKind, PackSummary } from '../src/storage/packManifest.ts';
import { keptFiles, type OpenPack, openPack } from '../src/storage/packStore.ts';

/** A pack whose models are opened: nothing of them is loaded before it is used. */
interface Opened<Model> {
  readonly summary: PackSummary;
  readonly model: Model;
}

/** What the maps are made with. */
export interface MapsModel {
  readonly clip: OnnxClipEncoder;
  readonly contexts: PromptContexts | null;
  /** What was fitted for this CLIP; null: nothing. */
  readonly calibration: MapsCalibration | null;
  dispose(): Promise<void>;
}

/** What a pack of each kind opens to. */
interface Models extends Record<PackKind, { dispose(): Promise<void> }> {
  readonly maps: MapsModel;
  readonly inpainting: OnnxDiffusionModel;
  readonly restoration: OnnxDiffusionModel;
}

type OpenedByKind = { [Kind in PackKind]: Opened<Models[Kind]> | null };

/** The packs in use, at most one of each kind. */
export class PacksInUse {
  readonly #opened: OpenedByKind = { maps: null, inpainting: null, restoration: null };

  get maps(): MapsModel | null {
    return this.#opened.maps?.model ?? null;
  }

  /** Id of the pack that {@link maps} is of. */
  get mapsId(): string | null {
    return this.#opened.maps?.summary.id ?? null;
  }

  get inpainting(): OnnxDiffusionModel | null {
    return this.#opened.inpainting?.model ?? null;
  }

  get restoration(): OnnxDiffusionModel | null {
    return this.#opened.restoration?.model ?? null;
  }

  /**
   * Makes a pack the one of its kind in use; the former one's memory is freed.
   * @throws {UserError} `PackMissingError`, `StorageError`, `CheckpointError`, `UnsupportedModelError`: the former stays in use
   */
  async use(packId: string, runtime: Runtime): Promise<PackSummary> {
    const known = Object.values(this.#opened).find((opened) => opened?.summary.id === packId);
    if (known) return known.summary;
    const pack = await openPack(packId);
    const { summary } = pack.manifest;
    const { kind } = summary;
    const former = this.#opened[kind];
    if (kind === 'maps') this.#opened[kind] = { summary, model: await openMaps(pack, runtime) };
    else this.#opened[kind] = { summary, model: await openDiffusion(pack, runtime) };
    await former?.model.dispose();
    return summary;
  }
}

async function openMaps(pack: OpenPack, runtime: Runtime): Promise<MapsModel> {
  const folder = await keptFiles(pack);
  const contextSources = findPromptContexts(folder);
  const contexts = contextSources && (await readPromptContexts(contextSources));
  const clip = await openClipEncoder(runtime, {
    modelName: pack.manifest.summary.name,
    weights: pack.manifest.parts.clip ?? {},
    shard: (name) => pack.file(name),
    folder,
  });
  const calibration = await readMapsCalibration(folder);
  return { clip, contexts, calibration, dispose: () => clip.dispose() };
}

async function openDiffusion(pack: OpenPack, runtime: Runtime): Promise<OnnxDiffusionModel> {
  const { summary, parts } = pack.manifest;
  const folder = await keptFiles(pack);
  const open = async ([name, weights]: [string, WeightIndex]): Promise<[string, DiffusionPart]> => [
    name,
    { weights, config: await readJson(folder, `${name}/config.json`) },
  ];
  return openDiffusionModel(runtime, {
    modelName: summary.name,
    task: summary.kind === 'restoration' ? 'restoration' : 'inpainting',
    parts: Object.fromEntries(await Promise.all(Object.entries(parts).map(open))),
    shard: (name) => pack.file(name),
    folder,
  });
}

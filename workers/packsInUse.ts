import type { HubFolder } from '../src/checkpoint/byteSource.ts';
import { findPromptContexts, type PromptContexts, readPromptContexts } from '../src/checkpoint/promptContexts.ts';
import { readJson } from '../src/checkpoint/readJson.ts';
import type { WeightIndex } from '../src/graph/weights.ts';
import { type OnnxClipEncoder, openClipEncoder } from '../src/runtime/clipEncoder.ts';
import { type OnnxDiffusionModel, openDiffusionModel } from '../src/runtime/diffusionModel.ts';
import type { DiffusionPart } from '../src/runtime/diffusionPack.ts';
import type { Runtime } from '../src/runtime/runtime.ts';
import { blobSource } from '../src/storage/blobSource.ts';
import { type PackSummary, storedName } from '../src/storage/packManifest.ts';
import { type OpenPack, openPack } from '../src/storage/packStore.ts';

/** A pack whose models are opened: nothing of them is loaded before it is used. */
interface Opened<Model> {
  readonly summary: PackSummary;
  readonly model: Model;
}

/** What the maps are made with. */
export interface MapsModel {
  readonly clip: OnnxClipEncoder;
  readonly contexts: PromptContexts | null;
  dispose(): Promise<void>;
}

/** The packs in use, at most one of each kind. */
export class PacksInUse {
  #maps: Opened<MapsModel> | null = null;
  #inpainting: Opened<OnnxDiffusionModel> | null = null;
  #restoration: Opened<OnnxDiffusionModel> | null = null;

  get maps(): MapsModel | null {
    return this.#maps?.model ?? null;
  }

  get inpainting(): OnnxDiffusionModel | null {
    return this.#inpainting?.model ?? null;
  }

  get restoration(): OnnxDiffusionModel | null {
    return this.#restoration?.model ?? null;
  }

  /**
   * Makes a pack the one of its kind in use; the former one's memory is freed.
   * @throws {UserError} `PackMissingError`, `StorageError`, `CheckpointError`, `UnsupportedModelError`: the former stays in use
   */
  async use(packId: string, runtime: Runtime): Promise<PackSummary> {
    const known = [this.#maps, this.#inpainting, this.#restoration].find((opened) => opened?.summary.id === packId);
    if (known) return known.summary;
    const pack = await openPack(packId);
    const { summary } = pack.manifest;
    let former: Opened<{ dispose(): Promise<void> }> | null;
    switch (summary.kind) {
      case 'maps': {
        const opened = { summary, model: await openMaps(pack, runtime) };
        former = this.#maps;
        this.#maps = opened;
        break;
      }
      case 'inpainting': {
        const opened = { summary, model: await openDiffusion(pack, runtime) };
        former = this.#inpainting;
        this.#inpainting = opened;
        break;
      }
      case 'restoration': {
        const opened = { summary, model: await openDiffusion(pack, runtime) };
        former = this.#restoration;
        this.#restoration = opened;
        break;
      }
    }
    await former?.model.dispose();
    return summary;
  }
}

/** The published files of a pack, by their path in the model's folder. */
async function publishedFiles({ manifest, file }: OpenPack): Promise<HubFolder> {
  const files = manifest.files.map(async (path) => [path, blobSource(path, await file(storedName(path)))] as const);
  return new Map(await Promise.all(files));
}

async function openMaps(pack: OpenPack, runtime: Runtime): Promise<MapsModel> {
  const folder = await publishedFiles(pack);
  const contextSources = findPromptContexts(folder);
  const contexts = contextSources && (await readPromptContexts(contextSources));
  const clip = await openClipEncoder(runtime, {
    modelName: pack.manifest.summary.name,
    weights: pack.manifest.parts.clip ?? {},
    shard: (name) => pack.file(name),
    folder,
  });
  return { clip, contexts, dispose: () => clip.dispose() };
}

async function openDiffusion(pack: OpenPack, runtime: Runtime): Promise<OnnxDiffusionModel> {
  const { summary, parts } = pack.manifest;
  const folder = await publishedFiles(pack);
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

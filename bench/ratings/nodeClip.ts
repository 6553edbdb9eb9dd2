import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as ort from 'onnxruntime-web';
import { MemorySink } from '../../e2e/clip/memorySink.ts';
import type { ByteSource, HubFolder } from '../../src/checkpoint/byteSource.ts';
import { findPromptContexts, type PromptContexts, readPromptContexts } from '../../src/checkpoint/promptContexts.ts';
import { type OnnxClipEncoder, openClipEncoder, type SessionSource } from '../../src/runtime/clipEncoder.ts';
import { Residency } from '../../src/runtime/residency.ts';
import type { RuntimeStatus } from '../../src/runtime/status.ts';
import { planMaps } from '../../workers/planMaps.ts';

/** A CLIP of a folder on the disk, compiled and run as in the app, on the processor. */
export interface NodeClip {
  readonly clip: OnnxClipEncoder;
  readonly contexts: PromptContexts | null;
}

/**
 * Compiles a CLIP in hub layout into memory: about as much as its checkpoint has.
 * @throws {UserError} `CheckpointError`, `UnsupportedModelError`
 */
export async function nodeClip(folder: string, { threads }: { readonly threads: number }): Promise<NodeClip> {
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = 'error';
  const files = folderOnDisk(folder);
  const plan = await planMaps(files, 'fp32');
  const sink = new MemorySink();
  const weights = (await plan.parts[0]?.compile({ sink })) ?? {};
  const shards = sink.shards;
  const contexts = findPromptContexts(files);
  const clip = await openClipEncoder(source, {
    modelName: basename(folder),
    weights,
    shard: async (name) => new Blob([shards.get(name) ?? new Uint8Array()]),
    folder: new Map([...plan.files].map(([name, file]) => [name, file])),
  });
  return { clip, contexts: contexts && (await readPromptContexts(contexts)) };
}

/** Sessions of onnxruntime's WebAssembly, which runs in Node as in a browser. */
const source: SessionSource = {
  status: { tier: 'wasm' } as Partial<RuntimeStatus> as RuntimeStatus,
  residency: new Residency(64e9),
  async createSession(model, externalData = []) {
    const shards = externalData.map(async ({ path, data }) => ({
      path,
      data: data instanceof Uint8Array ? data : new Uint8Array(await data.arrayBuffer()),
    }));
    const session = await ort.InferenceSession.create(model, {
      executionProviders: ['wasm'],
      externalData: await Promise.all(shards),
    });
    return {
      isUsable: true,
      async run(feeds) {
        const tensors = Object.entries(feeds).map(([name, tensor]) => {
          if (!('data' in tensor)) throw new TypeError(`Input "${name}" is placed`);
          const { data, dims } = tensor;
          return [
            name,
            data instanceof Int32Array ? new ort.Tensor(data, dims) : new ort.Tensor(data as Float32Array, dims),
          ];
        });
        const outputs = await session.run(Object.fromEntries(tensors));
        return Object.fromEntries(
          Object.entries(outputs).map(([name, { data, dims }]) => [name, { data: data as Float32Array, dims }]),
        );
      },
      dispose: () => session.release(),
    };
  },
};

/** The files of a folder, read as they are asked for. */
function folderOnDisk(folder: string): HubFolder {
  const files = new Map<string, ByteSource>();
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name);
    const stat = statSync(path);
    if (!stat.isFile()) continue;
    files.set(name.replaceAll('\\', '/'), {
      name,
      size: stat.size,
      read: async (start, end) => {
        const bytes = new Uint8Array(end - start);
        const file = openSync(path, 'r');
        try {
          for (let at = 0; at < bytes.length; ) {
            const count = readSync(file, bytes, at, bytes.length - at, start + at);
            if (count === 0) throw new RangeError(`"${path}" ends at ${start + at}`);
            at += count;
          }
        } finally {
          closeSync(file);
        }
        return bytes;
      },
    });
  }
  return files;
}

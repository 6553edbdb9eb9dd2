import type { ByteSource } from '../../src/checkpoint/byteSource.ts';
import { openSafetensors } from '../../src/checkpoint/safetensors.ts';
import { compileWeights } from '../../src/graph/compileWeights.ts';
import type { ShardSink } from '../../src/graph/weights.ts';
import { RemoteFile } from '../../src/hub/remoteFile.ts';
import { blobSource } from '../../src/storage/blobSource.ts';
import { SHARD_LIMIT, ShardWriter } from '../../src/storage/shardWriter.ts';
import type { BenchRequest } from './benchRequest.ts';
import { type ModelFile, modelFiles } from './models.ts';
import { fileParts, syntheticFile } from './syntheticCheckpoint.ts';

const FOLDER = 'bench-compile';
/** Bytes the plain copy reads at a time, the next while the last are written. */
const COPIED_BYTES = 4 * 1024 ** 2;

/** Times one round. What it wrote is deleted afterwards. */
async function run({ task, ...request }: BenchRequest) {
  const root = await navigator.storage.getDirectory();
  await root.removeEntry(FOLDER, { recursive: true }).catch(() => {});
  const files = modelFiles(request.model);
  const sources = await Promise.all(files.map((file) => openSource(file, request)));
  const counts = { readBytes: sources.reduce((sum, { size }) => sum + size, 0), writtenBytes: 0 };
  const start = performance.now();
  for (const [i, source] of sources.entries()) {
    const folder = await (await root.getDirectoryHandle(FOLDER, { create: true })).getDirectoryHandle(`${i}`, {
      create: true,
    });
    if (task === 'copy') {
      counts.writtenBytes += await copy(source, { folder, address: addressOf(source.name, request) });
      continue;
    }
    const shards = await ShardWriter.open(folder);
    try {
      const sink = task === 'compile' ? shards : forgetting(counts);
      const checkpoint = await openSafetensors(source);
      const { recipes } = files[i] as ModelFile;
      await compileWeights({ checkpoint, recipes }, { precision: request.precision, sink });
      await shards.finish();
      counts.writtenBytes += shards.byteLength;
    } finally {
      shards.close();
    }
    if (source instanceof RemoteFile) source.close();
  }
  const milliseconds = performance.now() - start;
  await root.removeEntry(FOLDER, { recursive: true });
  return { milliseconds, ...counts };
}

type Source = Pick<BenchRequest, 'model' | 'dtype' | 'from'>;

async function openSource({ name, tensors }: ModelFile, { from, dtype, model }: Source): Promise<ByteSource> {
  if (from === 'file') {
    const blobs = new Map<Uint8Array, Blob>();
    const parts = [...fileParts(syntheticFile(tensors, dtype))].map((part) => {
      // One blob for all its repetitions: the browser keeps the bytes once.
      const blob = blobs.get(part) ?? new Blob([part]);
      blobs.set(part, blob);
      return blob;
    });
    return blobSource(name, new Blob(parts));
  }
  const url = addressOf(name, { from, dtype, model });
  const bytes = Number((await fetch(url, { method: 'HEAD' })).headers.get('content-length'));
  // No file has this hash; it is only to be taken, not compared.
  const sha256 = from === 'hashed' ? '0'.repeat(64) : null;
  const place = { path: name, host: 'hub', repository: 'synthetic', revision: 'main', file: name } as const;
  return new RemoteFile({ ...place, bytes, sha256, url });
}

function addressOf(name: string, { model, dtype }: Source): string {
  return `${location.origin}/synthetic/${model}/${dtype}/${name}`;
}

async function copy(source: ByteSource, { folder, address }: { folder: FileSystemDirectoryHandle; address: string }) {
  const chunks = source instanceof RemoteFile ? streamed(address) : sliced(source);
  let handle: FileSystemSyncAccessHandle | null = null;
  let at = 0;
  let total = 0;
  const close = () => {
    handle?.flush();
    handle?.close();
  };
  for await (const chunk of chunks) {
    if (!handle || at + chunk.byteLength > SHARD_LIMIT) {
      close();
      handle = await (await folder.getFileHandle(`${total}`, { create: true })).createSyncAccessHandle();
      at = 0;
    }
    at += handle.write(chunk, { at });
    total += chunk.byteLength;
  }
  close();
  return total;
}

async function* streamed(address: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = ((await fetch(address)).body as ReadableStream<Uint8Array<ArrayBuffer>>).getReader();
  for (let read = await reader.read(); read.value; read = await reader.read()) yield read.value;
}

async function* sliced(source: ByteSource): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const read = (at: number) => source.read(at, Math.min(at + COPIED_BYTES, source.size));
  let next = read(0);
  for (let at = 0; at < source.size; at += COPIED_BYTES) {
    const bytes = await next;
    if (at + COPIED_BYTES < source.size) next = read(at + COPIED_BYTES);
    yield bytes;
  }
}

function forgetting(counts: { writtenBytes: number }): ShardSink {
  return {
    async append(_, pieces) {
      for await (const piece of pieces) counts.writtenBytes += piece.byteLength;
      return { shard: 'none', offset: 0 };
    },
  };
}

addEventListener('message', async ({ data }: MessageEvent<BenchRequest>) => {
  postMessage(await run(data).catch((error: unknown) => ({ error: String((error as Error).stack ?? error) })));
});

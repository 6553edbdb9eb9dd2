import { fileParts, syntheticCheckpoint } from '../../e2e/hub/syntheticCheckpoint.ts';
import type { ByteSource } from '../../src/checkpoint/byteSource.ts';
import { openSafetensors } from '../../src/checkpoint/safetensors.ts';
import { compileWeights } from '../../src/graph/compileWeights.ts';
import type { ShardSink } from '../../src/graph/weights.ts';
import { RemoteFile } from '../../src/hub/remoteFile.ts';
import { blobSource } from '../../src/storage/blobSource.ts';
import { BLOCK_BYTES } from '../../src/storage/blockChecksums.ts';
import { DRAFT_FORMAT } from '../../src/storage/draftRecord.ts';
import { OpenDraft } from '../../src/storage/openDraft.ts';
import { SHARD_LIMIT } from '../../src/storage/shardWriter.ts';
import type { BenchRequest } from './benchRequest.ts';
import { type ModelFile, modelFiles } from './models.ts';

/** Bytes the plain copy reads at a time, the next while the last are written. */
const COPIED_BYTES = 4 * 1024 ** 2;

/** Times one round. What it wrote is deleted afterwards. */
async function run({ task, ...request }: BenchRequest) {
  const root = await navigator.storage.getDirectory();
  const files = modelFiles(request.model);
  const sources = await Promise.all(files.map((file) => openSource(file, request)));
  const counts = { readBytes: sources.reduce((sum, { size }) => sum + size, 0), writtenBytes: 0 };
  const start = performance.now();
  counts.writtenBytes = await TASKS[task]({ files, sources, request });
  const milliseconds = performance.now() - start;
  for await (const name of root.keys()) await root.removeEntry(name, { recursive: true });
  for (const source of sources) if (source instanceof RemoteFile) source.close();
  return { milliseconds, ...counts };
}

interface Round {
  readonly files: readonly ModelFile[];
  readonly sources: readonly ByteSource[];
  readonly request: Omit<BenchRequest, 'task'>;
}

/** What is compared; each tells how many bytes it has made. */
const TASKS: Readonly<Record<BenchRequest['task'], (round: Round) => Promise<number>>> = { compile, convert, copy };

/** Into a draft with its journal, as an installation does. */
async function compile({ files, sources, request: { precision, model } }: Round): Promise<number> {
  const draft = await OpenDraft.create({
    format: DRAFT_FORMAT,
    name: model,
    kind: 'inpainting',
    precision,
    licence: null,
    origin: { from: 'files', name: model, files: [] },
    totalBytes: sources.reduce((sum, { size }) => sum + size, 0),
    shardLimit: SHARD_LIMIT,
    blockBytes: BLOCK_BYTES,
    startedAt: Date.now(),
  });
  try {
    for (const [i, { name, recipes }] of files.entries()) {
      const sink = draft.sink(name, () => ({ doneBytes: draft.byteLength, streams: {} }));
      const checkpoint = await openSafetensors(sources[i] as ByteSource);
      await compileWeights({ checkpoint, recipes }, { precision, sink });
      await draft.commit();
    }
    return draft.byteLength;
  } finally {
    await draft.close();
  }
}

async function convert({ files, sources, request: { precision } }: Round): Promise<number> {
  let byteLength = 0;
  const sink: ShardSink = {
    async append(_, pieces) {
      for await (const piece of pieces) byteLength += piece.byteLength;
      return { shard: 'none', offset: 0 };
    },
  };
  for (const [i, { recipes }] of files.entries()) {
    const checkpoint = await openSafetensors(sources[i] as ByteSource);
    await compileWeights({ checkpoint, recipes }, { precision, sink });
  }
  return byteLength;
}

type Source = Pick<BenchRequest, 'model' | 'dtype' | 'from'>;

async function openSource({ name, tensors }: ModelFile, { from, dtype, model }: Source): Promise<ByteSource> {
  if (from === 'file') {
    const blobs = new Map<Uint8Array, Blob>();
    const parts = [...fileParts(syntheticCheckpoint(tensors, dtype))].map((part) => {
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

async function copy({ sources, request }: Round): Promise<number> {
  const root = await navigator.storage.getDirectory();
  let handle: FileSystemSyncAccessHandle | null = null;
  let at = 0;
  let total = 0;
  const close = () => {
    handle?.flush();
    handle?.close();
    handle = null;
  };
  for (const source of sources) {
    const chunks = source instanceof RemoteFile ? streamed(addressOf(source.name, request)) : sliced(source);
    for await (const chunk of chunks) {
      if (!handle || at + chunk.byteLength > SHARD_LIMIT) {
        close();
        handle = await (await root.getFileHandle(`copy-${total}`, { create: true })).createSyncAccessHandle();
        at = 0;
      }
      at += handle.write(chunk, { at });
      total += chunk.byteLength;
    }
    close();
  }
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

addEventListener('message', async ({ data }: MessageEvent<BenchRequest>) => {
  postMessage(await run(data).catch((error: unknown) => ({ error: String((error as Error).stack ?? error) })));
});

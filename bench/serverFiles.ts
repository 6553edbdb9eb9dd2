import type { ByteSource } from '../src/checkpoint/byteSource.ts';

/** A file of the bench's server, read piece by piece, as the app reads one from a disk. */
export async function rangeSource(url: string): Promise<ByteSource> {
  const head = await fetch(url, { method: 'HEAD' });
  return {
    name: url,
    size: Number(head.headers.get('content-length')),
    async read(start, end) {
      if (start === end) return new Uint8Array();
      const response = await fetch(url, { headers: { Range: `bytes=${start}-${end - 1}` } });
      if (response.status !== 206) throw new Error(`${url}: ${response.status} instead of a part`);
      return new Uint8Array(await response.arrayBuffer());
    },
  };
}

export async function fetchBytes(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

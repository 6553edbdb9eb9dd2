import type { HubAccess, PublishedFile, ResolvedFile, StreamState } from '../../src/hub/publishedFile.ts';
import { RemoteFile } from '../../src/hub/remoteFile.ts';
import { resolveFiles } from '../../src/hub/resolveFiles.ts';

/** What came of reading a file, as plain values. */
interface Reading {
  /** SHA-256 of all bytes that were read, in hex. */
  readonly sha256: string;
  readonly state: StreamState;
  readonly milliseconds: number;
}

const hubTests = {
  /** What is learned of published files before they are fetched. */
  resolve(files: readonly PublishedFile[], hub: HubAccess): Promise<ResolvedFile[]> {
    return resolveFiles(files, hub);
  },

  /**
   * Reads a whole file in pieces and checks it.
   * @param options `breakAt`: ends the stream once there, and goes on with another
   */
  async read(file: ResolvedFile, { token, breakAt }: { token: string | null; breakAt?: number }): Promise<Reading> {
    const start = performance.now();
    const bytes = new Uint8Array(file.bytes);
    const pieceBytes = 300_000;
    let remote = new RemoteFile(file, { token });
    try {
      for (let at = 0; at < bytes.byteLength; at += pieceBytes) {
        bytes.set(await remote.read(at, Math.min(at + pieceBytes, bytes.byteLength)), at);
        if (breakAt === undefined || at < breakAt || at - pieceBytes >= breakAt) continue;
        const { state } = remote;
        remote.close();
        remote = new RemoteFile(file, { token, resume: JSON.parse(JSON.stringify(state)) });
      }
      await remote.finish();
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
      return {
        sha256: [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
        state: remote.state,
        milliseconds: performance.now() - start,
      };
    } finally {
      remote.close();
    }
  },

  /** Closes a file in the middle of a read; the name of the error that the read ends with, and where it stopped. */
  async closeWhileReading(file: ResolvedFile, token: string): Promise<{ error: string; position: number }> {
    let count = 0;
    const remote = new RemoteFile(file, {
      token,
      onBytes: (bytes) => {
        count += bytes;
        if (count > file.bytes / 2) remote.close();
      },
    });
    const error = await remote.read(0, file.bytes).then(
      () => 'none',
      (reason: Error) => reason.name,
    );
    return { error, position: remote.state.position };
  },
};

export type HubTests = typeof hubTests;
Object.assign(globalThis, { hubTests });

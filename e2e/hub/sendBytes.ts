import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { type HubFile, PIECE_BYTES } from './hubFiles.ts';
import type { Misbehaviour } from './misbehaviour.ts';

/** Sends bytes `[start, end)` of a file as the body of an answer, as badly as it is told to. */
export async function sendBytes(
  file: HubFile,
  {
    response,
    wrong,
    start,
    end,
    onSent = () => {},
  }: {
    readonly response: ServerResponse;
    readonly wrong: Misbehaviour;
    readonly start: number;
    readonly end: number;
    /** Told how far into the file it has come. */
    readonly onSent?: (offset: number) => void;
  },
): Promise<void> {
  const { truncateAt, dropAt, stallAt, flipByteAt, bytesPerSecond } = wrong;
  const stop = Math.min(...[truncateAt, dropAt, stallAt].map((offset) => offset ?? end), end);
  const pieceBytes = bytesPerSecond === undefined ? PIECE_BYTES : Math.max(1, Math.floor(bytesPerSecond / 20));
  for (let from = start; from < stop; from += pieceBytes) {
    const piece = withFlippedByte(file.read(from, Math.min(from + pieceBytes, stop)), (flipByteAt ?? -1) - from);
    if (response.destroyed) return;
    if (!response.write(piece)) await drained(response);
    onSent(from + piece.byteLength);
    if (bytesPerSecond !== undefined) await pause((1000 * piece.byteLength) / bytesPerSecond);
  }
  if (dropAt !== undefined && stop <= dropAt && stop < end) {
    // What was written has to arrive before the connection goes.
    await pause(50);
    response.destroy();
  } else if (stallAt === undefined || stop >= end) response.end();
  else response.flushHeaders();
}

function withFlippedByte(piece: Uint8Array, at: number): Uint8Array {
  if (at < 0 || at >= piece.byteLength) return piece;
  const flipped = piece.slice();
  flipped[at] = ~(flipped[at] as number);
  return flipped;
}

/** Resolves when more may be written, or nobody listens any more. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      response.off('drain', go);
      response.off('close', go);
      resolve();
    };
    response.once('drain', go);
    response.once('close', go);
  });
}

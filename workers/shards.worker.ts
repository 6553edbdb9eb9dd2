/** The worker that writes the shards of one folder, beside the one that compiles them: see `src/storage/shardThread.ts`. */
import { ShardDisk } from '../src/storage/shardDisk.ts';
import type { ShardAnswer, ShardRequest } from '../src/storage/shardThread.ts';

let disk: ShardDisk | null = null;

addEventListener('message', async ({ data }: MessageEvent<ShardRequest>) => {
  if ('folder' in data) {
    disk = new ShardDisk(data.folder);
    return;
  }
  if (!disk) throw new TypeError('There is no folder to write into');
  const { id, method, args } = data;
  try {
    const call = disk[method] as (...given: readonly unknown[]) => Promise<unknown>;
    const value = await call.apply(disk, [...args]);
    answer({ id, value });
  } catch (error) {
    answer({ id, error: (error as Error).message });
  }
});

/** Memory goes back to whoever it came from. */
function answer(message: ShardAnswer): void {
  const value = 'value' in message ? message.value : null;
  const bytes = value instanceof Uint8Array ? value : (value as { bytes?: Uint8Array } | null)?.bytes;
  postMessage(message, { transfer: bytes ? [bytes.buffer] : [] });
}

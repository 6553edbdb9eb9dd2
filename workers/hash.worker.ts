/** The worker that computes the SHA-256 of one stream, beside the one that compiles it: see `src/hub/backgroundHash.ts`. */
import type { HashAnswer, HashRequest } from '../src/hub/backgroundHash.ts';
import { RunningHash } from '../src/hub/runningHash.ts';

let hash: RunningHash | null = null;
/** The hash is made asynchronously, and what comes meanwhile keeps its order. */
let tail: Promise<void> = Promise.resolve();

addEventListener('message', ({ data }: MessageEvent<HashRequest>) => {
  tail = tail.then(async () => {
    const answer = await take(data);
    if (answer) postMessage(answer);
  });
});

async function take(request: HashRequest): Promise<HashAnswer | null> {
  if ('state' in request) {
    hash = request.state === null ? await RunningHash.start() : await RunningHash.resume(request.state);
    return null;
  }
  if (!hash) throw new TypeError('There is no hash to go on with');
  if ('digest' in request) return { digest: hash.digest() };
  hash.update(new Uint8Array(request.bytes, 0, request.length));
  return { length: request.length, state: hash.save() };
}

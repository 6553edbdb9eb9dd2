import { expect, test } from 'vitest';
import { UserError } from '../errors.ts';
import { ModelPart } from './modelPart.ts';
import { Residency } from './residency.ts';
import type { ModelSession } from './session.ts';

/** A part whose sessions are numbers of pixels that note their life. */
function fakePart({ budget = 100, name = 'vae', residency = new Residency(budget) } = {}) {
  const log: string[] = [];
  const sessions: { lose: () => void }[] = [];
  const part = new ModelPart<number>({
    name,
    residency,
    key: String,
    bytes: (size) => size,
    readBytes: (size) => 1000 * size,
    create: async (size, onBytes) => {
      log.push(`+${size}`);
      for (let i = 0; i < size; i++) onBytes(999);
      let isUsable = true;
      sessions.push({
        lose: () => {
          isUsable = false;
        },
      });
      const session: ModelSession = {
        get isUsable() {
          return isUsable;
        },
        run: async () => ({ size: { dims: [1], data: Float32Array.of(size) } }),
        async dispose() {
          if (isUsable) log.push(`-${size}`);
          isUsable = false;
        },
      };
      return session;
    },
  });
  const run = async (size: number) => {
    const { size: ran } = await part.use(size, (session) => session.run({}));
    return ran?.data[0];
  };
  return { part, log, run, residency, sessions };
}

test('keeps the session last used, and disposes it before it makes one of another kind', async () => {
  const { part, log, run, residency } = fakePart();
  expect([await run(8), await run(8), await run(16)]).toEqual([8, 8, 16]);
  expect(log).toEqual(['+8', '-8', '+16']);
  expect(part.isLoaded(16)).toBe(true);
  expect(residency.loadedBytes).toBe(16);
  await part.unload();
  expect(log).toEqual(['+8', '-8', '+16', '-16']);
  expect(residency.loadedBytes).toBe(0);
});

test('uses of different kinds asked for at once come one after another', async () => {
  const { log, run } = fakePart();
  expect(await Promise.all([run(8), run(16), run(8)])).toEqual([8, 16, 8]);
  expect(log).toEqual(['+8', '-8', '+16', '-16', '+8']);
});

test('loads again when another part took its room, and when its device is gone', async () => {
  const { log, run, residency, sessions } = fakePart({ budget: 20 });
  const other = fakePart({ name: 'unet', residency });
  await run(8);
  await other.run(16);
  expect(log).toEqual(['+8', '-8']);
  await run(8);
  expect(other.log).toEqual(['+16', '-16']);
  sessions.at(-1)?.lose();
  expect(await run(8)).toBe(8);
  expect(log).toEqual(['+8', '-8', '+8', '+8']);
});

test('a use that fails leaves the part usable', async () => {
  const { part, run } = fakePart();
  const failing = part.use(8, () => Promise.reject(new UserError('OutOfMemoryError', 'full')));
  await expect(failing).rejects.toThrow('full');
  expect(await run(8)).toBe(8);
});

test('tells how far it has been read, in steps of a hundredth and to the end', async () => {
  const { run, residency } = fakePart({ budget: 1000 });
  const told: number[] = [];
  const stop = residency.watchLoading(({ name, doneBytes, totalBytes }) => {
    expect([name, totalBytes]).toEqual(['vae', 500_000]);
    told.push(doneBytes);
  });
  await run(500);
  await run(500);
  expect(told.length).toBeGreaterThan(90);
  expect(told.length).toBeLessThanOrEqual(101);
  expect(told).toEqual([...told].sort((a, b) => a - b));
  expect(told.at(-1)).toBe(500_000);
  stop();
  await run(8);
  expect(told.at(-1)).toBe(500_000);
});

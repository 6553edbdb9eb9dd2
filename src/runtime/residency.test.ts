import { describe, expect, test } from 'vitest';
import { UserError } from '../errors.ts';
import { Residency, type Resident } from './residency.ts';

/** Something of a size that notes when it loads and leaves. */
function part(name: string, { residency, bytes, log }: { residency: Residency; bytes: number; log: string[] }) {
  let isLoaded = false;
  const resident: Resident = {
    name,
    async unload() {
      isLoaded = false;
      log.push(`-${name}`);
    },
  };
  const use = <T>(work: () => Promise<T>, size = bytes) =>
    residency.use(resident, {
      bytes: size,
      load: async () => {
        if (!isLoaded) log.push(`+${name}`);
        isLoaded = true;
      },
      use: work,
    });
  return { resident, use, touch: () => use(async () => {}) };
}

function parts(budget: number, sizes: Readonly<Record<string, number>>) {
  const residency = new Residency(budget);
  const log: string[] = [];
  const made = Object.fromEntries(
    Object.entries(sizes).map(([name, bytes]) => [name, part(name, { residency, bytes, log })]),
  );
  return { residency, log, part: (name: string) => made[name] as ReturnType<typeof part> };
}

const outOfMemory = () => new UserError('OutOfMemoryError', 'full');

describe('residency', () => {
  test('all stay that fit, and those least recently used leave before another loads', async () => {
    const { residency, log, part } = parts(10, { unet: 5, text: 2, vae: 3, clip: 4 });
    for (const name of ['text', 'unet', 'vae', 'text']) await part(name).touch();
    expect(log).toEqual(['+text', '+unet', '+vae']);
    expect(residency.loaded).toEqual(['unet', 'vae', 'text']);
    expect(residency.loadedBytes).toBe(10);
    await part('clip').touch();
    expect(log.slice(3)).toEqual(['-unet', '+clip']);
    expect(residency.loaded).toEqual(['vae', 'text', 'clip']);
  });

  test('what is in use stays, whatever the budget', async () => {
    const { residency, log, part } = parts(10, { unet: 8, vae: 8 });
    await part('unet').use(async () => {
      await part('vae').touch();
      expect(log).toEqual(['+unet', '+vae']);
      expect(residency.loadedBytes).toBe(16);
    });
    await part('vae').touch();
    expect(log.slice(2)).toEqual(['-unet']);
  });

  test('something larger than the budget loads alone', async () => {
    const { residency, log, part } = parts(10, { small: 2, huge: 50 });
    await part('small').touch();
    await part('huge').touch();
    expect(log).toEqual(['+small', '-small', '+huge']);
    expect(residency.loaded).toEqual(['huge']);
  });

  test('a part that grows makes room for what it grows by', async () => {
    const { log, part } = parts(10, { unet: 4, text: 5 });
    await part('text').touch();
    await part('unet').touch();
    await part('unet').use(async () => {}, 6);
    expect(log).toEqual(['+text', '+unet', '-text']);
  });

  test('where memory is full after all, everything idle leaves and it is tried once more', async () => {
    const { log, part } = parts(100, { unet: 5, text: 2, vae: 3 });
    await part('text').touch();
    await part('vae').touch();
    let attempts = 0;
    const result = await part('unet').use(async () => {
      if (++attempts === 1) throw outOfMemory();
      return 'done';
    });
    expect(result).toBe('done');
    expect(log).toEqual(['+text', '+vae', '+unet', '-text', '-vae']);
  });

  test('with nothing left to leave, a full memory is an error; others are at once', async () => {
    const { residency, part } = parts(100, { unet: 5, text: 2 });
    let attempts = 0;
    const fail = (error: Error) => async () => {
      attempts++;
      throw error;
    };
    await expect(part('unet').use(fail(outOfMemory()))).rejects.toMatchObject({ name: 'OutOfMemoryError' });
    expect(attempts).toBe(1);
    await part('text').touch();
    await expect(part('unet').use(fail(new Error('other')))).rejects.toThrow('other');
    expect(attempts).toBe(2);
    expect(residency.loaded).toEqual(['text', 'unet']);
  });

  test('a smaller budget takes effect at once, the automatic one comes back with null', async () => {
    const { residency, log, part } = parts(10, { unet: 5, vae: 3 });
    await part('unet').touch();
    await part('vae').touch();
    await residency.setBudget(4);
    expect(log).toEqual(['+unet', '+vae', '-unet']);
    expect(residency.budget).toEqual({ bytes: 4, automaticBytes: 10 });
    await residency.setBudget(null);
    expect(residency.budget.bytes).toBe(10);
    await expect(async () => residency.setBudget(0)).rejects.toThrow(RangeError);
  });

  test('what left by itself, or with its device, no longer counts', async () => {
    const { residency, log, part } = parts(10, { unet: 8, vae: 8 });
    await part('unet').touch();
    residency.leave(part('unet').resident);
    await part('vae').touch();
    expect(log).toEqual(['+unet', '+vae']);
    residency.forgetAll();
    expect(residency.loadedBytes).toBe(0);
    await part('unet').use(async () => {
      residency.forgetAll();
      expect(residency.loadedBytes).toBe(0);
    });
    expect(residency.loaded).toEqual(['unet']);
  });

  test('loads that come at once are counted with each other', async () => {
    const { residency, log, part } = parts(10, { a: 6, b: 6, c: 6 });
    await Promise.all(['a', 'b', 'c'].map((name) => part(name).touch()));
    expect(log.filter((entry) => entry.startsWith('+'))).toEqual(['+a', '+b', '+c']);
    await part('a').touch();
    expect(residency.loadedBytes).toBe(6);
  });
});

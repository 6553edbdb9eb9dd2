import { expect, test } from 'vitest';
import type { Install } from '../store/install.ts';
import { installedWords, installFacts, memoryWords, roomWords } from './modelWords.ts';

const repair = { vramBytes: 9e9, models: [{ kind: 'inpainting' }] } as unknown as Parameters<typeof memoryWords>[0];
const maps = { vramBytes: 6e8, models: [{ kind: 'maps' }] } as unknown as Parameters<typeof memoryWords>[0];

test('memory is set against what this app may use here, and is never a wall', () => {
  expect(memoryWords(repair, { tier: 'webgpu-fp16', budgetBytes: 6e9 })).toEqual({
    words:
      'Needs about 9.0 GB of GPU memory; this app may use 6.0 GB here: it works slower, parts load one after another.',
    fits: false,
  });
  expect(memoryWords(maps, { tier: 'webgpu-fp16', budgetBytes: 6e9 })).toMatchObject({ fits: true });
  expect(memoryWords(repair, { tier: null, budgetBytes: null }).words).toBe('Needs about 9.0 GB of GPU memory.');
  expect(memoryWords(repair, { tier: 'wasm', budgetBytes: 2e9 }).words).toContain('many minutes');
  expect(memoryWords(maps, { tier: 'wasm', budgetBytes: 2e9 }).fits).toBe(true);
});

test('a lack of room is told in numbers', () => {
  expect(roomWords({ diskBytes: 7.1e9 }, 4.2e9)).toContain('Needs 7.1 GB of storage, the browser gives 4.2 GB');
  expect(roomWords({ diskBytes: 4e9 }, 4.2e9)).toBeNull();
  expect(roomWords({ diskBytes: null }, 1)).toBeNull();
  expect(roomWords({ diskBytes: 1 }, null)).toBeNull();
});

test('how much is here', () => {
  expect(installedWords({ installed: 0, missing: 3 })).toBeNull();
  expect(installedWords({ installed: 1, missing: 2 })).toBe('1 of 3 installed');
  expect(installedWords({ installed: 3, missing: 0 })).toBe('Installed');
});

const part = { name: 'a', precision: 'fp16', licence: null, source: { from: 'hub', files: [] }, diskBytes: 1 } as const;
const install: Install = {
  id: 'i',
  name: 'SDXL',
  bundleId: null,
  parts: [{ ...part, totalBytes: 7e9, packId: null }],
  current: 0,
  jobId: 'j',
  progress: { stage: 'compile', item: 'unet', doneBytes: 1e9, totalBytes: 7e9 },
  rate: { bytesPerSecond: 20e6, bytes: 1e9, at: 1000 },
  state: { is: 'running' },
};

test('a running installation tells size, speed and time left; silence is told, too', () => {
  expect(installFacts(install, 2000)).toEqual(['1.0 GB of 7.0 GB', '20.0 MB/s', 'about 5 min left']);
  expect(installFacts(install, 20_000)).toEqual(['1.0 GB of 7.0 GB', 'waiting for data']);
  expect(installFacts({ ...install, state: { is: 'paused' } }, 2000)).toEqual(['1.0 GB of 7.0 GB']);
  expect(
    installFacts({ ...install, progress: null, rate: null, parts: [{ ...part, totalBytes: null, packId: null }] }, 0),
  ).toEqual([]);
});

import { describe, expect, test } from 'vitest';
import type { Workers } from '../bridge/client.ts';
import { createAppStore } from './appStore.ts';
import { fakeEnvironment } from './fakeEnvironment.ts';
import { isAllowedEndpoint, normalEndpoint } from './hubSlice.ts';

function setUp(kept = new Map<string, string>(), allowed: readonly string[] | null = ['https://mirror.example/hub']) {
  const store = createAppStore(
    fakeEnvironment({
      workers: {} as Workers,
      allowedEndpoints: async () => {
        if (!allowed) throw new Error('no network');
        return allowed;
      },
      storage: { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) },
      newId: () => 'id',
      newSeed: () => 1,
    }),
  );
  return { get: store.getState, stored: () => [...kept.values()].join(), kept };
}

describe('where models are fetched from', () => {
  test('is what the app is served with, else the hub itself', async () => {
    const { get } = setUp();
    await get().loadHubEndpoints();
    expect(get()).toMatchObject({ hub: { endpoint: 'https://mirror.example/hub' }, hubEndpoints: { length: 1 } });
    const alone = setUp(new Map(), null).get;
    await alone().loadHubEndpoints();
    expect(alone()).toMatchObject({ hub: { endpoint: 'https://huggingface.co' }, hubEndpoints: [] });
  });

  test('is remembered where it was chosen, until it is given up', async () => {
    const { get, kept } = setUp();
    await get().loadHubEndpoints();
    get().setHubEndpoint('https://other.example/');
    expect(get().hub.endpoint).toBe('https://other.example');
    const again = setUp(kept).get;
    await again().loadHubEndpoints();
    expect(again().hub.endpoint).toBe('https://other.example');
    again().setHubEndpoint('');
    expect(again().hub.endpoint).toBe('https://mirror.example/hub');
    again().setHubEndpoint('http://');
    expect(again().hub.endpoint).toBe('https://mirror.example/hub');
  });

  test.each([
    ['huggingface.co', 'https://huggingface.co'],
    [' https://a.example/hub/?x=1#y ', 'https://a.example/hub'],
    ['http://localhost:4000/', 'http://localhost:4000'],
    ['', null],
    ['https://user:secret@a.example', null],
    ['https://', null],
  ])('%j is asked as %j', (text, endpoint) => expect(normalEndpoint(text)).toBe(endpoint));

  test('is allowed by host', () => {
    expect(isAllowedEndpoint('https://a.example/other', ['https://a.example/hub'])).toBe(true);
    expect(isAllowedEndpoint('http://a.example', ['https://a.example'])).toBe(false);
    expect(isAllowedEndpoint('nonsense', ['https://a.example'])).toBe(false);
  });
});

describe('a token', () => {
  test('stays in memory unless it is to be remembered', () => {
    const { get, stored, kept } = setUp();
    get().setHubToken(' hf_secret ', { remember: false });
    expect(get()).toMatchObject({ hub: { token: 'hf_secret' }, remembersToken: false });
    expect(stored()).not.toContain('hf_secret');
    get().setHubToken('hf_secret', { remember: true });
    expect(stored()).toContain('hf_secret');
    expect(setUp(kept).get()).toMatchObject({ hub: { token: 'hf_secret' }, remembersToken: true });
    get().setHubToken('hf_secret', { remember: false });
    expect(stored()).not.toContain('hf_secret');
  });
});

import { expect, test } from 'vitest';
import { allowedEndpoints } from './allowedEndpoints.ts';

const served = (text: string) => `data:application/json,${encodeURIComponent(text)}`;

test('reads the hubs in their order, without trailing slashes', async () => {
  const list = served('{"hub": ["https://mirror.example/hub/", "https://huggingface.co"]}');
  expect(await allowedEndpoints(list)).toEqual(['https://mirror.example/hub', 'https://huggingface.co']);
});

test.each([
  '<!doctype html>',
  'null',
  '{}',
  '{"hub": "https://huggingface.co"}',
  '{"hub": []}',
  '{"hub": [1]}',
  '{"hub": ["javascript:alert(1)"]}',
  JSON.stringify({ hub: Array.from({ length: 33 }, (_, n) => `https://${n}.example`) }),
])('refuses %.40s', async (text) => {
  await expect(allowedEndpoints(served(text))).rejects.toMatchObject({
    name: 'DownloadError',
    message: expect.stringContaining('should be {"hub"'),
  });
});

test('says when the list cannot be had', async () => {
  await expect(allowedEndpoints('data:broken')).rejects.toMatchObject({
    name: 'DownloadError',
    message: expect.stringContaining('add a model from files'),
  });
});

import { expect, test } from 'vitest';
import { connectSources, DEFAULT_HUB, hubEndpoints } from './hubEndpoints.mjs';

test('without a word, the Hugging Face hub, where it stores large files, and where the quality contexts are', () => {
  expect(hubEndpoints(undefined)).toEqual(['https://huggingface.co']);
  expect(hubEndpoints(' ')).toEqual(DEFAULT_HUB);
  expect(connectSources(DEFAULT_HUB)).toEqual([
    'https://huggingface.co',
    'https://*.huggingface.co',
    'https://*.hf.co',
    'https://raw.githubusercontent.com',
  ]);
});

test('mirrors stand in for it, in the order given', () => {
  const endpoints = hubEndpoints('https://mirror.example/hub/, http://localhost:8080,https://mirror.example/hub');
  expect(endpoints).toEqual(['https://mirror.example/hub', 'http://localhost:8080']);
  expect(connectSources(endpoints)).toEqual([
    'https://mirror.example',
    'http://localhost:8080',
    'https://raw.githubusercontent.com',
  ]);
});

test.each([
  ['mirror.example', /"mirror.example", which is not an address/],
  ['http://mirror.example', /neither https nor on this machine/],
  ['file:///models', /neither https nor on this machine/],
  ["data:text/javascript,'unsafe-eval'", /neither https/],
  ['https://me:secret@mirror.example', /a name or a password/],
  ['https://mirror.example?a=1', /a query or a fragment/],
  ['https://*.example', /no plain name|not an address/],
  ["https://mirror.example;script-src 'unsafe-inline'", /not an address|no plain name/],
])('refuses %s', (text, reason) => {
  expect(() => hubEndpoints(text)).toThrow(reason);
});

test('nothing given ends a directive of the policy', () => {
  // A path may hold anything; the policy has the origin alone.
  expect(connectSources(hubEndpoints("https://mirror.example/a;script-src 'unsafe-eval'"))[0]).toBe(
    'https://mirror.example',
  );
});

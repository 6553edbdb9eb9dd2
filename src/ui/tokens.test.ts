import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8');
const [lightCss = '', darkCss = ''] = css.split('@media (prefers-color-scheme: dark)');

function colours(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g)].map(([, name, hex]) => [name, hex]));
}

/** Relative luminance (WCAG 2.2). */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

const TEXTS = ['text', 'text-quiet', 'accent', 'ok', 'missing', 'wrong', 'style'];
const GROUNDS = ['panel', 'raised', 'control'];

test.each([
  ['light', colours(lightCss)],
  ['dark', { ...colours(lightCss), ...colours(darkCss) }],
])('every text reads at 4.5:1 on every ground, %s', (_, tokens) => {
  const pairs = TEXTS.flatMap((text) => GROUNDS.map((ground) => [text, ground] as const));
  const all = [
    ...pairs,
    ['on-accent', 'accent'],
    ['on-accent', 'accent-hover'],
    ['text', 'stage'],
    ['text-quiet', 'stage'],
    ['text', 'control-hover'],
    ['text-quiet', 'control-hover'],
  ] as const;
  const weak = all
    .map(([a, b]) => `${a} on ${b}: ${contrast(tokens[a] ?? '', tokens[b] ?? '').toFixed(2)}`)
    .filter((line) => !(Number(line.split(': ')[1]) >= 4.5));
  expect(weak).toEqual([]);
});

test.each([
  ['light', colours(lightCss)],
  ['dark', { ...colours(lightCss), ...colours(darkCss) }],
])('edges of fields and the focus ring show at 3:1, %s', (_, tokens) => {
  for (const edge of ['line-strong', 'focus']) {
    for (const ground of ['panel', 'raised', 'stage']) {
      const found = contrast(tokens[edge] ?? '', tokens[ground] ?? '');
      expect(found, `${edge} on ${ground}`).toBeGreaterThanOrEqual(edge === 'focus' || ground !== 'stage' ? 3 : 2);
    }
  }
});

test('greys around the picture are neutral', () => {
  for (const text of [lightCss, darkCss]) {
    const { stage = '', panel = '', raised = '', control = '', line = '' } = colours(text);
    for (const grey of [stage, panel, raised, control, line]) expect(grey).toMatch(/^#(..)\1\1$/);
  }
});

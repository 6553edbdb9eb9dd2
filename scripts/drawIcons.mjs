/** Draws `public/icons` from `public/icon.svg` in the test browser: `node scripts/drawIcons.mjs`, after a change to it. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import { ROOT } from './setup.mjs';

const { executablePath, args, env } = JSON.parse(readFileSync(join(ROOT, '.cache', 'browser.json'), 'utf8'));
const drawing = readFileSync(join(ROOT, 'public', 'icon.svg'), 'utf8');
/** The drawing's own background. */
const BACKGROUND = /<rect [^>]*fill="(#\w+)"/.exec(drawing)[1];

/** Systems cut maskable and touch icons to their own shape: those are full to the edge, the drawing well inside. */
const ICONS = [
  { name: '192', size: 192, isFull: false },
  { name: '512', size: 512, isFull: false },
  { name: '180', size: 180, isFull: true },
  { name: 'maskable-512', size: 512, isFull: true },
];

mkdirSync(join(ROOT, 'public', 'icons'), { recursive: true });
const browser = await chromium.launch({ executablePath, args, env: { ...process.env, ...env } });
for (const { name, size, isFull } of ICONS) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  const scale = isFull ? '80%' : '100%';
  await page.setContent(
    `<style>body{margin:0;height:100vh;display:grid;place-items:center;background:${isFull ? BACKGROUND : 'transparent'}}` +
      `svg{width:${scale};height:${scale}}</style>${drawing}`,
  );
  await page.screenshot({ path: join(ROOT, 'public', 'icons', `${name}.png`), omitBackground: true });
  await page.close();
}
await browser.close();

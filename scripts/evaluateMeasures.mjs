// `npm run evaluate:measures`: our NIQE and BRISQUE beside the published ones of the same generated images. Needs python3 with Pillow
// and ../shared/data/ai_images.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const data = `${root}../shared/data/ai_images`;
if (!existsSync(data)) {
  console.log(`Skipped: no images at ${data}`);
  process.exit(0);
}
const pixels = mkdtempSync(`${tmpdir()}/measures-`);
try {
  execFileSync('python3', [`${root}bench/measures/decode.py`, data, pixels], { stdio: 'inherit' });
  const { module } = await runnerImport(`${root}bench/measures/evaluateMeasures.ts`, { configFile: false });
  module.evaluateMeasures({ published: `${data}/metrics.csv`, pixels });
} finally {
  rmSync(pixels, { recursive: true });
}

// `npm run score:parser [-- dev]`: accuracy of the prompt parser on UD English EWT, its speed and its size.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const treebank = `${root}../shared/data/ud_english_ewt`;
if (!existsSync(treebank)) {
  console.log(`Skipped: no treebank at ${treebank}`);
  process.exit(0);
}
const { module } = await runnerImport(`${root}bench/parser/scoreParser.ts`, { configFile: false });
module.scoreParser({ weights: `${root}public/parser/english-ewt.bin`, treebank, part: process.argv[2] ?? 'test' });

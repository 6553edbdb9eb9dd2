import { createHash } from 'node:crypto';
import { cpSync, createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import type { AppFile } from '../src/bundles/blocks.ts';

/** Where trained models are committed. */
const COMMITTED = fileURLToPath(new URL('../public/blocks', import.meta.url));

/**
 * Tells the app which models of Blocks it is built with (`BLOCKS_FILES`, see `src/blocksFiles.d.ts`) and serves them below
 * `blocks/`: those in `public/blocks`, or those in the folder that the environment variable `BLOCKS_MODELS` names, to try others.
 */
export function blocksFiles(): Plugin {
  const given = process.env.BLOCKS_MODELS;
  const folder = given ? resolve(given) : COMMITTED;
  const files = listFiles(folder);
  if (given && files.length === 0) throw new Error(`BLOCKS_MODELS names "${folder}", which has no files`);
  return {
    name: 'blocks-files',
    config: () => ({ define: { BLOCKS_FILES: JSON.stringify(files) } }),
    configureServer(server) {
      if (!given) return;
      server.middlewares.use('/blocks', (request, response, next) => {
        const path = decodeURIComponent((request.url ?? '').replace(/[?#].*/, '')).slice(1);
        if (files.some((file) => file.path === path)) createReadStream(join(folder, path)).pipe(response);
        else next();
      });
    },
    writeBundle({ dir }) {
      if (given && dir) cpSync(folder, join(dir, 'blocks'), { recursive: true, dereference: true });
    },
  };
}

/** Files of a folder with what identifies them, in a fixed order; none where there is no such folder. */
export function listFiles(folder: string): readonly AppFile[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(json|txt|safetensors|pth)$/.test(path) && statSync(join(folder, path)).isFile())
    .map((path) => path.split(sep).join('/'))
    .sort()
    .map((path) => {
      const contents = readFileSync(join(folder, path));
      return {
        path,
        bytes: contents.byteLength,
        sha256: createHash('sha256').update(contents).digest('hex'),
      };
    });
}

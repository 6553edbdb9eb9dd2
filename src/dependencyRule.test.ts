import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** What each part may import (ARCHITECTURE.md, "The dependency rule"). Errors may be thrown by all. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  math: [],
  table: [],
  image: ['math'],
  prompt: [],
  checkpoint: [],
  graph: ['checkpoint'],
  calibration: ['diffusion', 'math', 'quality', 'table'],
  quality: ['math', 'prompt'],
  measures: ['image', 'math'],
  batch: ['measures', 'table'],
  diffusion: ['math'],
  refine: ['diffusion', 'image', 'math', 'prompt', 'quality'],
  pipeline: ['calibration', 'diffusion', 'image', 'math', 'measures', 'prompt', 'quality', 'refine'],
  runtime: ['checkpoint', 'diffusion', 'graph', 'prompt'],
  hub: ['checkpoint'],
  storage: ['batch'],
  bundles: [],
  bridge: [],
  store: ['batch', 'bridge', 'bundles', 'calibration', 'measures'],
  ui: ['batch', 'bridge', 'calibration', 'image', 'math', 'measures', 'pipeline', 'quality', 'refine', 'store'],
};

/** Imports of types alone: shapes of data and ports, gone when compiled. */
const MAY_IMPORT_TYPES: Readonly<Record<string, readonly string[]>> = {
  batch: ['image', 'pipeline', 'refine'],
  quality: ['pipeline'],
  diffusion: ['pipeline'],
  refine: ['pipeline'],
  runtime: ['pipeline'],
  storage: ['bundles', 'checkpoint', 'graph', 'hub', 'runtime'],
  bundles: ['graph', 'hub', 'storage'],
  bridge: [
    'bundles',
    'calibration',
    'graph',
    'hub',
    'image',
    'measures',
    'pipeline',
    'quality',
    'refine',
    'runtime',
    'storage',
  ],
  store: ['graph', 'hub', 'pipeline', 'quality', 'refine', 'runtime', 'storage'],
  ui: ['bundles', 'graph', 'prompt', 'runtime'],
};

const SRC = fileURLToPath(new URL('.', import.meta.url));

const partOf = (path: string) => (path.includes(sep) ? (path.split(sep)[0] as string) : null);

interface Import {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

/** Imports of one part by another in everything that is not a test or, by its name, a test's fake. */
function importsBetweenParts(): Import[] {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\.tsx?$/.test(file) && !/(\.test|(^|\/)fake[A-Z]\w*)\.tsx?$/.test(file),
  );
  return files.flatMap((file) => {
    const text = readFileSync(join(SRC, file), 'utf8');
    const statements = text.matchAll(/^(?:import|export)( type)?\b[^;]*?from '(\.[^']+)';/gm);
    return [...statements].flatMap(([, typeOnly, path]) => {
      const from = partOf(file);
      const to = partOf(normalize(join(dirname(file), path as string)));
      return from && to && from !== to ? [{ file, from, to, typeOnly: typeOnly !== undefined }] : [];
    });
  });
}

test('every part imports only what it may', () => {
  const imports = importsBetweenParts();
  expect(imports.length).toBeGreaterThan(50);
  const forbidden = imports.filter(({ from, to, typeOnly }) => {
    const allowed = [...(MAY_IMPORT[from] ?? []), ...(typeOnly ? (MAY_IMPORT_TYPES[from] ?? []) : [])];
    return !allowed.includes(to);
  });
  expect(forbidden).toEqual([]);
});

test('only the runtime imports onnxruntime, only the bridge wraps a worker', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file));
  const importing = (pattern: RegExp) => [
    ...new Set(
      files
        .filter((file) => !file.includes('.test.') && pattern.test(readFileSync(join(SRC, file), 'utf8')))
        .map(partOf),
    ),
  ];
  expect(importing(/from 'onnxruntime-web/)).toEqual(['runtime']);
  expect(importing(/from 'comlink'/)).toEqual(['bridge']);
});

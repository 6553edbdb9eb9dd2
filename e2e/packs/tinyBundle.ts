import type { BundleManifest } from '../../src/bundles/bundle.ts';
import type { PublishedFile } from '../../src/hub/publishedFile.ts';

/** The repository that the hub of the tests serves the tiny CLIP as. */
export const TINY_REPOSITORY = 'tiny/clip';

const FILES = [
  'config.json',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'vocab.json',
  'merges.txt',
  'model.safetensors',
  'PQ-overall.pth',
  'PQ-technical.pth',
  'PQ-rational.pth',
  'PQ-natural.pth',
];

/** A bundle of models that are installed in seconds: the tiny CLIP in two precisions. */
export const TINY_BUNDLE: BundleManifest = {
  id: 'tiny',
  name: 'Tiny maps',
  purpose: 'Finds what is bad, as the tests see it.',
  vramBytes: 10_000_000,
  models: (['q8', 'fp32'] as const).map((precision) => ({
    kind: 'maps',
    name: `Tiny CLIP ${precision}`,
    homepage: 'https://example.org',
    licence: { name: 'MIT', url: 'https://example.org/licence' },
    furtherLicences: [],
    precision,
    files: FILES.map(
      (file): PublishedFile => ({
        path: file,
        host: 'hub',
        repository: TINY_REPOSITORY,
        revision: 'main',
        file,
        bytes: null,
        sha256: null,
      }),
    ),
    diskBytes: null,
  })),
};

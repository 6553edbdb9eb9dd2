import type { BundleManifest, BundleModel } from '../../src/bundles/bundle.ts';
import type { Precision } from '../../src/graph/weights.ts';
import type { PackKind } from '../../src/storage/packManifest.ts';

const COMMIT = '9f2b1c47d0e6a8b35c4e1f7092d8a6b1c3e5f708';

const LICENCES = {
  mit: { name: 'MIT', url: 'https://github.com/openai/CLIP/blob/main/LICENSE' },
  rail: { name: 'CreativeML Open RAIL-M', url: 'https://huggingface.co/spaces/CompVis/stable-diffusion-license' },
  railPlus: { name: 'OpenRAIL++-M', url: 'https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0' },
  apache: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
} as const;

function model(
  repository: string,
  {
    kind,
    name,
    licence,
    precision = 'fp16',
    bytes,
    diskBytes,
  }: {
    kind: PackKind;
    name: string;
    licence: keyof typeof LICENCES;
    precision?: Precision;
    bytes: number | null;
    diskBytes: number | null;
  },
): BundleModel {
  const file = 'model.safetensors';
  return {
    kind,
    name,
    homepage: `https://huggingface.co/${repository}`,
    licence: LICENCES[licence],
    furtherLicences: [],
    precision,
    files: [{ path: file, host: 'hub', repository, revision: COMMIT, file, bytes, sha256: null }],
    diskBytes,
  };
}

const pasd = model('yangtao9009/PASD', {
  kind: 'restoration',
  name: 'PASD',
  licence: 'apache',
  bytes: 4_300_000_000,
  diskBytes: 3_420_000_000,
});
const sdxl = {
  kind: 'inpainting',
  name: 'SDXL Inpainting 0.1',
  licence: 'railPlus',
  bytes: null,
} as const;
const SDXL = 'diffusers/stable-diffusion-xl-1.0-inpainting-0.1';

/** Bundles like those of the app, with sizes that tests can count on; those of SDXL are not known. */
export const FAKE_BUNDLES: readonly BundleManifest[] = [
  {
    id: 'maps',
    name: 'Maps',
    purpose: 'Finds what is bad: where a picture looks wrong and where it misses its prompt. Fits every machine.',
    vramBytes: 600_000_000,
    models: [
      model('openai/clip-vit-base-patch16', {
        kind: 'maps',
        name: 'CLIP ViT-B/16 with quality contexts',
        licence: 'mit',
        bytes: 598_641_023,
        diskBytes: 302_400_000,
      }),
    ],
  },
  {
    id: 'maps-large',
    name: 'Maps, large',
    purpose: 'The same with a larger model: finer words, two to three times slower.',
    vramBytes: 1_400_000_000,
    models: [
      model('openai/clip-vit-large-patch14', {
        kind: 'maps',
        name: 'CLIP ViT-L/14',
        licence: 'mit',
        bytes: 1_710_000_000,
        diskBytes: 858_000_000,
      }),
    ],
  },
  {
    id: 'sd15',
    name: 'SD 1.5',
    purpose:
      'Repairs what is bad: repaints with Stable Diffusion 1.5, then restores detail with PASD. For cards of 8 GB.',
    vramBytes: 5_200_000_000,
    models: [
      model('stable-diffusion-v1-5/stable-diffusion-inpainting', {
        kind: 'inpainting',
        name: 'Stable Diffusion 1.5 Inpainting',
        licence: 'rail',
        bytes: 4_270_000_000,
        diskBytes: 2_130_000_000,
      }),
      pasd,
    ],
  },
  {
    id: 'sdxl',
    name: 'SDXL',
    purpose: 'The paper’s own: repaints with SDXL, then restores detail with PASD. For cards of 12 GB and more.',
    vramBytes: 9_000_000_000,
    models: [model(SDXL, { ...sdxl, diskBytes: 6_940_000_000 }), pasd],
  },
  {
    id: 'sdxl-4bit',
    name: 'SDXL, 4-bit',
    purpose: 'SDXL in a third of the memory, slightly coarser numbers. For cards of 8 GB.',
    vramBytes: 5_400_000_000,
    models: [model(SDXL, { ...sdxl, precision: 'q4', diskBytes: 2_310_000_000 }), pasd],
  },
];

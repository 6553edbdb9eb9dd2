/**
 * What a test of a strategy works on: a picture whose bad part is known, a CLIP that sees it, and models that repair it. All of it
 * on arrays, so simple that what comes out can be worked out by hand.
 */
import type { RgbaImage } from '../image/rgbaImage.ts';
import { normalise } from '../math/vectors.ts';
import type { LearnedContext } from '../quality/learnedPrompts.ts';
import { type FakeBehaviour, type FakeLatent, fakeDiffusionModel } from '../refine/fakeDiffusionModel.ts';
import { defaultRefineSettings, type RefineSettings } from '../refine/refineSettings.ts';
import type { ClipEncoder } from './ports.ts';
import type { StrategyJob } from './strategy.ts';

const dim = 64;
const good = 0;
const bad = 1;

/** A direction of its own for every word; the first two axes are quality. */
function wordFeature(word: string): Float32Array {
  let state = [...word].reduce((sum, c) => Math.imul(sum, 31) + (c.codePointAt(0) ?? 0), 7) >>> 0;
  const values = Float32Array.from({ length: dim }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return i < 2 ? 0 : state / 2 ** 32 - 0.5;
  });
  return normalise(values);
}

const sum = (...parts: (readonly [Float32Array, number])[]) => {
  const total = new Float32Array(dim);
  for (const [part, factor] of parts) {
    for (let i = 0; i < dim; i++) total[i] = (total[i] as number) + factor * (part[i] as number);
  }
  return normalise(total);
};
const axis = (index: number) => Float32Array.from({ length: dim }, (_, i) => (i === index ? 1 : 0));

/** What {@link fakeClip} says of a picture that is bad through and through. */
export const badFeature = axis(bad);

/** What a patch shows. Quality is a small part of a feature, as in CLIP: scores then do not saturate. */
const seen = ({ red, green, blue }: { red: number; green: number; blue: number }) =>
  sum(
    [axis(good), 0.3 * (1 - red)],
    [axis(bad), 0.3 * red],
    [wordFeature('alarm'), red],
    [wordFeature('grass'), green],
    [wordFeature('sky'), blue],
  );

/** A CLIP to which red is bad and everything else good; green shows grass, blue shows sky. */
export function fakeClip(over: Partial<ClipEncoder> = {}): ClipEncoder {
  const grid = 16;
  return {
    modelName: 'fake/clip',
    imageSizes: [64],
    imageMean: [0.5, 0.5, 0.5],
    imageStd: [0.5, 0.5, 0.5],
    dim,
    textWidth: 2,
    logitScale: 20,
    encodeImage: async (pixels, size) => {
      const cell = size / grid;
      const patchFeatures = new Float32Array(grid * grid * dim);
      const shares = { red: 0, green: 0, blue: 0 };
      for (let at = 0; at < grid * grid; at++) {
        const mean = [0, 1, 2].map((channel) => {
          let total = 0;
          for (let i = 0; i < cell * cell; i++) {
            const y = Math.floor(at / grid) * cell + Math.floor(i / cell);
            total += pixels[(channel * size + y) * size + (at % grid) * cell + (i % cell)] as number;
          }
          return total / cell ** 2;
        }) as [number, number, number];
        const red = Math.max((mean[0] - Math.max(mean[1], mean[2])) / 2, 0);
        const green = mean[1] > mean[2] ? 1 - red : 0;
        const blue = 1 - red - green;
        shares.red += red / grid ** 2;
        shares.green += green / grid ** 2;
        shares.blue += blue / grid ** 2;
        patchFeatures.set(seen({ red, green, blue }), at * dim);
      }
      const cls = seen(shares);
      return { gridWidth: grid, gridHeight: grid, cls, patchFeatures };
    },
    encodeText: async (texts) => {
      const rows = new Float32Array(texts.length * dim);
      texts.forEach((text, i) => {
        const words = text.toLowerCase().match(/[a-z]+/g) ?? ['#nothing'];
        rows.set(sum(...words.map((word) => [wordFeature(word), 1] as const)), i * dim);
      });
      return rows;
    },
    encodePromptEmbeddings: async () => {
      const rows = new Float32Array(2 * dim);
      rows.set(axis(good), 0);
      rows.set(axis(bad), dim);
      return rows;
    },
    tokenEmbedding: async () => Float32Array.of(1, 2),
    ...over,
  };
}

const context: LearnedContext = {
  ctx: new Float32Array(2 * 16 * 2),
  tokenPrefix: Float32Array.of(1, 2, 1, 2),
  tokenSuffix: new Float32Array(2 * 60 * 2),
  width: 2,
  contextLength: 77,
};
const contexts = { overall: context, technical: context, rationality: context, naturalness: context };

/** Noisy sky with a red square: bad pixels whose place is known. */
export function picture(width: number, height: number, square = { x: 40, y: 32, side: 32 }): RgbaImage {
  const data = new Uint8ClampedArray(width * height * 4);
  let state = width * 31 + height;
  for (let i = 0; i < width * height; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const [x, y] = [i % width, Math.floor(i / width)];
    const isBad = x >= square.x && y >= square.y && x < square.x + square.side && y < square.y + square.side;
    const shade = (state >>> 24) & 63;
    data.set(isBad ? [255, 0, 0, 255] : [shade, 2 * shade, 192 + shade, 255], i * 4);
  }
  return { width, height, data };
}

/** Paints green where it is asked to, keeps the rest. */
export const paintGreen = ({ channel, image, mask }: FakeLatent) => {
  if (mask === 0 || channel === 3) return image;
  return channel === 1 ? 0.6 : -0.6;
};
/** Keeps what is there: what differs is the autoencoder's doing. */
export const keep = ({ image }: FakeLatent) => image;

/** Paints green under the mask. */
export const inpainting = (over: Partial<FakeBehaviour> = {}) =>
  fakeDiffusionModel('inpainting', { paint: paintGreen, ...over });
/** Leaves everything as it is, but for what the autoencoder takes. */
export const restoration = (over: Partial<FakeBehaviour> = {}) =>
  fakeDiffusionModel('restoration', { paint: keep, ...over });

type Deep = {
  readonly stage1?: Partial<RefineSettings['stage1']>;
  readonly stage2?: Partial<RefineSettings['stage2']>;
};
/** The defaults, but that only an empty mask spares an image: the fake CLIP's scores are high. */
export function settings({
  stage1,
  stage2,
  ...over
}: Partial<Omit<RefineSettings, keyof Deep>> & Deep = {}): RefineSettings {
  return {
    ...defaultRefineSettings,
    goodEnough: 1,
    ...over,
    stage1: { ...defaultRefineSettings.stage1, ...stage1 },
    stage2: { ...defaultRefineSettings.stage2, ...stage2 },
  };
}

/** A job with one model, which repaints, and nothing to say. */
export function job(over: Partial<StrategyJob> = {}): StrategyJob {
  return {
    image: picture(128, 96),
    prompt: '',
    readPrompt: null,
    clip: fakeClip(),
    contexts,
    inpainting: inpainting(),
    restoration: null,
    settings: settings(),
    seed: 7,
    ...over,
  };
}

/** RGB of a pixel. */
export const pixel = ({ data, width }: RgbaImage, x: number, y: number) =>
  Array.from(data.subarray((y * width + x) * 4, (y * width + x) * 4 + 3));

/** Compared in a loop: `toEqual` takes a second for some ten thousand bytes. */
export function sameBytes(a: { data: Uint8ClampedArray } | null, b: { data: Uint8ClampedArray } | null): boolean {
  if (!a || !b || a.data.length !== b.data.length) return false;
  return a.data.every((value, i) => value === b.data[i]);
}

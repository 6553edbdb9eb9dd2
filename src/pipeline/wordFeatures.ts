/**
 * Text features that do not depend on the image or its prompt: the quality words, the reference texts and the empty
 * string. Encoded once per CLIP and kept as long as it is.
 */
import type { Calibration } from '../calibration/calibration.ts';
import { referenceTexts } from '../quality/alignmentScore.ts';
import {
  encodeLearnedPrompts,
  type LearnedContexts,
  type LearnedContextsFit,
  learnedContextsFit,
} from '../quality/learnedPrompts.ts';
import { type PerceptualBounds, perceptualFactors, type QualityWordFeatures } from '../quality/perceptualMap.ts';
import type { PerceptualMode } from '../quality/qualityResults.ts';
import { encodeZeroShotPrompts } from '../quality/zeroShotPrompts.ts';
import type { ClipEncoder } from './ports.ts';

/** Texts encoded in one run: a job can be cancelled and tells its progress in between. */
export const textBatch = 16;

/** Called before every run of the text encoder with the texts done and to do; throws to stop. */
export type BeforeRun = (done: number, total: number) => void;

/** Most texts whose features are kept; a prompt and what its phrases are held against have some hundred. */
const mostKept = 2048;

/** `clip.encodeText` in batches; `[texts, dim]`. A text that was encoded before is not encoded again. */
export async function encodeTexts(
  clip: ClipEncoder,
  texts: readonly string[],
  { beforeRun }: { readonly beforeRun: BeforeRun },
): Promise<Float32Array> {
  const cache = knownOf(clip);
  // A new map, not an emptied one: a call at the same time may count on what it has.
  if (!cache.texts || cache.texts.size > mostKept) cache.texts = new Map();
  const kept = cache.texts;
  const fresh = [...new Set(texts)].filter((text) => !kept.has(text));
  for (let at = 0; at < fresh.length; at += textBatch) {
    beforeRun(at, fresh.length);
    const batch = fresh.slice(at, at + textBatch);
    const encoded = await clip.encodeText(batch);
    for (const [i, text] of batch.entries()) kept.set(text, encoded.slice(i * clip.dim, (i + 1) * clip.dim));
  }
  const rows = new Float32Array(texts.length * clip.dim);
  for (const [i, text] of texts.entries()) rows.set(kept.get(text) as Float32Array, i * clip.dim);
  return rows;
}

interface KnownFeatures {
  texts?: Map<string, Float32Array>;
  zeroShot?: QualityWordFeatures;
  learned?: { readonly contexts: LearnedContexts; readonly features: QualityWordFeatures };
  reference?: ReferenceFeatures;
}

/** Kept by encoder: a pack that is closed takes its features with it. Only finished work is kept, never a failure. */
const known = new WeakMap<ClipEncoder, KnownFeatures>();

function knownOf(clip: ClipEncoder): KnownFeatures {
  const found = known.get(clip) ?? {};
  known.set(clip, found);
  return found;
}

/** The words an analysis rates quality with. */
export interface QualityWords {
  readonly mode: PerceptualMode;
  readonly features: QualityWordFeatures;
  /** B_k that go with them; null: the published ones. */
  readonly bounds: PerceptualBounds | null;
  /** A sentence for the user where the words are not the ones asked for, or doubtful; else null. */
  readonly hint: string | null;
}

/**
 * Chooses and encodes the quality words: learned contexts where they fit the CLIP, written words otherwise. Asked for
 * explicitly, learned contexts of another model with the same width are used all the same, with a warning.
 */
export async function qualityWords(
  clip: ClipEncoder,
  {
    contexts,
    mode: wanted,
    calibrated = null,
    beforeRun,
  }: {
    readonly contexts: LearnedContexts | null;
    /** For the mode of that name; null: there is none that fits, and it is chosen as by `auto`. */
    readonly calibrated?: Calibration | null;
    readonly mode: PerceptualMode | 'auto';
    readonly beforeRun: BeforeRun;
  },
): Promise<QualityWords> {
  if (wanted === 'calibrated' && calibrated) {
    return { mode: wanted, features: calibrated.words, bounds: calibrated.bounds, hint: null };
  }
  const mode = wanted === 'calibrated' ? 'auto' : wanted;
  const wantsLearned = mode !== 'zeroShot';
  const fit = contexts && wantsLearned ? await learnedContextsFit(contexts, clip) : null;
  const usesLearned = fit === 'fits' || (fit === 'otherModel' && mode !== 'auto');
  const cache = knownOf(clip);
  let features: QualityWordFeatures;
  let done = 0;
  if (usesLearned && contexts) {
    if (cache.learned?.contexts !== contexts) {
      const encodePromptEmbeddings: ClipEncoder['encodePromptEmbeddings'] = (embeddings, options) => {
        beforeRun(done, perceptualFactors.length * options.count);
        done += options.count;
        return clip.encodePromptEmbeddings(embeddings, options);
      };
      cache.learned = { contexts, features: await encodeLearnedPrompts(contexts, { encodePromptEmbeddings }) };
    }
    features = cache.learned.features;
  } else {
    cache.zeroShot ??= await encodeZeroShotPrompts({
      dim: clip.dim,
      encodeText: async (texts) => {
        // One call per factor, all of the same number of texts.
        const total = perceptualFactors.length * texts.length;
        const rows = await encodeTexts(clip, texts, { beforeRun: (here) => beforeRun(done + here, total) });
        done += texts.length;
        return rows;
      },
    });
    features = cache.zeroShot;
  }
  return {
    mode: mode === 'released' ? mode : usesLearned ? 'learned' : 'zeroShot',
    features,
    bounds: null,
    hint: wanted === 'calibrated' ? calibrationGone : contextsHint(clip, { fit, mode }),
  };
}

const calibrationGone =
  "The chosen calibration is no longer there, or was made with another model; the model's own words are used instead.";

function contextsHint(
  clip: ClipEncoder,
  { fit, mode }: { readonly fit: LearnedContextsFit | null; readonly mode: PerceptualMode | 'auto' },
): string | null {
  if (fit === 'otherWidth') {
    return `The learned quality contexts were made for a text encoder of another width than that of ${clip.modelName}; written quality words are used instead.`;
  }
  if (fit === 'otherModel') {
    return mode === 'auto'
      ? `The learned quality contexts were made for another CLIP than ${clip.modelName}; written quality words are used instead.`
      : `The learned quality contexts were made for another CLIP than ${clip.modelName}; the perceptual scores may mean little.`;
  }
  if (fit === null && (mode === 'learned' || mode === 'released')) {
    return 'This model comes without learned quality contexts; written quality words are used instead.';
  }
  return null;
}

/** What every alignment is measured against. */
export interface ReferenceFeatures {
  /** Of the empty string, `[dim]`. */
  readonly empty: Float32Array;
  /** Of `referenceTexts`, one array of `[dim]` each. */
  readonly texts: readonly Float32Array[];
}

/** Features of the empty string and the reference texts. */
export async function referenceFeatures(
  clip: ClipEncoder,
  { beforeRun }: { readonly beforeRun: BeforeRun },
): Promise<ReferenceFeatures> {
  const cache = knownOf(clip);
  if (!cache.reference) {
    const rows = await encodeTexts(clip, ['', ...referenceTexts], { beforeRun });
    const row = (i: number) => rows.subarray(i * clip.dim, (i + 1) * clip.dim);
    cache.reference = { empty: row(0), texts: referenceTexts.map((_, i) => row(i + 1)) };
  }
  return cache.reference;
}

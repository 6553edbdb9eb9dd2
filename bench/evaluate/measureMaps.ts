import { upsampleBicubic } from '../../src/math/resampling.ts';
import { logit } from '../../src/math/softmax.ts';
import { meanOfLargest } from '../../src/math/statistics.ts';
import { difference } from '../../src/math/vectors.ts';
import { analyse, chooseImageSize, imageFeatures, textEvidence } from '../../src/pipeline/analyse.ts';
import type { ClipEncoder } from '../../src/pipeline/ports.ts';
import { encodeTexts } from '../../src/pipeline/wordFeatures.ts';
import type { Phrase } from '../../src/prompt/phrase.ts';
import { type AlignmentEvidence, patchSimilarity } from '../../src/quality/alignmentScore.ts';
import { type AttributeEvidence, attributeEvidence, rivalPhrases } from '../../src/quality/attributeScore.ts';
import type { QualityMap } from '../../src/quality/qualityMap.ts';
import { type Case, isDamage, SIDE, type Solid, showsPrompt } from './cases.ts';
import type { EvaluatedModels } from './models.ts';
import { auroc, psnr, RIVALS, truthOf } from './truth.ts';

/** What the maps say of one case, as kept between runs. */
export interface MapsMeasured {
  readonly kind: Case['kind'];
  readonly fault: string;
  readonly strength: number;
  /** Q_P, 0..1. */
  readonly score: number;
  /** Q_A, 0..1; null where the prompt names nothing that could be looked for. */
  readonly match: number | null;
  /** How near the whole picture is to the right one, in dB: what Q_P would rate if it knew that. */
  readonly psnr: number;
  /** How well 1 − M_P tells damaged pixels, and the factor's own map; null where nothing is damaged. */
  readonly pixels: number | null;
  readonly pixelsOfFactor: number | null;
  readonly phrases: readonly { readonly truth: 'ok' | 'wrong' | 'absent'; readonly status: string }[];
  /** Whether the map of a wrongly described solid has its peak on it; null where there is none, or several of its shape. */
  readonly peak: boolean | null;
  /** Seconds. */
  readonly took: number;
}

/** How far a peak may lie beside the solid, in pixels: half a patch of 448 px. */
const NEAR = 4;

/** Analyses a case as the app does and compares with what is known of it. */
export async function measureMaps(
  { kind, fault, strength, prompt, picture, right, mask, solids, asked }: Case,
  { packs, readPrompt }: EvaluatedModels,
): Promise<MapsMeasured> {
  const { maps } = packs;
  if (!maps) throw new TypeError('There is no CLIP');
  const start = performance.now();
  const { perceptual, alignment } = await analyse({
    image: picture,
    prompt,
    clip: maps.clip,
    contexts: maps.contexts,
    packCalibration: maps.calibration,
    readPrompt,
  });
  const took = (performance.now() - start) / 1000;
  const damaged = Array.from(mask, (value) => value > 127);
  const told = (map: QualityMap) =>
    auroc(
      enlarged(map).map((value) => -value),
      damaged,
    );
  const wrong = alignment?.phrases.find(({ phrase }) => truthOf(phrase.text, solids) === 'wrong');
  return {
    kind,
    fault,
    strength,
    score: perceptual.score,
    match: alignment?.score ?? null,
    psnr: psnr(picture, right),
    pixels: isDamage(kind) ? told(perceptual.map) : null,
    pixelsOfFactor: isDamage(kind) ? told(perceptual.factorMaps[kind]) : null,
    phrases: (alignment?.phrases ?? []).flatMap(({ phrase, status }) => {
      const truth = truthOf(phrase.text, solids);
      return truth === null ? [] : [{ truth, status }];
    }),
    peak: kind === 'attribute' && asked && wrong ? peakIsOn(wrong.map, mask) : null,
    took,
  };
}

/** A map at the pictures' size, drawn as the app draws it. */
export function enlarged(map: QualityMap): Float32Array {
  return upsampleBicubic(map, { width: SIDE, height: SIDE });
}

function peakIsOn({ gridWidth, gridHeight, values }: QualityMap, mask: Uint8Array): boolean {
  const at = values.indexOf(meanOfLargest(values, 1));
  const x = Math.floor((((at % gridWidth) + 0.5) / gridWidth) * SIDE);
  const y = Math.floor(((Math.floor(at / gridWidth) + 0.5) / gridHeight) * SIDE);
  for (let j = Math.max(0, y - NEAR); j <= Math.min(SIDE - 1, y + NEAR); j++) {
    for (let i = Math.max(0, x - NEAR); i <= Math.min(SIDE - 1, x + NEAR); i++) {
      if ((mask[j * SIDE + i] as number) > 127) return true;
    }
  }
  return false;
}

/** Evidence for one phrase and its bare noun, and what is so. */
export interface PhraseEvidence {
  readonly truth: 'ok' | 'wrong' | 'absent';
  readonly noun: AlignmentEvidence;
  /** Null where the phrase is no more than its noun. */
  readonly phrase: AlignmentEvidence | null;
}

/** What constants are fitted on. */
export interface FitFacts {
  readonly evidence: readonly PhraseEvidence[];
  /** Of whole prompts, its own and some of other pictures: whether all that they name is there as described. */
  readonly prompts: readonly { readonly isTrue: boolean; readonly evidence: AlignmentEvidence }[];
  /** Of phrases whose noun is there, those of the prompt and more: whether all attributes are right. */
  readonly attributes: readonly { readonly isTrue: boolean; readonly evidence: AttributeEvidence }[];
  /** Of each patch: overall, technical, rationality, naturalness, and what it is of. */
  readonly patches: readonly (readonly [number, number, number, number, PatchOf])[];
}

/** `solid`: of one that is known to be undamaged; the others of those are among `rest`, which is ground for the most part. */
export type PatchOf = 'damage' | 'solid' | 'rest';

/**
 * Reads evidence off an analysis whose calibration passes it through.
 * @param otherPrompts prompts of other pictures, which do not describe this one
 */
export async function measureForFit(
  { seed, kind, prompt, picture, mask, solids }: Case,
  { packs, readPrompt }: EvaluatedModels,
  otherPrompts: readonly string[],
): Promise<FitFacts> {
  const { maps } = packs;
  if (!maps) throw new TypeError('There is no CLIP');
  const { clip, contexts } = maps;
  const look = (wholeShare: number) => {
    // S = sigmoid(evidence): its logit is the evidence.
    const calibration = { scale: 1 / clip.logitScale, bias: 0, wholeShare };
    return analyse({ image: picture, prompt, clip, contexts, readPrompt, calibration });
  };
  const [whole, best] = [await look(1), await look(0)];
  const evidence = (whole.alignment?.phrases ?? []).flatMap(({ phrase, score, nounScore }, i): PhraseEvidence[] => {
    const truth = truthOf(phrase.text, solids);
    const other = best.alignment?.phrases[i];
    if (truth === null || !other) return [];
    const isBare = phrase.text === phrase.noun.text;
    return [
      {
        truth,
        noun: { whole: logit(nounScore), best: logit(other.nounScore) },
        phrase: isBare ? null : { whole: logit(score), best: logit(other.score) },
      },
    ];
  });
  const { overall, technical, rationality, naturalness } = whole.perceptual.factorMaps;
  const { gridWidth, gridHeight } = overall;
  const patches = Array.from({ length: gridWidth * gridHeight }, (_, cell) => {
    const x = Math.floor((((cell % gridWidth) + 0.5) / gridWidth) * SIDE);
    const y = Math.floor(((Math.floor(cell / gridWidth) + 0.5) / gridHeight) * SIDE);
    const isMeant = (mask[y * SIDE + x] as number) > 127;
    const of = isMeant && kind === 'attribute' ? 'solid' : isMeant && isDamage(kind) ? 'damage' : 'rest';
    const at = (map: QualityMap) => Number((map.values[cell] as number).toFixed(5));
    return [at(overall), at(technical), at(rationality), at(naturalness), of] as const;
  });
  const phrases = (whole.alignment?.phrases ?? []).map(({ phrase }) => phrase);
  const attributes: FitFacts['attributes'][number][] = [];
  for (const phrase of [...phrases, ...phrases.flatMap((one) => wrongRivals(one, solids, { seed }))]) {
    const truth = truthOf(phrase.text, solids);
    const rivals = rivalPhrases(phrase, Object.values(RIVALS)).map(({ text }) => text);
    if (truth === null || truth === 'absent' || rivals.length === 0) continue;
    attributes.push({
      isTrue: truth === 'ok',
      evidence: await rivalEvidence(clip, { picture, texts: [phrase.text, phrase.noun.text, ...rivals] }),
    });
  }
  const prompts = (await promptEvidence(clip, { picture, texts: [prompt, ...otherPrompts] })).map((one, i) => ({
    isTrue: showsPrompt(kind) && i === 0,
    evidence: one,
  }));
  return { evidence, prompts, attributes, patches };
}

/** Most wrong values that are asked of each attribute: of colours there would be many. */
const WRONG_VALUES = 2;

/** Of a phrase that is right: phrases with one attribute wrong, others for each seed. */
function wrongRivals(phrase: Phrase, solids: readonly Solid[], { seed }: { readonly seed: number }): Phrase[] {
  if (truthOf(phrase.text, solids) !== 'ok') return [];
  return Object.values(RIVALS).flatMap((values) => {
    const wrong = rivalPhrases(phrase, [values]).filter(({ text }) => truthOf(text, solids) === 'wrong');
    const from = wrong.length > WRONG_VALUES ? seed % (wrong.length - WRONG_VALUES + 1) : 0;
    return wrong.slice(from, from + WRONG_VALUES);
  });
}

/** A picture and texts that are held against it. */
interface PictureAndTexts {
  readonly picture: Case['picture'];
  readonly texts: readonly string[];
}

/** Features of a picture, of the empty text and of each text. */
async function encoded(clip: ClipEncoder, { picture, texts }: PictureAndTexts) {
  const features = await imageFeatures(
    { image: picture, clip },
    { imageSize: chooseImageSize(clip, null, []), step: () => {} },
  );
  const rows = await encodeTexts(clip, ['', ...texts], { beforeRun: () => {} });
  const [empty, ...each] = ['', ...texts].map((_, i) => rows.subarray(i * clip.dim, (i + 1) * clip.dim));
  return { features, empty: empty as Float32Array, each };
}

/** Evidence for each of some prompts. */
async function promptEvidence(clip: ClipEncoder, job: PictureAndTexts): Promise<AlignmentEvidence[]> {
  const { features, empty, each } = await encoded(clip, job);
  return each.map((text) => textEvidence(features, text, { empty }));
}

/** Evidence for a phrase and its rivals; `texts` are the phrase, its noun, and the rivals. */
async function rivalEvidence(clip: ClipEncoder, job: PictureAndTexts): Promise<AttributeEvidence> {
  const { features, empty, each } = await encoded(clip, job);
  const [direction, noun, ...rivals] = each.map((text) => difference(text, empty)) as [Float32Array, Float32Array];
  return attributeEvidence(features, {
    direction,
    similarity: patchSimilarity(features, direction),
    nounSimilarity: patchSimilarity(features, noun),
    rivals,
  });
}

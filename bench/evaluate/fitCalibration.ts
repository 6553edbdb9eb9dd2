import type {
  AttributeCalibration,
  EvidenceCalibration,
  MapsCalibration,
} from '../../src/checkpoint/mapsCalibration.ts';
import {
  type AlignmentEvidence,
  alignmentProbability,
  calibrateAlignment,
  combinedEvidence,
  presenceEvidence,
} from '../../src/quality/alignmentScore.ts';
import { attributeLead } from '../../src/quality/attributeScore.ts';
import { perceptualBounds } from '../../src/quality/perceptualMap.ts';
import type { FitFacts, PatchOf, PhraseEvidence } from './measureMaps.ts';
import { auroc, RIVALS } from './truth.ts';

/** Weights of CLS that are tried. */
const WHOLE_SHARES = Array.from({ length: 21 }, (_, i) => i / 20);
/** Bounds that are tried. */
const BOUNDS = Array.from({ length: 20 }, (_, i) => (i + 1) / 20);

/**
 * Fits the constants of one CLIP: evidence to probability so that 0.5 parts true from false best, for phrases, nouns, both together,
 * whole prompts, and a phrase's lead over its rivals; and the bounds of eq. 3 so that D > 0.5 parts damaged patches from good ones best: both sides
 * weigh the same, and of the good ones, those of solids as much as the many more of the ground.
 * @throws {RangeError} if the cases have no true or no false phrase or prompt
 */
export function fitCalibration(
  facts: readonly FitFacts[],
  { logitScale }: { readonly logitScale: number },
): MapsCalibration {
  const evidence = facts.flatMap((one) => one.evidence);
  // Whether attributes are right is asked of what is there.
  const phrases = fitEvidence(
    evidence.flatMap(({ truth, phrase }) =>
      phrase && truth !== 'absent' ? [{ evidence: phrase, isTrue: truth === 'ok' }] : [],
    ),
    logitScale,
  );
  const nouns = fitEvidence(
    evidence.map(({ truth, noun }) => ({ evidence: noun, isTrue: truth !== 'absent' })),
    logitScale,
  );
  return {
    phrases,
    nouns,
    prompts: fitEvidence(
      facts.flatMap(({ prompts }) => prompts),
      logitScale,
    ),
    presence: fitPresence(evidence, { phrases, nouns, logitScale }),
    attributes: fitAttributes(
      facts.flatMap(({ attributes }) => attributes),
      logitScale,
    ),
    perceptualBounds: fitBounds(facts.flatMap(({ patches }) => patches)),
  };
}

function fitEvidence(
  all: readonly { readonly evidence: AlignmentEvidence; readonly isTrue: boolean }[],
  logitScale: number,
): EvidenceCalibration {
  return fitShare(all, { of: combinedEvidence, logitScale });
}

function fitAttributes(all: FitFacts['attributes'], logitScale: number): AttributeCalibration {
  return { ...fitShare(all, { of: attributeLead, logitScale }), rivals: Object.values(RIVALS) };
}

/** The weights of CLS and of the best patches are those that order true and false best, whatever the boundary. */
function fitShare<Evidence>(
  all: readonly { readonly evidence: Evidence; readonly isTrue: boolean }[],
  {
    of: combine,
    logitScale,
  }: { readonly of: (evidence: Evidence, rule: { wholeShare: number }) => number; readonly logitScale: number },
): EvidenceCalibration {
  const combined = (wholeShare: number) => all.map(({ evidence }) => combine(evidence, { wholeShare }));
  const truth = all.map(({ isTrue }) => isTrue);
  const { wholeShare } = WHOLE_SHARES.map((wholeShare) => ({
    wholeShare,
    area: auroc(combined(wholeShare), truth),
  })).reduce((best, one) => (one.area > best.area ? one : best));
  const values = combined(wholeShare);
  const of = (isTrue: boolean) => values.filter((_, i) => truth[i] === isTrue);
  return { ...calibrateAlignment(of(true), of(false), { logitScale }), wholeShare };
}

/** Whether a noun is there, by itself and by its whole phrase, once each has its own calibration. */
function fitPresence(
  evidence: readonly PhraseEvidence[],
  {
    phrases,
    nouns,
    logitScale,
  }: { readonly phrases: EvidenceCalibration; readonly nouns: EvidenceCalibration; readonly logitScale: number },
) {
  const of = (isTrue: boolean) =>
    evidence
      .filter(({ truth }) => (truth !== 'absent') === isTrue)
      .map(({ noun: bare, phrase: whole }) => {
        const noun = alignmentProbability(bare, nouns, { logitScale });
        return presenceEvidence({ noun, phrase: whole ? alignmentProbability(whole, phrases, { logitScale }) : noun });
      });
  return calibrateAlignment(of(true), of(false), { logitScale: 1 });
}

/** One bound after the other, from those of the paper on, until none gets better. */
function fitBounds(patches: FitFacts['patches']): MapsCalibration['perceptualBounds'] {
  const names = ['technical', 'rationality', 'naturalness'] as const;
  let bounds = { ...perceptualBounds };
  const accuracyOf = (tried: typeof bounds) => {
    const counts: Record<PatchOf, { right: number; all: number }> = {
      damage: { right: 0, all: 0 },
      solid: { right: 0, all: 0 },
      rest: { right: 0, all: 0 },
    };
    for (const [overall, technical, rationality, naturalness, of] of patches) {
      const quality =
        overall *
        Math.min(technical / tried.technical, 1) *
        Math.min(rationality / tried.rationality, 1) *
        Math.min(naturalness / tried.naturalness, 1);
      counts[of].all++;
      if (quality < 0.5 === (of === 'damage')) counts[of].right++;
    }
    const share = ({ right, all }: { right: number; all: number }) => right / Math.max(1, all);
    const good = counts.solid.all > 0 ? (share(counts.solid) + share(counts.rest)) / 2 : share(counts.rest);
    return (share(counts.damage) + good) / 2;
  };
  let best = accuracyOf(bounds);
  for (let isBetter = true; isBetter; ) {
    isBetter = false;
    for (const name of names) {
      for (const bound of BOUNDS) {
        const tried = { ...bounds, [name]: bound };
        const accuracy = accuracyOf(tried);
        if (accuracy <= best) continue;
        [best, bounds, isBetter] = [accuracy, tried, true];
      }
    }
  }
  return bounds;
}

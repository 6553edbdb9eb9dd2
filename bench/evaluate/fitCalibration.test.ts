import { expect, test } from 'vitest';
import {
  type AlignmentCalibration,
  alignmentProbability,
  type PresenceCalibration,
  presenceProbability,
} from '../../src/quality/alignmentScore.ts';
import { type AttributeCalibration, attributeProbability } from '../../src/quality/attributeScore.ts';
import { fitCalibration } from './fitCalibration.ts';
import type { FitFacts, PhraseEvidence } from './measureMaps.ts';

const logitScale = 100;

/** Nouns tell by their best patches, 0.1 above CLS; phrases by CLS. */
function facts(): FitFacts[] {
  return Array.from({ length: 40 }, (_, i) => {
    const wobble = 0.004 * Math.sin(7 * i);
    const noun = (isThere: boolean) => ({ whole: 0.01 + wobble, best: (isThere ? 0.2 : 0.11) + wobble });
    const phrase = (isTrue: boolean) => ({ whole: (isTrue ? 0.09 : 0.05) + wobble, best: 0.1 });
    return {
      evidence: [
        { truth: 'ok', noun: noun(true), phrase: phrase(true) },
        { truth: 'wrong', noun: noun(true), phrase: phrase(false) },
        { truth: 'absent', noun: noun(false), phrase: phrase(false) },
        { truth: 'absent', noun: noun(false), phrase: null },
      ] satisfies PhraseEvidence[],
      // Prompts tell by CLS, at another level than phrases.
      prompts: [true, false].map((isTrue) => ({
        isTrue,
        evidence: { whole: (isTrue ? 0.03 : -0.01) + wobble, best: 0.1 - wobble },
      })),
      // CLS leads the wrong way, patches the right one.
      attributes: [true, false].map((isTrue) => ({
        isTrue,
        evidence: {
          phrase: { whole: isTrue ? 0.05 : 0.09, best: (isTrue ? 0.2 : 0.12) + wobble },
          rivals: [{ whole: 0.07, best: 0.1 + wobble }],
        },
      })),
      // Good patches have 0.6 where the paper's bound asks for 0.935: with it, they would count as bad.
      patches: [
        [0.75, 0.6, 0.9, 0.9, 'rest'],
        [0.75, 0.3, 0.9, 0.9, 'damage'],
      ],
    };
  });
}

test('what was fitted parts true from false at one half', () => {
  const { phrases, nouns, prompts, presence, attributes, perceptualBounds } = fitCalibration(facts(), { logitScale });
  for (const { truth, noun, phrase } of facts().flatMap(({ evidence }) => evidence)) {
    const nounScore = alignmentProbability(noun, nouns, { logitScale });
    const score = phrase ? alignmentProbability(phrase, phrases, { logitScale }) : nounScore;
    expect(nounScore > 0.5).toBe(truth !== 'absent');
    if (phrase) expect(score > 0.5).toBe(truth === 'ok');
    const both = presenceProbability({ noun: nounScore, phrase: score }, presence as PresenceCalibration);
    expect(both > 0.5).toBe(truth !== 'absent');
  }
  for (const { isTrue, evidence } of facts().flatMap((one) => one.prompts)) {
    expect(alignmentProbability(evidence, prompts as AlignmentCalibration, { logitScale }) > 0.5).toBe(isTrue);
  }
  for (const { isTrue, evidence } of facts().flatMap((one) => one.attributes)) {
    expect(attributeProbability(evidence, attributes as AttributeCalibration, { logitScale }) > 0.5).toBe(isTrue);
  }
  const quality = (technical: number) => 0.75 * Math.min(technical / perceptualBounds.technical, 1);
  expect(quality(0.6)).toBeGreaterThan(0.5);
  expect(quality(0.3)).toBeLessThan(0.5);
});

test('what would call good solids damaged is no good fit, however few they are', () => {
  const ground = Array.from({ length: 50 }, () => [0.99, 0.99, 0.99, 0.99, 'rest'] as const);
  const damaged = Array.from({ length: 4 }, (_, i) => [0.9, i === 0 ? 0.54 : 0.2, 0.9, 0.9, 'damage'] as const);
  const solid = [0.9, 0.55, 0.9, 0.9, 'solid'] as const;
  const of = (patches: FitFacts['patches']) =>
    fitCalibration(
      [...facts().map((one) => ({ ...one, patches: [] })), { evidence: [], prompts: [], attributes: [], patches }],
      {
        logitScale,
      },
    ).perceptualBounds.technical;
  expect(0.9 * (0.55 / of([...ground, ...damaged]))).toBeLessThan(0.5);
  expect(0.9 * Math.min(0.55 / of([...ground, ...damaged, solid, solid]), 1)).toBeGreaterThan(0.5);
});

test('without anything false there is nothing to fit', () => {
  const onlyTrue = facts().map(({ evidence, ...rest }) => ({
    ...rest,
    evidence: evidence.filter(({ truth }) => truth === 'ok'),
  }));
  expect(() => fitCalibration(onlyTrue, { logitScale })).toThrow(RangeError);
});

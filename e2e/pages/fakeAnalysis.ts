import parserWeights from '../../public/parser/english-ewt.bin?url';
import type { QualityMap } from '../../src/quality/qualityMap.ts';
import type { AlignmentResult, PerceptualResult, PhraseStatus } from '../../src/quality/qualityResults.ts';
import { loadPromptReader } from '../../workers/promptParser.ts';

/** A smooth map with some low places, the same for the same seed; `gain` 1 fills them up. */
function fakeMap(seed: number, base: number, gain = 0): QualityMap {
  const side = 28;
  const values = Float32Array.from({ length: side * side }, (_, i) => {
    const x = (i % side) / side;
    const y = Math.floor(i / side) / side;
    let value = base;
    for (let k = 0; k < 3; k++) {
      const cx = (Math.sin(seed * 12.9 + k * 78.2) * 43758.5) % 1;
      const cy = (Math.sin(seed * 39.3 + k * 11.1) * 24634.6) % 1;
      const d2 = (x - Math.abs(cx)) ** 2 + (y - Math.abs(cy)) ** 2;
      value -= (1 - gain) * (0.75 - k * 0.2) * Math.exp(-d2 / 0.018);
    }
    return Math.min(1, Math.max(0, value));
  });
  return { gridWidth: side, gridHeight: side, values };
}

/** A made-up perceptual result; `gain` 0..1 tells how much better it is than that of a picture as dropped. */
export function fakePerceptual(gain = 0): PerceptualResult {
  const factorMaps = {
    overall: fakeMap(1, 0.92, gain),
    technical: fakeMap(2, 0.97, gain),
    rationality: fakeMap(3, 0.88, gain),
    naturalness: fakeMap(4, 0.95, gain),
  };
  const better = (score: number) => score + (1 - score) * gain;
  return {
    mode: 'zeroShot',
    score: better(0.71),
    // One factor falls a little: a table of nothing but gains would not show that it can tell losses.
    factors: {
      overall: better(0.74),
      technical: 0.86 - 0.05 * gain,
      rationality: better(0.52),
      naturalness: better(0.69),
    },
    map: fakeMap(1.5, 0.94, gain),
    factorMaps,
  };
}

/** A made-up alignment result of a prompt; `gain` as above: from one half on, what was missing is found. */
export async function fakeAlignment(prompt: string, gain = 0): Promise<AlignmentResult | null> {
  const reading = (await loadPromptReader(parserWeights))?.(prompt);
  if (!reading?.phrases.some(({ scope }) => scope === 'place')) return null;
  const { phrases, sentences } = reading;
  const statuses: readonly PhraseStatus[] = ['ok', 'wrongAttribute', 'missing', 'ok'];
  const map = fakeMap(7, 0.96, gain);
  return {
    score: 0.54 + 0.46 * gain,
    promptScore: 0.61 + 0.39 * gain,
    phrases: phrases.map((phrase, i) => {
      const status =
        phrase.scope === 'whole'
          ? 'style'
          : phrase.negated
            ? 'unwanted'
            : gain >= 0.5
              ? 'ok'
              : (statuses[i % 4] ?? 'ok');
      const score = { ok: 0.88 - i * 0.03, wrongAttribute: 0.37, missing: 0.12, unwanted: 0.71, style: 0.66 }[status];
      const found = fakeMap(10 + i, 1);
      return {
        phrase,
        status,
        score,
        nounScore: status === 'missing' ? 0.15 : 0.9,
        map: { ...found, values: found.values.map((value) => 1 - value) },
        nounMap: found,
        emphasis: status === 'missing' || status === 'wrongAttribute' ? 1.3 : 1,
      };
    }),
    sentences,
    map,
    defect: { ...map, values: map.values.map((value) => 1 - value) },
  };
}

import { describe, expect, test } from 'vitest';
import { sigmoid } from '../math/softmax.ts';
import type { ClipImageFeatures } from '../pipeline/ports.ts';
import type { Phrase } from '../prompt/phrase.ts';
import { type AlignmentOptions, alignmentMap, locate } from './alignmentMap.ts';

/**
 * Features along axes: 0 dog, 1 hat, 2 red, 3 the empty string. Texts are what they name; the image's left patch shows a
 * dog, its right one something else.
 */
const axis = { dog: [1, 0, 0, 0], hat: [0, 1, 0, 0], redDog: [0.8, 0, 0.6, 0], empty: [0, 0, 0, 1] };
const image: ClipImageFeatures = {
  gridWidth: 2,
  gridHeight: 1,
  cls: Float32Array.of(1, 0, 0, 0),
  patchFeatures: Float32Array.of(1, 0, 0, 0, 0, 0, 1, 0),
};
/** κ · scale = 4 and 0.5 at evidence 0.5: dog has S = sigmoid(4 · 0.5) = 0.881, hat sigmoid(-2) = 0.119. */
const options: AlignmentOptions = {
  logitScale: 4,
  calibration: { scale: 1, bias: 0.5, patchOffset: 0 },
  nounThreshold: 0.5,
  phraseThreshold: 0.5,
  alignmentBound: 0.5,
};
const present = sigmoid(2);
const absent = sigmoid(-2);

function phrase(text: string, over: Partial<Phrase> = {}): Phrase {
  const noun = { text: text.split(' ').at(-1) as string, start: 0, end: 0 };
  return { text, tokens: [noun], noun, ancestor: null, scope: 'place', ...over };
}

type Text = keyof typeof axis;

function align(
  phrases: readonly (readonly [Phrase, text: Text, noun: Text])[],
  {
    prompt = 'dog',
    over = {},
    features = image,
  }: { prompt?: Text; over?: Partial<AlignmentOptions>; features?: ClipImageFeatures } = {},
) {
  return alignmentMap(features, {
    ...options,
    ...over,
    phrases: phrases.map(([one]) => one),
    texts: {
      phrases: Float32Array.from(phrases.flatMap(([, text]) => axis[text])),
      nouns: Float32Array.from(phrases.flatMap(([, , noun]) => axis[noun])),
      prompt: Float32Array.from(axis[prompt]),
      empty: Float32Array.from(axis.empty),
    },
  });
}

describe('alignmentMap', () => {
  test('an image that shows its prompt has no defect', () => {
    const result = align([[phrase('dog'), 'dog', 'dog']]);
    expect(result.phrases[0]).toMatchObject({ status: 'ok', emphasis: 1 });
    expect(result.phrases[0]?.score).toBeCloseTo(present, 6);
    expect(Array.from(result.defect.values)).toEqual([0, 0]);
    expect(Array.from(result.map.values)).toEqual([1, 1]);
    // Eq. 8: S_i above B_a adds nothing.
    expect(result.score).toBeCloseTo(present, 6);
  });

  test('a whole prompt can have a calibration of its own, which changes no phrase', () => {
    const pair = [[phrase('dog'), 'dog', 'dog']] as const;
    const plain = align(pair);
    const fitted = align(pair, { over: { promptCalibration: { ...options.calibration, bias: -9 } } });
    expect(fitted.promptScore).toBeGreaterThan(plain.promptScore);
    expect(fitted.phrases).toEqual(plain.phrases);
    expect(fitted.score).toBeCloseTo(fitted.promptScore, 6);
  });

  test('a missing noun without ancestor lowers the whole image', () => {
    const result = align([[phrase('hat'), 'hat', 'hat']]);
    expect(result.phrases[0]?.status).toBe('missing');
    expect(result.defect.values[0]).toBeCloseTo(1 - absent, 6);
    expect(result.defect.values[1]).toBeCloseTo(1 - absent, 6);
    expect(result.map.values[0]).toBeCloseTo(absent, 6);
    expect(result.score).toBeCloseTo(present * (absent / 0.5), 6);
    expect(result.phrases[0]?.emphasis).toBeCloseTo(1.1 + 0.4 * ((0.5 - absent) / 0.5), 6);
  });

  test('a missing noun without ancestor leaves alone what is as asked, but not what fills half of the image', () => {
    const wide: ClipImageFeatures = {
      gridWidth: 3,
      gridHeight: 1,
      cls: image.cls,
      patchFeatures: Float32Array.of(...axis.dog, ...axis.empty, ...axis.empty),
    };
    const pair = [
      [phrase('dog'), 'dog', 'dog'],
      [phrase('hat'), 'hat', 'hat'],
    ] as const;
    const [onDog = 1, beside = 0] = align(pair, { features: wide }).defect.values;
    expect(onDog).toBeLessThan(0.1);
    expect(beside).toBeGreaterThan(0.5);
    // Of two patches the dog's is half.
    expect(align(pair).defect.values[0]).toBeCloseTo(1 - absent, 6);
  });

  test('a missing noun lowers the place of its ancestor', () => {
    const result = align([
      [phrase('dog'), 'dog', 'dog'],
      [phrase('hat', { ancestor: 0 }), 'hat', 'hat'],
    ]);
    // The dog's patches have similarity 1 and 0, whose 5 % quantile is 0.05: the middle is 0.525.
    expect(result.defect.values[0]).toBeCloseTo((1 - absent) * sigmoid(4 * (1 - 0.525)), 6);
    expect(result.defect.values[1]).toBeCloseTo((1 - absent) * sigmoid(4 * (0 - 0.525)), 6);
    expect(result.phrases.map(({ place }) => place)).toEqual([undefined, result.phrases[0]?.map]);
  });

  test('an ancestor that is missing too passes its own ancestor on', () => {
    const chain = (root: Text) =>
      align([
        [phrase('root'), root, root],
        [phrase('middle', { ancestor: 0 }), 'hat', 'hat'],
        [phrase('leaf', { ancestor: 1 }), 'hat', 'hat'],
      ]);
    const found = chain('dog');
    expect(found.defect.values[0]).toBeCloseTo(2 * (1 - absent) * (found.phrases[0]?.map.values[0] as number), 6);
    // Nothing of the chain is there: the whole image, three times, clipped only in the map.
    const nothing = chain('hat');
    expect(nothing.defect.values[1]).toBeCloseTo(3 * (1 - absent), 6);
    expect(nothing.map.values[1]).toBe(0);
  });

  test('what is to be absent is as asked where it is absent, and a defect where it is present', () => {
    const absentHat = align([[phrase('hat', { negated: true }), 'hat', 'hat']]);
    expect(absentHat.phrases[0]).toMatchObject({ status: 'ok', emphasis: 1 });
    expect(Array.from(absentHat.defect.values)).toEqual([0, 0]);
    expect(absentHat.score).toBeCloseTo(present, 6);

    const presentDog = align([[phrase('dog', { negated: true }), 'dog', 'dog']]);
    expect(presentDog.phrases[0]).toMatchObject({ status: 'unwanted', emphasis: 1 });
    const [here = 0, beside = 0] = presentDog.phrases[0]?.map.values ?? [];
    expect(presentDog.defect.values[0]).toBeCloseTo(present * here, 6);
    expect(presentDog.defect.values[1]).toBeCloseTo(present * beside, 6);
    expect(here).toBeGreaterThan(beside);
    // Eq. 8: the surer it is there, the worse.
    expect(presentDog.score).toBeCloseTo(present * ((1 - present) / 0.5), 6);
  });

  test('a missing thing is not looked for on something that is to be absent', () => {
    const result = align([
      [phrase('dog', { negated: true }), 'dog', 'dog'],
      [phrase('hat', { ancestor: 0 }), 'hat', 'hat'],
    ]);
    const own = result.phrases[0]?.map.values[1] as number;
    expect((result.defect.values[1] as number) - present * own).toBeCloseTo(1 - absent, 6);
  });

  test('a weight the user wrote leaves less room for ours', () => {
    const emphasis = (weight: number) =>
      align([[phrase('hat', { weight }), 'hat', 'hat']]).phrases[0]?.emphasis as number;
    expect(emphasis(0.8)).toBeCloseTo(1.1 + 0.4 * ((0.5 - absent) / 0.5), 6);
    expect(emphasis(1.5)).toBeCloseTo(1.8 / 1.5, 6);
    expect(emphasis(2)).toBe(1);
  });

  test('a circular chain of missing ancestors ends at the whole image', () => {
    const result = align([
      [phrase('one', { ancestor: 1 }), 'hat', 'hat'],
      [phrase('two', { ancestor: 0 }), 'hat', 'hat'],
    ]);
    expect(result.defect.values[0]).toBeCloseTo(2 * (1 - absent), 6);
  });

  test('a wrong attribute lowers the place of the phrase', () => {
    // "red dog" against the image: evidence 0.8, below a bias of 0.9 but the noun's 1 is above it.
    const result = align([[phrase('red dog'), 'redDog', 'dog']], {
      over: { calibration: { ...options.calibration, bias: 0.9 } },
    });
    const score = sigmoid(4 * (0.8 - 0.9));
    expect(result.phrases[0]?.status).toBe('wrongAttribute');
    expect(result.phrases[0]?.score).toBeCloseTo(score, 6);
    const place = result.phrases[0]?.map.values as Float32Array;
    expect(result.defect.values[0]).toBeCloseTo((1 - score) * (place[0] as number), 6);
    expect(result.defect.values[1]).toBeCloseTo((1 - score) * (place[1] as number), 6);
    expect(result.phrases[0]?.emphasis).toBeCloseTo(1.1 + 0.4 * ((0.5 - score) / 0.5), 6);
  });

  test('a phrase is where its noun is, too, and not on what only has its attribute', () => {
    const redThing = [0.6, 0, 0.8, 0];
    const features = { ...image, patchFeatures: Float32Array.of(...axis.dog, ...redThing) };
    const [result] = align([[phrase('red dog'), 'redDog', 'dog']], { features }).phrases;
    const own = locate(Float32Array.of(0.8, 0.96), options);
    expect(own[1]).toBeGreaterThan(own[0] as number);
    const [onDog = 0, onThing = 1] = result?.map.values ?? [];
    expect(onDog).toBeGreaterThan(onThing);
    expect(onDog).toBeCloseTo(Math.sqrt((own[0] as number) * (result?.nounMap.values[0] as number)), 6);
  });

  test('where it was fitted, the phrase helps to tell whether its noun is there', () => {
    const noun = sigmoid(4 * (1 - 0.9));
    const found = (presence?: AlignmentOptions['presence']) =>
      align([[phrase('red dog'), 'redDog', 'dog']], {
        over: { calibration: { ...options.calibration, bias: 0.9 }, ...(presence && { presence }) },
      }).phrases[0];
    expect(found()?.nounScore).toBeCloseTo(noun, 6);
    // Logits of -0.4 and 0.4 are 0 together.
    expect(found({ scale: 2, bias: -0.3 })).toMatchObject({ status: 'wrongAttribute' });
    expect(found({ scale: 2, bias: -0.3 })?.nounScore).toBeCloseTo(sigmoid(0.6), 6);
    expect(found({ scale: 2, bias: 0.3 })).toMatchObject({ status: 'missing' });
    expect(found({ scale: 2, bias: 0.3 })?.nounScore).toBeCloseTo(sigmoid(-0.6), 6);
  });

  describe('held against rivals', () => {
    const rival = [-0.4, 0, 0.6, 0];
    const found = (over: Partial<AlignmentOptions> = {}, rivals = [[rival]], features = image) =>
      alignmentMap(features, {
        ...options,
        // By itself the phrase would be wrong.
        phraseThreshold: 0.9,
        attributes: { scale: 1, bias: 0.2, wholeShare: 1 },
        ...over,
        phrases: [phrase('red dog')],
        texts: {
          phrases: Float32Array.from(axis.redDog),
          nouns: Float32Array.from(axis.dog),
          prompt: Float32Array.from(axis.dog),
          empty: Float32Array.from(axis.empty),
          rivals: rivals.map((texts) =>
            texts.map((text, i) => ({ text: `rival ${i}`, feature: Float32Array.from(text) })),
          ),
        },
      }).phrases[0];

    test('a phrase is right as far as it leads over them', () => {
      // 0.8 against -0.4 on CLS, but the noun itself is no surer than 0.881.
      expect(found()?.score).toBeCloseTo(present, 6);
      expect(found({ phraseThreshold: 0.5 })).not.toHaveProperty('looksLike');
      const close = { attributes: { scale: 1, bias: 1, wholeShare: 1 } };
      expect(found(close)?.score).toBeCloseTo(sigmoid(4 * (1.2 - 1)), 6);
      expect(found(close)).toMatchObject({ status: 'wrongAttribute', looksLike: 'rival 0' });
      const second = found(close, [[rival, [0.8, 0, 0.6, 0]]]);
      expect(second?.score).toBeCloseTo(sigmoid(-4), 6);
      expect(second).toMatchObject({ looksLike: 'rival 1' });
    });

    test('what is described wrongly is where its best rival is', () => {
      // On the left something red, on the right something blue; the image as a whole shows the one or the other.
      const patchFeatures = Float32Array.of(0.6, 0, 0.8, 0, 0.6, 0.8, 0, 0);
      const shown = (cls: Float32Array<ArrayBuffer>) => {
        const result = found({ phraseThreshold: 0.4 }, [[[0.8, 0.6, 0, 0]]], { ...image, cls, patchFeatures });
        const [left = 0, right = 0] = result?.map.values ?? [];
        return { status: result?.status, isLeft: left > right };
      };
      expect(shown(Float32Array.of(0.6, 0, 0.8, 0))).toEqual({ status: 'ok', isLeft: true });
      expect(shown(Float32Array.of(0.6, 0.8, 0, 0))).toEqual({ status: 'wrongAttribute', isLeft: false });
    });

    test('without rivals, or where nothing was fitted for them, it speaks for itself', () => {
      const own = sigmoid(4 * (0.8 - 0.5));
      expect(found({}, [[]])?.score).toBeCloseTo(own, 6);
      const alone = align([[phrase('red dog'), 'redDog', 'dog']]).phrases[0];
      expect(alone?.score).toBeCloseTo(own, 6);
    });
  });

  test('a bare noun cannot have a wrong attribute', () => {
    const result = align([[phrase('dog'), 'dog', 'dog']], { over: { phraseThreshold: 0.95 } });
    expect(result.phrases[0]?.status).toBe('ok');
  });

  test('style is scored, but never drawn, emphasised or counted', () => {
    const result = align([[phrase('hat', { scope: 'whole' }), 'hat', 'hat']]);
    expect(result.phrases[0]).toMatchObject({ status: 'style', emphasis: 1 });
    expect(result.phrases[0]?.score).toBeCloseTo(absent, 6);
    expect(Array.from(result.defect.values)).toEqual([0, 0]);
    expect(result.score).toBeCloseTo(present, 6);
  });

  test('small objects are found by their patches where CLS overlooks them', () => {
    const small = { ...image, cls: Float32Array.of(0, 0, 1, 0) };
    const dog = Float32Array.from(axis.dog);
    const result = alignmentMap(small, {
      ...options,
      phrases: [phrase('dog')],
      texts: { phrases: dog, nouns: dog, prompt: dog, empty: Float32Array.from(axis.empty) },
    });
    expect(result.phrases[0]?.status).toBe('ok');
  });

  test('refuses text features that do not fit the phrases', () => {
    const dog = Float32Array.from(axis.dog);
    const texts = { phrases: dog, nouns: dog, prompt: dog, empty: Float32Array.from(axis.empty) };
    expect(() => alignmentMap(image, { ...options, phrases: [], texts })).toThrow(RangeError);
  });
});

describe('locate', () => {
  /** A ViT-B/16's range: 196 patches around 0, a tenth of them lying `contrast` above. */
  const patches = (contrast: number) =>
    Float32Array.from({ length: 196 }, (_, i) => (i < 20 ? contrast : 0) + ((i % 5) - 2) * 0.002);

  test('lights an object and nothing else at the contrast CLIP has', () => {
    const map = locate(patches(0.06), { logitScale: 100 });
    expect(Math.min(...map.subarray(0, 20))).toBeGreaterThan(0.9);
    expect(Math.max(...map.subarray(20))).toBeLessThan(0.1);
  });

  test('does not stretch noise', () => {
    const map = locate(patches(0), { logitScale: 100 });
    expect(Math.max(...map)).toBeLessThan(0.6);
    expect(Math.min(...map)).toBeGreaterThan(0.4);
  });
});

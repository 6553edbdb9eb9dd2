import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Calibration } from '../calibration/calibration.ts';
import { UserError } from '../errors.ts';
import type { RgbaImage } from '../image/rgbaImage.ts';
import { normalise } from '../math/vectors.ts';
import { DependencyParser } from '../prompt/parser/dependencyParser.ts';
import { promptReader } from '../prompt/promptReader.ts';
import type { LearnedContext, LearnedContexts } from '../quality/learnedPrompts.ts';
import { type AnalysisJob, analyse, defaultAnalysisSettings, largestPhraseCount } from './analyse.ts';
import type { AnalysisEvent } from './analysis.ts';
import { toRecord } from './analysisRecord.ts';
import type { ClipEncoder } from './ports.ts';

const dim = 256;
const readPrompt = promptReader(
  new DependencyParser(readFileSync(new URL('../../public/parser/english-ewt.bin', import.meta.url))),
);

/** A direction of its own for every word. */
function wordFeature(word: string): Float32Array {
  let state = [...word].reduce((sum, c) => Math.imul(sum, 31) + (c.codePointAt(0) ?? 0), 7) >>> 0;
  const values = Float32Array.from({ length: dim }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  });
  return normalise(values);
}

/** The mean direction of words that something shows or says. */
function featureOf(words: readonly string[]): Float32Array {
  const sum = new Float32Array(dim);
  for (const word of words) {
    wordFeature(word).forEach((value, i) => {
      sum[i] = (sum[i] as number) + value;
    });
  }
  return normalise(sum);
}

/** What every image and every text share: the reason CLIP's cosines have no zero. */
const common = ['#common', '#common'];

/**
 * A CLIP that reads words and sees what it is told: its image shows a dog on the left, grass on the right.
 */
function fakeClip(over: Partial<ClipEncoder> = {}) {
  const calls: string[] = [];
  const clip: ClipEncoder = {
    modelName: 'fake/clip',
    imageSizes: [224, 336, 448, 512],
    imageMean: [0.5, 0.5, 0.5],
    imageStd: [0.5, 0.5, 0.5],
    dim,
    textWidth: 2,
    logitScale: 100,
    encodeImage: async (pixelValues, imageSize) => {
      calls.push(`image ${imageSize}`);
      expect(pixelValues).toHaveLength(3 * imageSize * imageSize);
      const grid = 4;
      const patchFeatures = new Float32Array(grid * grid * dim);
      for (let cell = 0; cell < grid * grid; cell++) {
        patchFeatures.set(featureOf([...common, cell % grid < 2 ? 'dog' : 'grass']), cell * dim);
      }
      return { gridWidth: grid, gridHeight: grid, cls: featureOf([...common, 'dog', 'grass', 'good']), patchFeatures };
    },
    encodeText: async (texts) => {
      calls.push(...texts.map((text) => `text ${text}`));
      const rows = new Float32Array(texts.length * dim);
      texts.forEach((text, i) => {
        const words = text.toLowerCase().match(/[a-z]+/g) ?? [];
        rows.set(featureOf([...common, ...words]), i * dim);
      });
      return rows;
    },
    encodePromptEmbeddings: async (embeddings) => {
      calls.push(`embeddings ${embeddings[0]}`);
      const rows = new Float32Array(2 * dim);
      rows.set(featureOf([...common, 'good']), 0);
      rows.set(featureOf([...common, 'bad']), dim);
      return rows;
    },
    tokenEmbedding: async () => Float32Array.of(1, 2),
    ...over,
  };
  return { clip, calls };
}

const image: RgbaImage = { width: 6, height: 3, data: new Uint8ClampedArray(6 * 3 * 4).fill(255) };

function contexts(width = 2, startToken = 1): LearnedContexts {
  const one: LearnedContext = {
    ctx: new Float32Array(2 * 16 * width),
    tokenPrefix: Float32Array.from({ length: 2 * width }, (_, i) => startToken + (i % width)),
    tokenSuffix: new Float32Array(2 * 60 * width),
    width,
    contextLength: 77,
  };
  return { overall: one, technical: one, rationality: one, naturalness: one };
}

function job(over: Partial<AnalysisJob> = {}): AnalysisJob {
  return {
    image,
    prompt: 'a dog with a purple teapot on grass',
    clip: fakeClip().clip,
    contexts: null,
    readPrompt,
    ...over,
  };
}

describe('analyse', () => {
  test('finds what the image shows and misses what it does not, at the right place', async () => {
    const { perceptual, alignment, hints, ...rest } = await analyse(job());
    expect(rest).toMatchObject({ modelName: 'fake/clip', imageWidth: 6, imageHeight: 3 });
    expect(hints).toEqual([]);
    expect(perceptual.mode).toBe('zeroShot');
    expect(alignment?.phrases.map(({ phrase, status }) => [phrase.text, status])).toEqual([
      ['dog', 'ok'],
      ['purple teapot', 'missing'],
      ['grass', 'ok'],
    ]);
    // The teapot hangs on the dog, which is on the left.
    const defect = alignment?.defect.values as Float32Array;
    const lack = 1 - (alignment?.phrases[1]?.nounScore ?? 1);
    // How absent a made-up word is varies as its direction happens to lie; the dog's place is certain.
    expect(lack).toBeGreaterThan(0.5);
    expect(defect[0]).toBeGreaterThan(0.99 * lack);
    expect(defect[3]).toBeLessThan(0.01 * lack);
    expect(alignment?.phrases[1]?.emphasis).toBeCloseTo(1.1 + 0.4 * ((lack - 0.5) / 0.5), 6);
  });

  test('tells stages in order and each result as soon as it is ready', async () => {
    const events: AnalysisEvent[] = [];
    const result = await analyse(job({ onEvent: (event) => events.push(event) }));
    const order = events.map((event) => (event.type === 'stage' ? event.stage : event.type));
    expect(order.filter((name, i) => name !== order[i - 1])).toEqual([
      'preprocess',
      'encodeImage',
      'encodeWords',
      'perceptual',
      'encodePhrases',
      'alignment',
      'encodePhrases',
    ]);
    expect(events).toContainEqual({ type: 'perceptual', result: result.perceptual });
    expect(events).toContainEqual({ type: 'alignment', result: result.alignment });
    const shares = new Map<string, number>();
    for (const event of events) {
      if (event.type !== 'stage') continue;
      // Progress within a stage never falls.
      expect(event.done / event.total).toBeGreaterThanOrEqual(shares.get(event.stage) ?? 0);
      shares.set(event.stage, event.done / event.total);
    }
    expect(shares.get('encodePhrases')).toBe(1);
    expect(events.filter((event) => event.type === 'stage' && event.stage === 'encodeWords')).toHaveLength(9);
  });

  test('stops at every step once it is cancelled', async () => {
    let steps = 0;
    await analyse(
      job({
        onEvent: (event) => {
          if (event.type === 'stage') steps++;
        },
      }),
    );
    expect(steps).toBeGreaterThan(10);
    for (let stop = 1; stop < steps; stop++) {
      const { clip } = fakeClip();
      const signal = { aborted: false };
      let seen = 0;
      const onEvent = (event: AnalysisEvent) => {
        if (event.type === 'stage') seen++;
        if (seen === stop) signal.aborted = true;
      };
      const cancelled = analyse(job({ clip, signal, onEvent }));
      await expect(cancelled).rejects.toMatchObject({ name: 'AbortError' });
      expect(seen).toBe(stop);
    }
  });

  test('encodes an image, quality words and reference texts once per CLIP, and each text of its prompts', async () => {
    const { clip, calls } = fakeClip();
    await analyse(job({ clip }));
    expect(calls).toContain('text blurry photo.');
    expect(calls.filter((call) => call === 'text ')).toHaveLength(1);
    calls.length = 0;
    await analyse(job({ clip, prompt: 'dog, dog, (dog:1.2)' }));
    expect(calls).toEqual(['text dog, dog, dog']);
  });

  test('where the pack has rivals, attributes are held against them', async () => {
    const one = { scale: 1, bias: 0, wholeShare: 1 };
    const perceptualBounds = { technical: 1, rationality: 1, naturalness: 1 };
    const packCalibration = {
      phrases: one,
      nouns: one,
      attributes: { ...one, rivals: [['good', 'purple']] },
      perceptualBounds,
    };
    const { clip, calls } = fakeClip();
    const statusOf = async (prompt: string, over: Partial<AnalysisJob> = {}) =>
      (await analyse(job({ clip, prompt, packCalibration, ...over }))).alignment?.phrases.map(({ status }) => status);
    // The whole image shows something good, nothing purple.
    expect(await statusOf('a good dog')).toEqual(['ok']);
    expect(calls).toContain('text purple dog');
    expect(await statusOf('a purple dog')).toEqual(['wrongAttribute']);
    const { alignment } = await analyse(job({ clip, prompt: 'a purple dog', packCalibration }));
    expect(alignment?.phrases[0]).toMatchObject({ looksLike: 'good dog' });
    // What the caller sets goes before the pack's.
    expect(await statusOf('a purple dog', { calibration: one })).toEqual(['ok']);
  });

  test('where the pack has a calibration of whole prompts, theirs is not that of phrases', async () => {
    const one = { scale: 1, bias: 0.9, wholeShare: 1 };
    const perceptualBounds = { technical: 1, rationality: 1, naturalness: 1 };
    const pack = { phrases: one, nouns: one, perceptualBounds };
    const own = { ...pack, prompts: { ...one, bias: -0.9 } };
    const scoresOf = async (over: Partial<AnalysisJob>) => {
      const { alignment } = await analyse(job({ prompt: 'a good dog', ...over }));
      return { prompt: alignment?.promptScore as number, phrases: alignment?.phrases.map(({ score }) => score) };
    };
    const [as, apart] = [await scoresOf({ packCalibration: pack }), await scoresOf({ packCalibration: own })];
    expect(apart.prompt).toBeGreaterThan(as.prompt);
    expect(apart.phrases).toEqual(as.phrases);
    // What the caller sets goes before the pack's.
    const set = await scoresOf({ packCalibration: own, calibration: one });
    expect(set.prompt).toBe((await scoresOf({ calibration: one })).prompt);
  });

  test('a cancelled or failed run leaves nothing half done behind', async () => {
    const { clip } = fakeClip();
    const encodeText = clip.encodeText;
    let failing = true;
    const flaky: ClipEncoder = {
      ...clip,
      encodeText: (texts) => (failing ? Promise.reject(new Error('device lost')) : encodeText(texts)),
    };
    await expect(analyse(job({ clip: flaky }))).rejects.toThrow('device lost');
    failing = false;
    expect((await analyse(job({ clip: flaky }))).alignment).not.toBeNull();
  });

  test('without a prompt, or without anything to look for in it, says so and has no alignment', async () => {
    const empty = await analyse(job({ prompt: ' ' }));
    expect(empty.alignment).toBeNull();
    expect(empty.hints.join()).toMatch(/Without a prompt/);
    const style = await analyse(job({ prompt: 'masterpiece, 8k' }));
    expect(style.alignment).toBeNull();
    expect(style.hints.join()).toMatch(/names nothing/);
  });

  test('cuts endless prompts', async () => {
    const prompt = Array.from({ length: 200 }, (_, i) => `thing${i}`).join(', ');
    const { alignment, hints } = await analyse(job({ prompt }));
    expect(alignment?.phrases).toHaveLength(largestPhraseCount);
    expect(hints.join()).toMatch(/200 phrases/);
  });

  test('encodes at 448 px, at the nearest size below, or at the one asked for', async () => {
    const sizeOf = async (imageSizes: number[], imageSize: number | null) => {
      const { clip, calls } = fakeClip({ imageSizes });
      const { hints } = await analyse(job({ clip, settings: { ...defaultAnalysisSettings, imageSize } }));
      return [calls[0], hints.length];
    };
    expect(await sizeOf([224, 336, 448, 512], null)).toEqual(['image 448', 0]);
    expect(await sizeOf([224, 336], null)).toEqual(['image 336', 0]);
    expect(await sizeOf([512], null)).toEqual(['image 512', 0]);
    expect(await sizeOf([224, 448], 224)).toEqual(['image 224', 0]);
    expect(await sizeOf([224], 512)).toEqual(['image 224', 1]);
  });

  test('refuses features that are not numbers, with a remedy', async () => {
    const { clip } = fakeClip();
    const broken: ClipEncoder = {
      ...clip,
      encodeImage: async (...args) => {
        const features = await clip.encodeImage(...args);
        features.patchFeatures[5] = Number.NaN;
        return features;
      },
    };
    await expect(analyse(job({ clip: broken }))).rejects.toBeInstanceOf(UserError);
  });

  test('is plain data that crosses a worker boundary', async () => {
    const result = await analyse(job());
    expect(structuredClone(result)).toEqual(result);
  });
});

describe('which quality words are used', () => {
  const modeOf = async (
    perceptualMode: 'auto' | 'learned' | 'zeroShot' | 'released',
    given: LearnedContexts | null,
  ) => {
    const { clip, calls } = fakeClip();
    const { perceptual, hints } = await analyse(
      job({ clip, contexts: given, settings: { ...defaultAnalysisSettings, perceptualMode } }),
    );
    return { mode: perceptual.mode, learned: calls.includes('embeddings 1') || calls.includes('embeddings 9'), hints };
  };

  test('auto: learned contexts that fit, written words otherwise', async () => {
    expect(await modeOf('auto', contexts())).toEqual({ mode: 'learned', learned: true, hints: [] });
    expect(await modeOf('auto', null)).toEqual({ mode: 'zeroShot', learned: false, hints: [] });
    expect(await modeOf('auto', contexts(3))).toMatchObject({ mode: 'zeroShot', hints: [/another width/] });
    expect(await modeOf('auto', contexts(2, 9))).toMatchObject({ mode: 'zeroShot', hints: [/another CLIP/] });
  });

  test('learned: also those of another model of the same width, with a warning', async () => {
    expect(await modeOf('learned', contexts(2, 9))).toMatchObject({ mode: 'learned', learned: true });
    expect((await modeOf('learned', contexts(2, 9))).hints.join()).toMatch(/may mean little/);
    expect((await modeOf('learned', null)).hints.join()).toMatch(/without learned/);
    expect(await modeOf('zeroShot', contexts())).toEqual({ mode: 'zeroShot', learned: false, hints: [] });
  });

  test('calibrated: its own words, bounds and threshold, in score and map alike', async () => {
    const { clip } = fakeClip();
    // The other way round: what has "good" in it is bad.
    const pair = Float32Array.from([...featureOf([...common, 'bad']), ...featureOf([...common, 'good'])]);
    const pairs = { overall: pair, technical: pair, rationality: pair, naturalness: pair };
    const bounds = { technical: 0.5, rationality: 0.5, naturalness: 0.5 };
    const settings = { ...defaultAnalysisSettings, perceptualMode: 'calibrated' as const };
    const calibrated = {
      words: pairs,
      bounds,
      alignment: { middle: 1e3, slope: 1 },
    } as Partial<Calibration> as Calibration;
    const result = await analyse(job({ clip, settings, calibrated }));
    const own = await analyse(job({ clip, contexts: contexts() }));
    expect(result.perceptual.mode).toBe('calibrated');
    expect(result.perceptual.factors.overall).toBeCloseTo(1 - own.perceptual.factors.overall, 5);
    expect(result.perceptual.factorMaps.overall.values[3]).toBeCloseTo(
      1 - (own.perceptual.factorMaps.overall.values[3] as number),
      5,
    );
    expect(own.alignment?.phrases[0]?.status).toBe('ok');
    expect(result.alignment?.phrases[0]?.status).toBe('missing');
    // Gone, or of another CLIP: as without it, and said so.
    const gone = await analyse(job({ clip, settings, calibrated: null }));
    expect(gone.perceptual).toEqual((await analyse(job({ clip }))).perceptual);
    expect(gone.hints.join()).toContain('no longer there, or was made with another model');
  });

  test('released keeps its name whatever words it draws', async () => {
    expect(await modeOf('released', contexts())).toEqual({ mode: 'released', learned: true, hints: [] });
    expect(await modeOf('released', null)).toMatchObject({ mode: 'released', learned: false });
  });
});

test('a record holds all numbers as JSON', async () => {
  const result = await analyse(job());
  const record = JSON.parse(JSON.stringify(toRecord(result)));
  expect(record).toEqual(toRecord(result));
  expect(record.perceptual.map).toHaveLength(4);
  expect(record.perceptual.map[1]).toHaveLength(4);
  expect(record.perceptual.map[1][2]).toBeCloseTo(result.perceptual.map.values[6] as number, 4);
  expect(record.alignment.phrases[1]).toMatchObject({
    text: 'purple teapot',
    noun: 'teapot',
    status: 'missing',
    ancestor: 0,
  });
  expect(record.alignment.phrases[1].spans).toEqual([
    [13, 19],
    [20, 26],
  ]);
  expect(record.alignment.emphasisedPrompt).toMatch(/^a dog with a \(purple teapot:1\.\d+\) on grass$/);
  expect(toRecord(await analyse(job({ prompt: '' })))).toMatchObject({ alignment: null });
});

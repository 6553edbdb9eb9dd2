import type { PackSummary, RefinedImage, RefineJob } from '../../src/bridge/protocol.ts';
import type { AnalysisResult } from '../../src/pipeline/analysis.ts';
import type {
  PixelRectangle,
  RefineEvent,
  RefineResult,
  RefineStage,
  RegionOutcome,
} from '../../src/pipeline/refinement.ts';
import { fakeAlignment, fakePerceptual } from './fakeAnalysis.ts';

/** What a made-up refinement is told and asks. */
export interface FakeRefineOptions {
  readonly onEvent: (event: RefineEvent) => void;
  /** `worse`: as it comes out of a strategy that checks nothing. */
  readonly outcome: RefineResult['outcome'] | 'worse';
  /** A stage that only ends by cancelling. */
  readonly hang: string | null;
  has(kind: PackSummary['kind']): boolean;
  /** Waits for one step; throws once the job is cancelled. */
  step(hangs: boolean): Promise<void>;
  /** Throws if the scenario wants a failure. */
  failNow(): void;
}

/** Better with every refinement: a file that is a result starts from what its name tells nobody. */
const gains = new WeakMap<Blob, number>();
/** Results by their bytes' length: a file made of a blob is another object. */
const gainBySize = new Map<number, number>();

const gainOf = (file: File) => gains.get(file) ?? gainBySize.get(file.size) ?? 0;

/** Goes through the stages of a refinement with the events a real one tells, and paints a patch on the picture. */
export async function fakeRefine(job: RefineJob, options: FakeRefineOptions): Promise<readonly RefinedImage[]> {
  const { onEvent, hang, step } = options;
  const bitmap = await createImageBitmap(job.file);
  const { width, height } = bitmap;
  const analysis = async (gain: number): Promise<AnalysisResult> => ({
    modelName: 'openai/clip-vit-base-patch16',
    imageWidth: width,
    imageHeight: height,
    prompt: job.prompt,
    perceptual: fakePerceptual(gain),
    alignment: await fakeAlignment(job.prompt, gain),
    hints: [],
    settings: job.analysis,
  });
  const stage = async (
    name: RefineStage,
    { steps, seedIndex, preview }: { steps: number; seedIndex: number; preview?: (share: number) => void },
  ) => {
    onEvent({ type: 'step', stage: name, done: 0, total: steps, seedIndex });
    for (let done = 1; done <= steps; done++) {
      await step(hang === name && done > steps / 2);
      if (name === 'inpaint' && done === Math.ceil(steps / 2)) options.failNow();
      if (preview && done % 2 === 0) preview(done / steps);
      onEvent({ type: 'step', stage: name, done, total: steps, seedIndex });
    }
  };
  const load = async (model: string, totalBytes: number) => {
    for (let i = 0; i <= 4; i++) {
      onEvent({ type: 'loading', model, doneBytes: (totalBytes * i) / 4, totalBytes });
      await step(hang === 'loading' && i === 2);
    }
  };

  const start = gainOf(job.file);
  const before = await analysis(start);
  onEvent({ type: 'before', event: { type: 'perceptual', result: before.perceptual } });
  if (before.alignment) onEvent({ type: 'before', event: { type: 'alignment', result: before.alignment } });
  await stage('analyse', { steps: 4, seedIndex: 0 });
  const unit = (x: number, y: number, w: number, h: number): PixelRectangle => ({
    x: Math.round(x * width),
    y: Math.round(y * height),
    width: Math.round(w * width),
    height: Math.round(h * height),
  });
  const places = [unit(0.12, 0.18, 0.3, 0.35), unit(0.58, 0.5, 0.28, 0.32)];
  const common = {
    strategy: job.strategy,
    before,
    settings: job.settings,
    models: {
      maps: before.modelName,
      inpainting: options.has('inpainting') ? 'SDXL inpainting' : null,
      restoration: options.has('restoration') ? 'PASD' : null,
    },
    emphasisedPrompt: emphasised(before),
    hints: options.has('restoration') ? [] : ['Stage 2 was skipped: no restoration model is installed.'],
  };
  if (options.outcome === 'nothingToRepair') {
    bitmap.close();
    return job.seeds.map((seed) => ({
      result: { ...common, outcome: 'nothingToRepair', after: before, regions: [], seed },
      image: null,
    }));
  }

  const results: RefinedImage[] = [];
  for (const [seedIndex, seed] of job.seeds.entries()) {
    if (job.settings.stage1.enabled && options.has('inpainting')) {
      if (seedIndex === 0) await load('SDXL inpainting', 6_940_000_000);
      const preview = (share: number) => onEvent(latents(places[share > 0.5 ? 1 : 0] as PixelRectangle, share));
      await stage('inpaint', { steps: job.settings.stage1.steps, seedIndex, preview });
      await stage('analyseAgain', { steps: 1, seedIndex });
    }
    if (job.settings.stage2.enabled && options.has('restoration')) {
      if (seedIndex === 0) await load('PASD', 3_420_000_000);
      await stage('restore', { steps: job.settings.stage2.steps, seedIndex });
      await stage('analyseAgain', { steps: 1, seedIndex });
    }
    await stage('gate', { steps: 1, seedIndex });
    // The middle seed of several is the best, the last is rejected.
    const isRejected = options.outcome === 'rejected' || (job.seeds.length > 2 && seedIndex === job.seeds.length - 1);
    const isWorse = options.outcome === 'worse';
    const gain = isRejected ? start : isWorse ? start - 0.4 : start + (1 - start) * (seedIndex === 1 ? 0.62 : 0.5);
    const regions = places.map(
      (place, i): RegionOutcome => ({
        place,
        stage: 'inpaint',
        before: 0.31 + i * 0.08,
        after: isRejected || isWorse || i === 1 ? 0.27 : 0.78,
        kept: isWorse || (!isRejected && i === 0),
        reason:
          !isWorse && (isRejected || i === 1)
            ? 'Its quality would have fallen from 39 to 27, more than the 2 allowed.'
            : null,
      }),
    );
    const image = isRejected ? null : await painted(bitmap, { places, seed: seed + start * 97 });
    if (image) {
      gains.set(image, gain);
      gainBySize.set(image.size, gain);
    }
    results.push({
      result: {
        ...common,
        outcome: isRejected ? 'rejected' : 'refined',
        after: isRejected ? before : await analysis(gain),
        regions,
        seed,
      },
      image,
    });
  }
  bitmap.close();
  return results;
}

/** The prompt with what is missing in brackets and a weight. */
function emphasised({ prompt, alignment }: AnalysisResult): string {
  let text = prompt;
  for (const { phrase, emphasis } of alignment?.phrases ?? []) {
    if (emphasis > 1) text = text.replace(phrase.text, `(${phrase.text}:${emphasis.toFixed(2)})`);
  }
  return text;
}

/** A soft bright disc on the picture in its first place: a change one can see, and nothing outside of it. */
async function painted(bitmap: ImageBitmap, { places, seed }: { places: readonly PixelRectangle[]; seed: number }) {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext('2d');
  const place = places[0];
  if (!context || !place) throw new TypeError('no canvas');
  context.drawImage(bitmap, 0, 0);
  const [x, y] = [place.x + place.width / 2, place.y + place.height / 2];
  const radius = Math.min(place.width, place.height) / 2;
  const ball = context.createRadialGradient(x - radius / 3, y - radius / 3, radius / 12, x, y, radius);
  const hue = Math.round(seed * 47) % 360;
  ball.addColorStop(0, `hsl(${hue} 90% 88%)`);
  ball.addColorStop(0.55, `hsl(${hue} 70% 52%)`);
  ball.addColorStop(1, `hsl(${hue} 75% 22%)`);
  context.fillStyle = ball;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
  return canvas.convertToBlob({ type: 'image/png' });
}

/** A rough picture of latents: noise that clears. */
function latents(place: PixelRectangle, share: number): RefineEvent {
  const [width, height] = [48, 48];
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [(i % width) / width - 0.5, Math.floor(i / width) / height - 0.5];
    const ball = x * x + y * y < 0.16 ? 200 - 500 * (x * x + y * y) : 120;
    for (let c = 0; c < 3; c++) {
      const noise = ((Math.sin(i * 12.9898 + c * 78.233 + share) * 43758.5453) % 1) * 130 * (1 - share);
      rgba[i * 4 + c] = ball * (c === 0 ? 1 : 0.75) + noise;
    }
    rgba[i * 4 + 3] = 255;
  }
  return { type: 'preview', place, width, height, rgba };
}

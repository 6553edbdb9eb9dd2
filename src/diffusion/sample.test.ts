import { describe, expect, test } from 'vitest';
import { UserError } from '../errors.ts';
import type { Denoiser } from '../pipeline/diffusionPorts.ts';
import { ArrayTensorDevice } from './arrayTensorDevice.ts';
import { fakeScheduler } from './fakeScheduler.ts';
import { planSampling } from './planSampling.ts';
import { type SampleOptions, type SamplingPreview, type SamplingSnapshot, sample, startingLatents } from './sample.ts';
import type { SamplerName } from './samplerName.ts';
import { seededNoise } from './seededNoise.ts';

const scheduler = fakeScheduler;
const samplers: readonly SamplerName[] = ['ddim', 'euler', 'euler_ancestral', 'dpmpp_2m_karras', 'unipc'];
const dims = [1, 4, 3, 5];
const length = 60;
const steps = 10;
const noise = (step: number) => seededNoise({ seed: 1, purpose: 'step', step, length });
const image = Float32Array.from({ length }, (_, i) => Math.sin(i));

/** A model of the latents and the timestep; conditional and unconditional differ. Reads past the counter. */
function fakeDenoiser(device: ArrayTensorDevice, onPredict?: (call: number) => void) {
  const [conditional, unconditional] = [device.create(dims), device.create(dims)];
  let calls = 0;
  const denoiser: Denoiser = {
    async predict(input, timestep) {
      onPredict?.(calls++);
      const { reads } = device;
      const values = await device.read(input);
      device.reads = reads;
      const model = (text: number) => values.map((value, i) => Math.tanh(value + text * Math.cos(i)) + timestep / 3000);
      device.write(conditional, model(0.3));
      device.write(unconditional, model(-0.1));
      return { conditional, unconditional };
    },
    dispose() {
      conditional.dispose();
      unconditional.dispose();
    },
  };
  return denoiser;
}

/** Samples with defaults; the result and the device, to ask what was read. */
async function run(
  sampler: SamplerName,
  { onPredict, ...options }: Partial<SampleOptions> & { onPredict?: (call: number) => void } = {},
) {
  const device = new ArrayTensorDevice();
  const plan = planSampling({ sampler, scheduler, steps, strength: 0.8 });
  const clean = device.create(dims, image);
  const latents = startingLatents(plan, {
    device,
    image: clean,
    noise: seededNoise({ seed: 1, purpose: 'start', length }),
  });
  const denoiser = fakeDenoiser(device, onPredict);
  try {
    await sample({ plan, device, latents, denoiser, guidanceScale: 5, noise, ...options });
    const { reads, checks } = device;
    return { values: await device.read(latents), reads, checks };
  } finally {
    for (const owned of [clean, latents, denoiser]) owned.dispose();
    // Whatever happens, sampling leaves nothing behind.
    expect(device.alive).toBe(0);
  }
}

describe.each(samplers)('%s', (sampler) => {
  test('reads nothing back without previews, but asks once whether all is finite', async () => {
    const told: string[] = [];
    const { reads, checks, values } = await run(sampler, { onStep: (done, total) => told.push(`${done}/${total}`) });
    expect({ reads, checks }).toEqual({ reads: 0, checks: 1 });
    expect(told).toEqual(['1/10', '2/10', '3/10', '4/10', '5/10', '6/10', '7/10', '8/10', '9/10', '10/10']);
    expect(values.every(Number.isFinite)).toBe(true);
  });

  test('previews change nothing, and only they read', async () => {
    const previews: SamplingPreview[] = [];
    const seen = await run(sampler, { previewEvery: 4, onPreview: (preview) => void previews.push(preview) });
    const unseen = await run(sampler);
    expect(seen.values).toEqual(unseen.values);
    expect(previews.map(({ done }) => done)).toEqual([4, 8]);
    const { keptCount } = planSampling({ sampler, scheduler, steps, strength: 0.8 });
    expect(seen.reads).toBe(2 * (2 + keptCount));
    expect(seen.checks).toBe(3);
  });

  test('goes on from any snapshot to the same result, to the bit', async () => {
    const snapshots: SamplingSnapshot[] = [];
    const whole = await run(sampler, { previewEvery: 1, onPreview: ({ snapshot }) => void snapshots.push(snapshot) });
    expect(snapshots.map(({ nextStep }) => nextStep)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (const resumeFrom of snapshots) {
      const done: number[] = [];
      const resumed = await run(sampler, {
        resumeFrom: structuredClone(resumeFrom),
        onStep: (step) => done.push(step),
      });
      expect(resumed.values).toEqual(whole.values);
      expect(done[0]).toBe(resumeFrom.nextStep + 1);
    }
  });

  test('a device lost in the middle: the job goes on from its last snapshot', async () => {
    let last: SamplingSnapshot | undefined;
    const lost = run(sampler, {
      previewEvery: 3,
      onPreview: ({ snapshot }) => {
        last = snapshot;
      },
      onPredict: (call) => {
        if (call === 7) throw new UserError('DeviceLostError', 'gone');
      },
    });
    await expect(lost).rejects.toMatchObject({ name: 'DeviceLostError' });
    expect(last?.nextStep).toBe(6);
    const resumed = await run(sampler, { resumeFrom: last as SamplingSnapshot });
    expect(resumed.values).toEqual((await run(sampler)).values);
  });
});

test('a preview shows x0 as the step saw it', async () => {
  // The model predicts the very noise that was added, so x0 is the image from the first step on.
  const device = new ArrayTensorDevice();
  const added = seededNoise({ seed: 1, purpose: 'start', length });
  for (const predictionType of ['epsilon', 'v_prediction'] as const) {
    const plan = planSampling({
      sampler: 'ddim',
      scheduler: { ...scheduler, predictionType },
      steps: 4,
      strength: 0.5,
    });
    const latents = startingLatents(plan, { device, image: device.create(dims, image), noise: added });
    const { image: alpha, noise: sigma } = plan.start;
    const velocity = added.map((value, i) => alpha * value - sigma * (image[i] as number));
    const prediction = device.create(dims, predictionType === 'epsilon' ? added : velocity);
    const first = new Promise<Float32Array>((resolve) => {
      const denoiser = { predict: async () => ({ conditional: prediction, unconditional: null }), dispose() {} };
      const onPreview = ({ denoised }: SamplingPreview) => resolve(denoised);
      void sample({ plan, device, latents, denoiser, guidanceScale: 1, noise, previewEvery: 1, onPreview });
    });
    (await first).forEach((value, i) => {
      expect(value).toBeCloseTo(image[i] as number, 5);
    });
  }
});

test('guidance is u + g (c − u), and 1 leaves the conditional as it is', async () => {
  const device = new ArrayTensorDevice();
  const plan = {
    steps: [
      {
        timestep: 1,
        inputScale: 1,
        updates: [{ target: 'latents' as const, terms: [{ source: 'prediction' as const, factor: 1 }] }],
        denoised: { latents: 1, prediction: 0 },
      },
    ],
    start: { image: 0, noise: 1 },
    keptCount: 0,
  };
  const [conditional, unconditional] = [device.create([1], Float32Array.of(3)), device.create([1], Float32Array.of(1))];
  const guided = async (guidanceScale: number, negative = true) => {
    const latents = device.create([1]);
    const predict = async () => ({ conditional, unconditional: negative ? unconditional : null });
    await sample({ plan, device, latents, denoiser: { predict, dispose() {} }, guidanceScale, noise });
    return (await device.read(latents))[0];
  };
  expect(await guided(7.5)).toBe(1 + 7.5 * (3 - 1));
  expect(await guided(1)).toBe(3);
  expect(await guided(7.5, false)).toBe(3);
});

describe('cancelling', () => {
  test.each([0, 1, 6])('before step %i: the model does not run again', async (stop) => {
    const signal = { aborted: stop === 0 };
    let calls = 0;
    const cancelled = run('unipc', {
      signal,
      onPredict: () => calls++,
      onStep: (done) => {
        signal.aborted = done === stop;
      },
    });
    await expect(cancelled).rejects.toMatchObject({ name: 'AbortError' });
    expect(calls).toBe(stop);
  });
});

describe('numbers that are none', () => {
  const broken = (value: number, from: number) => {
    const device = new ArrayTensorDevice();
    const plan = planSampling({ sampler: 'dpmpp_2m_karras', scheduler, steps, strength: 1 });
    const out = device.create(dims);
    let calls = 0;
    const denoiser: Denoiser = {
      async predict() {
        device.write(out, new Float32Array(length).fill(calls++ >= from ? value : 0.1));
        return { conditional: out, unconditional: null };
      },
      dispose() {},
    };
    const latents = device.create(dims, image);
    return { options: { plan, device, denoiser, latents, guidanceScale: 1, noise }, calls: () => calls };
  };

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('%f stops the job at the next preview', async (value) => {
    const { options, calls } = broken(value, 2);
    let previews = 0;
    const job = sample({ ...options, previewEvery: 4, onPreview: () => void previews++ });
    await expect(job).rejects.toMatchObject({
      name: 'NumbersError',
      message: expect.stringContaining('NaN or infinite'),
    });
    expect({ calls: calls(), previews }).toEqual({ calls: 4, previews: 0 });
  });

  test('in the last step is found as well', async () => {
    const { options } = broken(Number.NaN, steps - 1);
    await expect(sample(options)).rejects.toMatchObject({ name: 'NumbersError' });
  });
});

test('a snapshot of another sampler is refused', async () => {
  let snapshot: SamplingSnapshot | undefined;
  await run('ddim', {
    previewEvery: 5,
    onPreview: (preview) => {
      snapshot = preview.snapshot;
    },
  });
  await expect(run('unipc', { resumeFrom: snapshot as SamplingSnapshot })).rejects.toThrow('of another sampler');
});

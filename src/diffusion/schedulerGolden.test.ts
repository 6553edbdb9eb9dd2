/**
 * Every sampler against diffusers, step by step (`python reference/make_fixtures.py`, reference/scheduler_goldens.py): every
 * spacing and prediction type, 1, 2, 10 and 20 executed steps, at strengths 1, 0.95, 0.5 and 0.2.
 *
 * Bound: 1e-5 of the largest latent, or 1e-5 where that is less than 1. diffusers works its factors out in float32.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bytesSource } from '../checkpoint/byteSource.ts';
import { tensorAsFloat32 } from '../checkpoint/dtypes.ts';
import { openSafetensors } from '../checkpoint/safetensors.ts';
import { ArrayTensorDevice } from './arrayTensorDevice.ts';
import { noiseSchedule } from './noiseSchedule.ts';
import { planSampling } from './planSampling.ts';
import { sample, startingLatents } from './sample.ts';
import type { SamplerName } from './samplerName.ts';
import type { SchedulerConfig } from './schedulerConfig.ts';

type Spacing = NonNullable<SchedulerConfig['timestepSpacing']>;
type Case = readonly [
  sampler: SamplerName | 'ddim_eta' | 'ddim_alpha0',
  betas: SchedulerConfig['betaSchedule'],
  spacing: Spacing,
  offset: number,
  prediction: SchedulerConfig['predictionType'],
  steps: number,
  strength: number,
  start: number,
];

const golden = new URL('../../reference/fixtures/golden/', import.meta.url);
const manifest: { cases: Case[]; betas: Record<string, [number, number]> } = JSON.parse(
  readFileSync(new URL('schedulers.json', golden), 'utf8'),
);
const file = await openSafetensors(
  bytesSource('schedulers.safetensors', readFileSync(new URL('schedulers.safetensors', golden))),
);
const tensor = async (name: string) => tensorAsFloat32(file.tensors.get(name) as never);
const values = await tensor('values');

const count = 8;
const eight = (value: (i: number) => number) => Float32Array.from({ length: count }, (_, i) => value(i));
const image = eight((i) => Math.sin(1.7 * i + 0.3));
const noise = (step: number) => eight((i) => 1.4 * Math.sin(2.9 * i + 5.3 * step + 0.7));
const prediction = (x: Float32Array, t: number) =>
  eight(
    (i) =>
      Math.tanh(0.9 * (x[i] as number) - 0.5 * (x[(i + 1) % count] as number) + 0.2 * Math.cos(i)) + (0.3 * t) / 1000,
  );

const configOf = ([name, betas, spacing, offset, predictionType]: Case): SchedulerConfig => ({
  trainTimesteps: 1000,
  betaStart: manifest.betas[betas]?.[0] as number,
  betaEnd: manifest.betas[betas]?.[1] as number,
  betaSchedule: betas,
  predictionType,
  timestepSpacing: spacing,
  stepsOffset: offset,
  setAlphaToOne: name !== 'ddim_alpha0',
});

/** The largest difference from the golden over all steps, against the bound's unit. */
async function differenceFromGolden(golden: Case): Promise<number> {
  const [name, , , , , steps, strength, start] = golden;
  const sampler = name.startsWith('ddim') ? 'ddim' : (name as SamplerName);
  const plan = planSampling({
    sampler,
    scheduler: configOf(golden),
    steps,
    strength,
    eta: name === 'ddim_eta' ? 0.7 : 0,
  });
  expect(plan.steps.map(({ timestep }) => Math.fround(timestep))).toEqual(
    Array.from(values.slice(start, start + steps)),
  );

  const device = new ArrayTensorDevice();
  const dims = [1, 2, 2, 2];
  const latents = startingLatents(plan, { device, image: device.create(dims, image), noise: noise(-1) });
  const trajectory = [await device.read(latents)];
  const out = device.create(dims);
  await sample({
    plan,
    device,
    latents,
    guidanceScale: 1,
    noise,
    denoiser: {
      async predict(input, timestep) {
        device.write(out, prediction(await device.read(input), timestep));
        return { conditional: out, unconditional: null };
      },
      dispose() {},
    },
    previewEvery: 1,
    onPreview: ({ snapshot }) => void trajectory.push(snapshot.latents),
  });
  trajectory.push(await device.read(latents));
  expect(trajectory.length).toBe(steps + 1);

  let worst = 0;
  trajectory.forEach((ours, step) => {
    const at = start + steps + step * count;
    const theirs = values.subarray(at, at + count);
    const unit = Math.max(1, ...Array.from(theirs, Math.abs));
    ours.forEach((value, i) => {
      worst = Math.max(worst, Math.abs(value - (theirs[i] as number)) / unit);
    });
  });
  return worst;
}

test.each(Object.keys(manifest.betas))('the noise of %s', async (betas) => {
  const [betaStart, betaEnd] = manifest.betas[betas] as [number, number];
  const theirs = await tensor(`alphas_cumprod.${betas}`);
  const { alphasCumprod } = noiseSchedule({
    ...configOf(manifest.cases[0] as Case),
    betaSchedule: betas as SchedulerConfig['betaSchedule'],
    betaStart,
    betaEnd,
  });
  const worst = alphasCumprod.reduce(
    (most, value, t) => Math.max(most, Math.abs(value / (theirs[t] as number) - 1)),
    0,
  );
  // Ends of torch's `linspace` are summed in the processor's own vector width.
  expect(worst).toBeLessThan(1e-6);
});

describe.each([...new Set(manifest.cases.map(([name]) => name))])('%s', (name) => {
  const cases = manifest.cases.filter((golden) => golden[0] === name);
  test.each(cases)('%s, %s, %s, offset %i, %s, %i steps at strength %f', async (...golden) => {
    expect(await differenceFromGolden(golden)).toBeLessThan(1e-5);
  });
});

import { describe, expect, test } from 'vitest';
import { fakeScheduler } from './fakeScheduler.ts';
import { planSampling, scheduledSteps } from './planSampling.ts';
import type { SamplerName } from './samplerName.ts';
import { roundHalfEven, scheduledTimesteps } from './timesteps.ts';

const scheduler = fakeScheduler;
const samplers: readonly SamplerName[] = ['ddim', 'euler', 'euler_ancestral', 'dpmpp_2m_karras', 'unipc'];

describe('truncated starts', () => {
  test.each([
    [10, 1, 10],
    [10, 0.95, 11],
    [10, 0.2, 50],
    [1, 0.95, 2],
    [7, 0.7, 10],
    [3, 0.3, 10],
  ])('%i steps at strength %f are the last of %i', (steps, strength, scheduled) => {
    expect(scheduledSteps({ steps, strength })).toBe(scheduled);
  });

  test.each(samplers)('%s executes the end of the whole schedule', (sampler) => {
    const whole = planSampling({ sampler, scheduler, steps: 20, strength: 1 });
    const end = planSampling({ sampler, scheduler, steps: 10, strength: 0.5 });
    expect(end.steps.map(({ timestep }) => timestep)).toEqual(whole.steps.slice(10).map(({ timestep }) => timestep));
    expect(whole.start.image).toBe(0);
    expect(end.start.image).toBeGreaterThan(0);
    expect(end.start.noise).toBeGreaterThan(0);
  });

  test.each(samplers)('the weaker, the more of the image %s starts from', (sampler) => {
    const share = (strength: number) => {
      const { image, noise } = planSampling({ sampler, scheduler, steps: 10, strength }).start;
      return image / noise;
    };
    expect(share(0.1)).toBeGreaterThan(share(0.2));
    expect(share(0.2)).toBeGreaterThan(share(0.9));
  });
});

describe('a plan', () => {
  const deterministic = samplers.filter((sampler) => sampler !== 'euler_ancestral');

  test.each(deterministic)('%s ends at x0 where a perfect model says the same at every step', (sampler) => {
    // x0 = 2 and noise 0.5 make every x_t; the model knows the noise.
    const plan = planSampling({ sampler, scheduler: { ...scheduler, setAlphaToOne: true }, steps: 8, strength: 0.5 });
    const state = new Map<string, number>([
      ['latents', plan.start.image * 2 + plan.start.noise * 0.5],
      ['prediction', 0.5],
    ]);
    for (const { updates } of plan.steps) {
      for (const { target, terms } of updates) {
        const sum = terms.reduce((total, { source, factor }) => total + factor * (state.get(source) ?? 0), 0);
        state.set(target, sum);
      }
    }
    expect(state.get('latents')).toBeCloseTo(2, 10);
  });

  test('reads only what was written, names no more than it keeps, has at most 8 terms and no zeros', () => {
    for (const sampler of samplers) {
      const plan = planSampling({ sampler, scheduler, steps: 6, strength: 1, eta: 1 });
      const written = new Set(['latents', 'prediction', 'noise']);
      for (const { updates } of plan.steps) {
        for (const { target, terms } of updates) {
          expect(terms.length).toBeLessThanOrEqual(8);
          expect(terms.length).toBeGreaterThan(0);
          for (const { source, factor } of terms) {
            expect(written).toContain(source);
            expect(factor).not.toBe(0);
          }
          written.add(target);
        }
      }
      expect([...written].filter((name) => name.startsWith('kept')).length).toBe(plan.keptCount);
    }
  });

  test('only stochastic samplers ask for noise', () => {
    const asks = (sampler: SamplerName, eta = 0) =>
      planSampling({ sampler, scheduler, steps: 6, strength: 1, eta }).steps.map(({ updates }) =>
        updates.some(({ terms }) => terms.some(({ source }) => source === 'noise')),
      );
    for (const sampler of ['ddim', 'euler', 'dpmpp_2m_karras', 'unipc'] as const)
      expect(asks(sampler)).not.toContain(true);
    expect(asks('ddim', 1)).toContain(true);
    // The last step goes down to no noise.
    expect(asks('euler_ancestral')).toEqual([true, true, true, true, true, false]);
  });
});

describe('misuse', () => {
  test.each([
    [{ steps: 0, strength: 1 }, 'Steps are 0'],
    [{ steps: 2.5, strength: 1 }, 'Steps are 2.5'],
    [{ steps: 10, strength: 0 }, 'strength is 0'],
    [{ steps: 10, strength: 1.1 }, 'strength is 1.1'],
    [{ steps: 10, strength: 1, eta: 2 }, 'Eta is 2'],
    [{ steps: 100, strength: 0.05 }, 'a schedule of 2000: too many'],
  ])('%j', (options, message) => {
    expect(() => planSampling({ sampler: 'ddim', scheduler, ...options })).toThrow(RangeError);
    expect(() => planSampling({ sampler: 'ddim', scheduler, ...options })).toThrow(message);
  });

  test('timesteps that coincide or fall outside the training are no schedule', () => {
    expect(() => planSampling({ sampler: 'unipc', scheduler, steps: 1000, strength: 1 })).toThrow(RangeError);
    expect(() => planSampling({ sampler: 'ddim', scheduler, steps: 1000, strength: 1 })).toThrow(RangeError);
  });
});

describe('timesteps', () => {
  test('halves go to the even neighbour', () => {
    expect([0.5, 1.5, 2.5, 2.4, 2.6, 3.5].map(roundHalfEven)).toEqual([0, 2, 2, 2, 3, 4]);
  });
  test.each([
    ['ddim', 'leading', [751, 501, 251, 1]],
    ['ddim', 'trailing', [999, 749, 499, 249]],
    ['ddim', 'linspace', [999, 666, 333, 0]],
    ['multistep', 'leading', [801, 601, 401, 201]],
    ['multistep', 'linspace', [999, 749, 500, 250]],
  ] as const)('%s, %s', (family, spacing, expected) => {
    expect(scheduledTimesteps(scheduler, { steps: 4, spacing, family })).toEqual(expected);
  });
  test('as many as asked for where diffusers makes one more', () => {
    const timesteps = scheduledTimesteps(scheduler, { steps: 61, spacing: 'trailing', family: 'ddim' });
    expect(timesteps.length).toBe(61);
    expect(Math.min(...timesteps)).toBeGreaterThanOrEqual(0);
  });
});

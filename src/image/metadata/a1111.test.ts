import { describe, expect, it } from 'vitest';
import { parseA1111 } from './a1111.ts';

/** Reading is linear: quadratic, it would take minutes, and on a busy machine linear takes seconds. */
const HANG_MS = 30_000;

describe('parseA1111', () => {
  it('reads prompt, negative prompt and settings', () => {
    const parsed = parseA1111(
      'a red fox in snow, <lora:fur:0.8>\nsecond line\nNegative prompt: blurry, text\nworst quality\n' +
        'Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 42, Size: 512x768, Model hash: 6ce0161689, ' +
        'Model: v1-5, Version: v1.10.1',
    );
    expect(parsed).toEqual({
      source: 'A1111',
      prompt: 'a red fox in snow, <lora:fur:0.8>\nsecond line',
      negativePrompt: 'blurry, text\nworst quality',
      settings: {
        Steps: '20',
        Sampler: 'DPM++ 2M',
        'Schedule type': 'Karras',
        'CFG scale': '7',
        Seed: '42',
        Size: '512x768',
        'Model hash': '6ce0161689',
        Model: 'v1-5',
        Version: 'v1.10.1',
      },
    });
  });

  it('reads quoted values with commas, colons, quotes and line breaks', () => {
    const parsed = parseA1111(
      'a\nSteps: 4, Lora hashes: "fur: aa11, snow: bb22", ControlNet 0: "Module: canny, Weight: 1", Note: "say \\"hi\\"\\nthere", Seed: 1',
    );
    expect(parsed?.settings).toEqual({
      Steps: '4',
      'Lora hashes': 'fur: aa11, snow: bb22',
      'ControlNet 0': 'Module: canny, Weight: 1',
      Note: 'say "hi"\nthere',
      Seed: '1',
    });
  });

  it('knows Forge and Fooocus by their versions', () => {
    const source = (version: string) => parseA1111(`a\nSteps: 4, Seed: 1, Version: ${version}`)?.source;
    expect(source('f2.0.1v1.10.1-previous-659-gc055f2d4')).toBe('Forge');
    expect(source('Fooocus v2.5.5')).toBe('Fooocus');
    expect(source('v1.6.0')).toBe('A1111');
  });

  it('reads a text without a negative prompt, without settings, without a prompt', () => {
    expect(parseA1111('a fox\nSteps: 1')).toEqual({ source: 'A1111', prompt: 'a fox', settings: { Steps: '1' } });
    expect(parseA1111('a fox\nNegative prompt: dull')).toMatchObject({
      prompt: 'a fox',
      negativePrompt: 'dull',
      settings: {},
    });
    expect(parseA1111('Steps: 20, Sampler: Euler')).toMatchObject({ prompt: '' });
    expect(parseA1111('Negative prompt: dull\nSteps: 20, Sampler: Euler')).toMatchObject({
      prompt: '',
      negativePrompt: 'dull',
    });
  });

  it('finds the settings before lines that extensions add, and in a last line without steps', () => {
    expect(parseA1111('a fox\nSteps: 9, Seed: 3\nTemplate: a __animal__')?.settings).toEqual({ Steps: '9', Seed: '3' });
    expect(parseA1111('a fox\nSampler: Euler, Seed: 3, Size: 1x1')).toMatchObject({ prompt: 'a fox' });
  });

  it('keeps a prompt that speaks of steps and has colons', () => {
    const parsed = parseA1111('Steps to the temple: stone, moss, style: ink\nSteps: 9, Seed: 3, Size: 1x1');
    expect(parsed?.prompt).toBe('Steps to the temple: stone, moss, style: ink');
  });

  it('takes a comment for a comment', () => {
    expect(parseA1111('Shot with my phone: nice, sunny')).toBeNull();
    expect(parseA1111('')).toBeNull();
  });

  it('keeps hostile names as plain settings', () => {
    const parsed = parseA1111('a\nSteps: 1, __proto__: x, constructor: y');
    expect(Object.getPrototypeOf(parsed?.settings)).toBe(Object.prototype);
    expect(Object.keys(parsed?.settings ?? {})).toEqual(['Steps', '__proto__', 'constructor']);
  });

  it('reads a megabyte of unmatched quotes and colons without a hang', { timeout: HANG_MS }, () => {
    for (const hostile of ['"a: ', 'a:', '"\\', 'a '.repeat(20)]) {
      expect(parseA1111(`fox\nSteps: 1, ${hostile.repeat(1_000_000 / hostile.length)}`)?.prompt).toBe('fox');
    }
  });
});

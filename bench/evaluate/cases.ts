import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RgbaImage } from '../../src/image/rgbaImage.ts';

/** Side of all pictures of Blocks, in pixels. */
export const SIDE = 256;

/** A solid in words of the world (training/blocks/world.py). */
export interface Solid {
  readonly shape: string;
  readonly colour: string;
  readonly size: string;
  readonly material: string;
}

/** A picture with a known fault, as `training/blocks/cases.py` writes it. */
export interface Case {
  readonly seed: number;
  readonly kind: 'technical' | 'rationality' | 'naturalness' | 'absent' | 'attribute' | 'clean';
  /** e.g. `blur`, `absent`, `wrong colour`. */
  readonly fault: string;
  /** Of damage, else 0. */
  readonly strength: number;
  readonly prompt: string;
  /** What is seen in the picture. */
  readonly solids: readonly Solid[];
  /** What the prompt asks for and the picture lacks. */
  readonly asked: Solid | null;
  readonly picture: RgbaImage;
  /** As it should be. */
  readonly right: RgbaImage;
  /** `[SIDE, SIDE]`, 0..255: how damaged a pixel is; or the solid that is meant. */
  readonly mask: Uint8Array;
}

/** Whether pixels are damaged; else something is missing or wrongly described, or nothing is wrong. */
export function isDamage(kind: Case['kind']): kind is 'technical' | 'rationality' | 'naturalness' {
  return kind === 'technical' || kind === 'rationality' || kind === 'naturalness';
}

/** Whether a picture shows all that its prompt names, as described. */
export function showsPrompt(kind: Case['kind']): boolean {
  return kind !== 'absent' && kind !== 'attribute';
}

/** Reads the case of a seed. */
export function readCase(folder: string, seed: number): Case {
  const facts = JSON.parse(readFileSync(join(folder, `${seed}.json`), 'utf8')) as Omit<
    Case,
    'picture' | 'right' | 'mask'
  >;
  const bytes = readFileSync(join(folder, `${seed}.bin`));
  const pixels = SIDE * SIDE;
  if (bytes.length !== 7 * pixels)
    throw new RangeError(`Case ${seed} has ${bytes.length} bytes, expected ${7 * pixels}`);
  return {
    ...facts,
    picture: opaque(bytes.subarray(0, 3 * pixels)),
    right: opaque(bytes.subarray(3 * pixels, 6 * pixels)),
    mask: bytes.subarray(6 * pixels),
  };
}

function opaque(rgb: Uint8Array): RgbaImage {
  const data = new Uint8ClampedArray(SIDE * SIDE * 4).fill(255);
  for (let i = 0, j = 0; i < rgb.length; i += 3, j += 4) data.set(rgb.subarray(i, i + 3), j);
  return { width: SIDE, height: SIDE, data };
}

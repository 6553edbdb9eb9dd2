import type { JsonObject } from '../checkpoint/readJson.ts';
import { UserError } from '../errors.ts';

/**
 * Reads members of a diffusers `config.json`. Published files leave out what equals diffusers' defaults, so every member
 * has its default here too. `null` is Python's `None`: no default, but as false as `false`.
 */
export class ConfigMembers {
  readonly #json: JsonObject;
  readonly #file: string;
  readonly #known = new Set<string>();

  /** @param file as errors name it, e.g. `unet/config.json` */
  constructor(json: JsonObject, file: string) {
    this.#json = json;
    this.#file = file;
  }

  /** The value of a member, unchecked; undefined where it is left out. */
  value(member: string): unknown {
    this.#known.add(member);
    return this.#json[member];
  }

  #valueOr<T>(member: string, defaultValue: T): unknown {
    const value = this.value(member);
    return value === undefined ? defaultValue : value;
  }

  /** @throws {UserError} `CheckpointError`: not a whole number from `min` (1) to `max` */
  wholeNumber(
    member: string,
    { defaultValue, min = 1, max }: { defaultValue?: number; min?: number; max: number },
  ): number {
    const value = this.#valueOr(member, defaultValue);
    if (!isWhole(value, { min, max })) throw this.invalid(member, `a whole number from ${min} to ${max}`);
    return value;
  }

  /**
   * A number for every one of `count` levels; the file has a list, or one number for all.
   * @throws {UserError} `CheckpointError`
   */
  wholeNumbers(
    member: string,
    { defaultValue, max, count }: { defaultValue?: number; max: number; count: number },
  ): number[] {
    const value = this.#valueOr(member, defaultValue);
    const list = Array.isArray(value) ? value : Array.from({ length: count }, () => value);
    if (list.length !== count || !list.every((entry) => isWhole(entry, { min: 1, max }))) {
      throw this.invalid(member, `a whole number from 1 to ${max}, or ${count} of them`);
    }
    return list;
  }

  /** @throws {UserError} `CheckpointError`: not a number in `min`..`max`, the bounds themselves excluded */
  number(member: string, { defaultValue, min, max }: { defaultValue?: number; min: number; max: number }): number {
    const value = this.#valueOr(member, defaultValue);
    if (typeof value !== 'number' || !(value > min && value < max)) {
      throw this.invalid(member, `a number between ${min} and ${max}`);
    }
    return value;
  }

  /** @throws {UserError} `CheckpointError`: neither true nor false */
  flag(member: string, defaultValue: boolean): boolean {
    const value = this.#valueOr(member, defaultValue) ?? false;
    if (typeof value !== 'boolean') throw this.invalid(member, 'true or false');
    return value;
  }

  /** @throws {UserError} `UnsupportedModelError`: none of those we compile */
  oneOf<T extends string>(member: string, allowed: readonly T[], defaultValue?: T): T {
    const value = this.#valueOr(member, defaultValue);
    if (!allowed.includes(value as T)) throw this.unsupported(member, allowed);
    return value as T;
  }

  /** Every one of a list is of those we compile. @throws {UserError} `CheckpointError`, `UnsupportedModelError` */
  listOf<T extends string>(member: string, allowed: readonly T[], defaultValue: readonly T[]): readonly T[] {
    const value = this.#valueOr(member, defaultValue);
    if (!Array.isArray(value) || value.length === 0) throw this.invalid(member, 'a list');
    if (!value.every((entry) => allowed.includes(entry))) throw this.unsupported(member, allowed);
    return value;
  }

  /**
   * Members that change what is computed and of which we compile one value.
   * @throws {UserError} `UnsupportedModelError`: one has another value
   */
  require(members: Readonly<Record<string, string | number | boolean | null>>): void {
    for (const [member, expected] of Object.entries(members)) {
      const value = this.#valueOr(member, expected);
      if (value !== expected && !(expected === false && value === null)) throw this.unsupported(member, [expected]);
    }
  }

  /** Members that change nothing that is computed, whatever their value. */
  ignore(...members: readonly string[]): void {
    for (const member of members) this.#known.add(member);
  }

  /**
   * To be called last: a member nobody asked for may change anything. Names that start with an underscore are diffusers'
   * own notes.
   * @throws {UserError} `UnsupportedModelError`
   */
  refuseOthers(): void {
    for (const [member, value] of Object.entries(this.#json)) {
      if (this.#known.has(member) || member.startsWith('_') || value === null) continue;
      throw this.#unsupported(`${member} is ${JSON.stringify(value)}, which we do not know`);
    }
  }

  /** @param expected what it should be, in words */
  invalid(member: string, expected: string): UserError {
    const found = JSON.stringify(this.#json[member]) ?? 'missing';
    return new UserError('CheckpointError', `Cannot read "${this.#file}": ${member} is ${found}, expected ${expected}`);
  }

  /** @param allowed values of the member that we compile */
  unsupported(member: string, allowed: readonly unknown[]): UserError {
    const found = JSON.stringify(this.#json[member]) ?? 'missing';
    const expected = allowed.map((value) => JSON.stringify(value)).join(' or ');
    return this.#unsupported(`${member} is ${found}, expected ${expected}`);
  }

  #unsupported(detail: string): UserError {
    return new UserError(
      'UnsupportedModelError',
      `Cannot load "${this.#file}": ${detail}; use a model of the Stable Diffusion 1 or XL kind`,
    );
  }
}

function isWhole(value: unknown, { min, max }: { min: number; max: number }): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

import { isBoundedJson } from '../jsonBounds.ts';
import type { PromptStanding } from './alignmentLearning.ts';
import { fromBase64, toBase64 } from './calibrationFile.ts';

/** What was measured of one image for learning, as kept for the next time. */
export interface KeptFeatures {
  /** CLS feature `[dim]`, unit length. */
  readonly cls: Float32Array;
  /** By prompt; null: it names nothing to look for. */
  readonly standings: Readonly<Record<string, PromptStanding | null>>;
}

/** As text. */
export function writeFeatures({ cls, standings }: KeptFeatures): string {
  return JSON.stringify({ cls: toBase64(cls), standings });
}

/** What {@link writeFeatures} wrote; null: damaged, or features of another length. */
export function readFeatures(text: string, { dim }: { readonly dim: number }): KeptFeatures | null {
  try {
    if (!isBoundedJson(text)) return null;
    const { cls, standings } = JSON.parse(text) as { cls: unknown; standings: Record<string, PromptStanding | null> };
    const values = fromBase64(cls, 'cls');
    const isWhole = Object.values(standings).every(
      (one) =>
        one === null ||
        (Number.isFinite(one.prompt) &&
          one.phrases.every(
            ({ phrase, noun, negated }) =>
              Number.isFinite(phrase) && Number.isFinite(noun) && typeof negated === 'boolean',
          )),
    );
    return values.length === dim && isWhole ? { cls: values, standings } : null;
  } catch {
    return null;
  }
}

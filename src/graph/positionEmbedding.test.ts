import { describe, expect, it } from 'vitest';
import { resizePositions } from './positionEmbedding.ts';

describe('resizePositions', () => {
  it('returns the same values at the same size', () => {
    const values = Float32Array.of(1, 2, 3, 4);
    expect(resizePositions({ side: 2, width: 1, values }, 2)).toBe(values);
  });

  it('interpolates with half-pixel centres and repeats the border', () => {
    // F.interpolate(torch.tensor([[[[0., 4.], [8., 12.]]]]), size=(4, 4), mode='bilinear', align_corners=False)
    const resized = resizePositions({ side: 2, width: 1, values: Float32Array.of(0, 4, 8, 12) }, 4);
    expect([...resized]).toEqual([0, 1, 3, 4, 2, 3, 5, 6, 6, 7, 9, 10, 8, 9, 11, 12]);
  });

  it('shrinks without antialiasing, every channel for itself', () => {
    const values = Float32Array.from({ length: 4 * 4 * 2 }, (_, i) => (i % 2 === 0 ? i / 2 : -i));
    // Positions 0.5 and 2.5: means of cells 0, 1 and of 2, 3.
    const resized = resizePositions({ side: 4, width: 2, values }, 2);
    expect([...resized]).toEqual([2.5, -6, 4.5, -10, 10.5, -22, 12.5, -26]);
  });
});

import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web';
import { planarFromRgba } from '../../src/image/planarPixels.ts';
import type { RgbaImage } from '../../src/image/rgbaImage.ts';
import { connectedComponents } from '../../src/math/connectedComponents.ts';

/** Heads of the judge's output and what their channels mean, as `training/blocks/train_judge.py` has them. */
const SHAPES = ['none', 'cube', 'sphere', 'cylinder', 'cone', 'ring', 'star'];
const COLOURS = ['red', 'orange', 'yellow', 'green', 'cyan', 'blue', 'purple', 'white'];
const GRID = 25;
/** A solid counts as seen from this many connected cells on, each more likely than not. */
const LEAST_CELLS = 3;

/** Of each layer: the pixel its first cell looks at, and pixels from one cell to the next. */
const LAYERS = [
  { first: 1, stride: 2 },
  { first: 3, stride: 4 },
  { first: 7, stride: 8 },
  { first: 15, stride: 8 },
  { first: 23, stride: 8 },
  { first: 31, stride: 8 },
] as const;

/** Says what solids a picture of Blocks shows; trained apart from the models that it judges. */
export class Judge {
  readonly #session: ort.InferenceSession;

  private constructor(session: ort.InferenceSession) {
    this.#session = session;
  }

  /** @param path of `judge.onnx` */
  static async open(path: string): Promise<Judge> {
    return new Judge(
      await ort.InferenceSession.create(new Uint8Array(readFileSync(path)), { executionProviders: ['wasm'] }),
    );
  }

  /** What is seen: `seen(shape, colour)` tells whether a solid of both is. */
  async look(image: RgbaImage): Promise<(shape: string, colour: string) => boolean> {
    const { probabilities } = await this.#run(image, ['probabilities']);
    const values = probabilities?.data as Float32Array;
    const plane = (channel: number) => values.subarray(channel * GRID * GRID, (channel + 1) * GRID * GRID);
    return (shape, colour) => {
      const [ofShape, ofColour] = [plane(SHAPES.indexOf(shape)), plane(SHAPES.length + COLOURS.indexOf(colour))];
      const sure = Uint8Array.from(ofShape, (value, i) => (value * (ofColour[i] as number) > 0.5 ? 1 : 0));
      return connectedComponents(sure, { width: GRID, height: GRID }).some(({ runs }) => cellsOf(runs) >= LEAST_CELLS);
    };
  }

  /**
   * How differently two pictures look in the pixels of a mask: LPIPS (arXiv 1801.03924) with the judge's own layers for a network and
   * all channels counting alike. Blur, noise and blocks count here as they are seen, where PSNR favours a smear.
   *
   * @param mask as large as the pictures, more than half of 255 where they are compared
   * @returns 0 where they are the same; NaN for an empty mask
   */
  async distance(a: RgbaImage, b: RgbaImage, mask: Uint8Array): Promise<number> {
    const names = LAYERS.map((_, i) => `features${i}`);
    const [ofA, ofB] = [await this.#run(a, names), await this.#run(b, names)];
    let distance = 0;
    let counted = 0;
    LAYERS.forEach(({ first, stride }, layer) => {
      const [left, right] = [ofA[`features${layer}`] as ort.Tensor, ofB[`features${layer}`] as ort.Tensor];
      const [, channels = 0, height = 0, width = 0] = left.dims;
      const meant = Array.from({ length: height * width }, (_, at) => at).filter((at) => {
        const [x, y] = [first + stride * (at % width), first + stride * Math.floor(at / width)];
        return (mask[y * a.width + x] as number) > 127;
      });
      if (meant.length === 0) return;
      counted++;
      const plane = height * width;
      const [p, q] = [left.data as Float32Array, right.data as Float32Array];
      for (const at of meant) distance += cellDistance(p, q, { at, plane, channels }) / meant.length;
    });
    return counted === 0 ? Number.NaN : distance / counted;
  }

  #run(image: RgbaImage, outputs: string[]): Promise<ort.InferenceSession.OnnxValueMapType> {
    const picture = new ort.Tensor('float32', planarFromRgba(image, 'zeroToOne'), [1, 3, image.height, image.width]);
    return this.#session.run({ picture }, outputs);
  }
}

/** Squared distance of two cells' channels, each of unit length. */
function cellDistance(
  p: Float32Array,
  q: Float32Array,
  { at, plane, channels }: { readonly at: number; readonly plane: number; readonly channels: number },
): number {
  let [pp, qq, pq] = [0, 0, 0];
  for (let c = 0; c < channels; c++) {
    const [x, y] = [p[c * plane + at] as number, q[c * plane + at] as number];
    pp += x * x;
    qq += y * y;
    pq += x * y;
  }
  return pp === 0 || qq === 0 ? Number(pp !== qq) : 2 - (2 * pq) / Math.sqrt(pp * qq);
}

/** Cells of runs `row, start, end`. */
function cellsOf(runs: ArrayLike<number>): number {
  let cells = 0;
  for (let i = 0; i < runs.length; i += 3) cells += (runs[i + 2] as number) - (runs[i + 1] as number);
  return cells;
}

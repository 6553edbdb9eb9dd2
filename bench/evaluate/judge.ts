import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web';
import type { RgbaImage } from '../../src/image/rgbaImage.ts';
import { connectedComponents } from '../../src/math/connectedComponents.ts';

/** Heads of the judge's output and what their channels mean, as `training/blocks/train_judge.py` has them. */
const SHAPES = ['none', 'cube', 'sphere', 'cylinder', 'cone', 'ring', 'star'];
const COLOURS = ['red', 'orange', 'yellow', 'green', 'cyan', 'blue', 'purple', 'white'];
const GRID = 25;
/** A solid counts as seen from this many connected cells on, each more likely than not. */
const LEAST_CELLS = 3;

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
  async look({ width, height, data }: RgbaImage): Promise<(shape: string, colour: string) => boolean> {
    const planes = new Float32Array(3 * width * height);
    for (let i = 0; i < width * height; i++) {
      for (let c = 0; c < 3; c++) planes[c * width * height + i] = (data[4 * i + c] as number) / 255;
    }
    const { probabilities } = await this.#session.run({
      picture: new ort.Tensor('float32', planes, [1, 3, height, width]),
    });
    const values = probabilities?.data as Float32Array;
    const plane = (channel: number) => values.subarray(channel * GRID * GRID, (channel + 1) * GRID * GRID);
    return (shape, colour) => {
      const [ofShape, ofColour] = [plane(SHAPES.indexOf(shape)), plane(SHAPES.length + COLOURS.indexOf(colour))];
      const sure = Uint8Array.from(ofShape, (value, i) => (value * (ofColour[i] as number) > 0.5 ? 1 : 0));
      return connectedComponents(sure, { width: GRID, height: GRID }).some(({ runs }) => cellsOf(runs) >= LEAST_CELLS);
    };
  }
}

/** Cells of runs `row, start, end`. */
function cellsOf(runs: ArrayLike<number>): number {
  let cells = 0;
  for (let i = 0; i < runs.length; i += 3) cells += (runs[i + 2] as number) - (runs[i + 1] as number);
  return cells;
}

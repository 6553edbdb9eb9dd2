/**
 * A test's diffusion model: on arrays, exact, and so simple that what comes out can be worked out by hand. Its autoencoder
 * averages squares of 8 x 8 pixels, its denoiser knows the picture it wants.
 */
import { ArrayTensorDevice } from '../diffusion/arrayTensorDevice.ts';
import { fakeScheduler } from '../diffusion/fakeScheduler.ts';
import { interpolate, noiseSchedule } from '../diffusion/noiseSchedule.ts';
import { UserError } from '../errors.ts';
import type { DenoisingOptions, DeviceTensor, DiffusionModel, TextConditioning } from '../pipeline/diffusionPorts.ts';
import type { WeightedPrompt } from '../prompt/weightedPrompt.ts';

const downscale = 8;
const channels = 4;

/** One latent of the picture wanted. */
export interface FakeLatent {
  readonly x: number;
  readonly y: number;
  /** 0, 1, 2: red, green, blue in −1..1; 3: nothing. */
  readonly channel: number;
  /** What the image, or for inpainting the masked image, has there. */
  readonly image: number;
  /** 1: to be repainted. Without a mask 0. */
  readonly mask: number;
}

/** How a test's model behaves. */
export interface FakeBehaviour {
  /** The picture it paints, latent by latent. */
  readonly paint: (latent: FakeLatent) => number;
  readonly nativeSize?: number;
  /** Asked before every call of the model with how many of its kind came before: throws what the call is to fail with. */
  readonly onCall?: (kind: FakeCall['kind'], count: number) => void;
}

/** A call a test can look at. */
export type FakeCall =
  | { readonly kind: 'encodePrompt'; readonly prompt: WeightedPrompt }
  | { readonly kind: 'encodeImage' | 'openDenoiser'; readonly width: number; readonly height: number }
  | { readonly kind: 'predict' | 'decodeLatents' };

/** The model, and what was asked of it. */
export interface FakeDiffusionModel extends DiffusionModel {
  readonly device: ArrayTensorDevice;
  readonly calls: readonly FakeCall[];
  /** Text conditionings and denoisers not yet disposed. */
  readonly open: () => number;
}

/** What a lost GPU throws. */
export const deviceLost = () => new UserError('DeviceLostError', 'the test took it away');
/** What a full GPU throws. */
export const outOfMemory = () => new UserError('OutOfMemoryError', 'The test left no memory.');

/** @param task decides what the denoiser reads: a mask and masked latents, or a control image */
export function fakeDiffusionModel(
  task: DiffusionModel['task'],
  { paint, nativeSize = 64, onCall = () => {} }: FakeBehaviour,
): FakeDiffusionModel {
  const device = new ArrayTensorDevice();
  const calls: FakeCall[] = [];
  const { alphasCumprod } = noiseSchedule(fakeScheduler);
  let open = 0;
  const noted = (call: FakeCall) => {
    const count = calls.filter(({ kind }) => kind === call.kind).length;
    calls.push(call);
    onCall(call.kind, count);
  };
  const opened = (): TextConditioning => {
    open++;
    let isOpen = true;
    return {
      dispose: () => {
        if (isOpen) open--;
        isOpen = false;
      },
    };
  };

  return {
    modelName: `fake/${task}`,
    task,
    nativeSize,
    downscale,
    latentChannels: channels,
    scheduler: fakeScheduler,
    latentRgb: {
      factors: [
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
      ],
      bias: [0, 0, 0],
    },
    device,
    calls,
    open: () => open,
    async encodePrompt(prompt) {
      noted({ kind: 'encodePrompt', prompt });
      return opened();
    },
    async encodeImage(pixels, { width, height }) {
      noted({ kind: 'encodeImage', width, height });
      return device.create([1, channels, height / downscale, width / downscale], pooled(pixels, { width, height }));
    },
    async decodeLatents(latents) {
      noted({ kind: 'decodeLatents' });
      const [, , height, width] = latents.dims as [number, number, number, number];
      return unpooled(await device.read(latents), { width, height });
    },
    async openDenoiser({ size, inpaint, control, negative }: DenoisingOptions) {
      noted({ kind: 'openDenoiser', width: size.width, height: size.height });
      const handle = opened();
      const dims = [1, channels, size.height, size.width];
      const outputs = [device.create(dims), device.create(dims)] as [DeviceTensor, DeviceTensor];
      return {
        async predict(sample, timestep) {
          noted({ kind: 'predict' });
          const values = await device.read(sample);
          const mask = inpaint && (await device.read(inpaint.mask));
          const image = inpaint
            ? await device.read(inpaint.maskedLatents)
            : pooled(
                (await device.read((control as { image: DeviceTensor }).image)).map((value) => 2 * value - 1),
                { width: size.width * downscale, height: size.height * downscale },
              );
          const alpha = interpolate(alphasCumprod, timestep);
          const area = size.width * size.height;
          const noise = values.map((value, i) => {
            const place = i % area;
            const wanted = paint({
              x: place % size.width,
              y: Math.floor(place / size.width),
              channel: Math.floor(i / area),
              image: image[i] as number,
              mask: mask ? (mask[place] as number) : 0,
            });
            return (value - Math.sqrt(alpha) * wanted) / Math.sqrt(1 - alpha);
          });
          for (const output of outputs) device.write(output, noise);
          return { conditional: outputs[0], unconditional: negative ? outputs[1] : null };
        },
        dispose: () => {
          handle.dispose();
          for (const output of outputs) output.dispose();
        },
      };
    },
  };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Means of 8 x 8 pixels; the fourth channel is 0. */
function pooled(pixels: Float32Array, { width, height }: Size): Float32Array {
  const [across, down] = [width / downscale, height / downscale];
  const latents = new Float32Array(channels * across * down);
  for (let i = 0; i < pixels.length; i++) {
    const x = i % width;
    const y = Math.floor(i / width) % height;
    const channel = Math.floor(i / (width * height));
    const to = (channel * down + Math.floor(y / downscale)) * across + Math.floor(x / downscale);
    latents[to] = (latents[to] as number) + (pixels[i] as number) / downscale ** 2;
  }
  return latents;
}

/** Every latent as 8 x 8 pixels of one colour. */
function unpooled(latents: Float32Array, { width, height }: Size): Float32Array<ArrayBuffer> {
  const [across, down] = [width * downscale, height * downscale];
  return Float32Array.from({ length: 3 * across * down }, (_, i) => {
    const x = Math.floor((i % across) / downscale);
    const y = Math.floor((Math.floor(i / across) % down) / downscale);
    return latents[(Math.floor(i / (across * down)) * height + y) * width + x] as number;
  });
}

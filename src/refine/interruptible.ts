import { abortError } from '../errors.ts';
import type { DiffusionModel } from '../pipeline/diffusionPorts.ts';
import type { StageReport } from './refineStage.ts';

/**
 * The same model, which before every call waits for `pause` and looks whether it was cancelled. Without that a model that computes
 * on the CPU would never let a cancel arrive: its promises settle without the worker getting to its messages.
 */
export function interruptible(
  model: DiffusionModel,
  { signal, pause }: Pick<StageReport, 'signal' | 'pause'>,
): DiffusionModel {
  const ready = async () => {
    await pause();
    if (signal.aborted) throw abortError();
  };
  // Not a spread: a model may be of a class, whose methods and private fields a copy would lack.
  return {
    modelName: model.modelName,
    task: model.task,
    nativeSize: model.nativeSize,
    downscale: model.downscale,
    latentChannels: model.latentChannels,
    scheduler: model.scheduler,
    latentRgb: model.latentRgb,
    device: model.device,
    get largestTile() {
      return model.largestTile ?? Number.POSITIVE_INFINITY;
    },
    async encodePrompt(prompt) {
      await ready();
      return model.encodePrompt(prompt);
    },
    async encodeImage(pixels, size) {
      await ready();
      return model.encodeImage(pixels, size);
    },
    async decodeLatents(latents) {
      await ready();
      return model.decodeLatents(latents);
    },
    async openDenoiser(options) {
      await ready();
      const denoiser = await model.openDenoiser(options);
      return {
        async predict(sample, timestep) {
          await ready();
          return denoiser.predict(sample, timestep);
        },
        dispose: () => denoiser.dispose(),
      };
    },
  };
}

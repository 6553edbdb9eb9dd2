import type { ShaderPatch } from '../../src/runtime/shaderPatches.ts';

/** What run.py asks of one process of ours: one UNet on one GPU, in one way. Paths are absolute. */
export interface UnetRequest {
  /** A UNet2DConditionModel's config.json. */
  readonly config: string;
  /** Of the latents. */
  readonly height: number;
  readonly width: number;
  readonly batch: number;
  readonly tokens: number;
  /** fp16 safetensors; otherwise the weights are random, the same ones every time. */
  readonly checkpoint?: string;
  readonly layout: 'NHWC' | 'NCHW';
  readonly graphCapture: boolean;
  /** Patches that the app would install on this GPU and that are left out here. */
  readonly without: readonly ShaderPatch[];
  /** Runs after the first that are not counted: as many at least, and as long, until Node has compiled what is used often. */
  readonly warmUp: number;
  readonly warmUpSeconds: number;
  /** Runs that are. */
  readonly steps: number;
  /** Prints onnxruntime's profile, with the GPU's time for every kernel; the steps' times are worthless then. */
  readonly profile: boolean;
  /** Where the prediction goes, as float32; and the answer, as JSON. */
  readonly output: string;
  readonly answer: string;
  /** Whether a GPU that is the CPU in disguise will do. */
  readonly allowSoftware: boolean;
}

/** What one process measured; times in milliseconds. */
export interface UnetAnswer {
  readonly adapter: string;
  readonly runtime: string;
  /** What the app's probes find necessary here; `zero loop variables` means that the shader compiler's bug shows. */
  readonly needed: readonly ShaderPatch[];
  readonly installed: readonly ShaderPatch[];
  readonly weightBytes: number;
  /** Making the session, from weights in memory, until the GPU has them. */
  readonly loadTime: number;
  /** The first run, with every shader that is compiled on it. */
  readonly firstRun: number;
  /** Each from asking until the GPU has finished; inputs and output stay on it. */
  readonly steps: readonly number[];
  /** Kernels of one run. */
  readonly kernels: number;
  /** Whether the prediction is free of NaN and infinity, and its root mean square. */
  readonly finite: boolean;
  readonly rms: number;
}

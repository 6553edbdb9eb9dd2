/** How the name of a whole model in one file ends, as A1111 and ComfyUI have them. */
export const CHECKPOINT_ENDING = /\.(safetensors|ckpt|pth)$/i;

/** Names of weights on the hub, which mean nothing without the configuration beside them; and the learned contexts. */
const NO_CHECKPOINT = /^(diffusion_pytorch_|pytorch_)?model(\.\w+)?(-\d+-of-\d+)?\.safetensors$|^PQ-/i;

/** Whether a file may be a whole model by itself, going by its name without folders. */
export function isCheckpointName(name: string): boolean {
  return CHECKPOINT_ENDING.test(name) && !NO_CHECKPOINT.test(name);
}

import type { JsonObject } from '../checkpoint/readJson.ts';
import { ConfigMembers } from './configMembers.ts';
import { parseTrunk, type UnetTrunkConfig } from './unetConfig.ts';

/** What a ControlNetModel's `config.json` says. */
export interface ControlNetConfig extends UnetTrunkConfig {
  /** Channels of the condition at full, half, quarter and an eighth of its size, where the latents are. */
  readonly conditionChannels: readonly number[];
  /** Order of the colours it was trained on; our graphs take RGB whatever it is. */
  readonly channelOrder: 'rgb' | 'bgr';
  /** ESRGAN's residual-in-residual dense blocks at full size (PASD's `use_rrdb`); 0 in everybody else's. */
  readonly denseBlocks: number;
}

const MAX_CONDITION_CHANNELS = 2048;
/** PASD's class has this many, or none. */
const PASD_DENSE_BLOCKS = 2;

/**
 * Reads the `config.json` of a diffusers ControlNetModel, and of PASD's, whose class goes by the same name.
 * @throws {UserError} `UnsupportedModelError` naming the member for another kind of model or a setting we do not compile;
 *   `CheckpointError` for values no ControlNet can have
 */
export function parseControlNetConfig(
  json: JsonObject,
  { file = 'controlnet/config.json' }: { file?: string } = {},
): ControlNetConfig {
  const members = new ConfigMembers(json, file);
  members.require({ _class_name: 'ControlNetModel' });
  const trunk = parseTrunk(members);
  const hasChannels = members.value('conditioning_embedding_out_channels') !== undefined;
  const config: ControlNetConfig = {
    ...trunk,
    conditionChannels: hasChannels
      ? members.wholeNumbers('conditioning_embedding_out_channels', { max: MAX_CONDITION_CHANNELS, count: 4 })
      : [16, 32, 96, 256],
    channelOrder: members.oneOf('controlnet_conditioning_channel_order', ['rgb', 'bgr'], 'rgb'),
    denseBlocks: members.flag('use_rrdb', false) ? PASD_DENSE_BLOCKS : 0,
  };
  members.require({ in_channels: 4, conditioning_channels: 3, global_pool_conditions: false });
  // Heads that only PASD's training reads.
  members.ignore('return_rgbs');
  members.refuseOthers();
  return config;
}

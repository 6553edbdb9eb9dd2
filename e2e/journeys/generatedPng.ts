import { crc32, deflateSync } from 'node:zlib';

/** What Stable Diffusion web UIs write into a PNG, with a prompt of two things. */
export const PARAMETERS = [
  'a red hat on a brown dog, oil painting',
  'Negative prompt: blurry',
  'Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 320x240, Model: test',
].join('\n');

/** The same for a prompt that names no thing, only the style: nothing is looked for in a place. */
export const STYLE_PARAMETERS = PARAMETERS.replace(/^.*/, 'oil painting');

/** A picture made here: soft colours, a disc and a bar, so that patches differ. `text` becomes a `parameters` chunk. */
export function generatedPng({
  width = 320,
  height = 240,
  text = PARAMETERS,
  paleFrom = 1,
}: {
  width?: number;
  height?: number;
  text?: string | null;
  /**
   * Share of the width from which on it is nearly white: what the tiny CLIP finds worst, so that whatever is painted over
   * it is better.
   */
  paleFrom?: number;
} = {}): Buffer {
  const stride = width * 3 + 1;
  const raw = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * stride + 1 + x * 3;
      const inDisc = Math.hypot(x - width * 0.35, y - height * 0.45) < height * 0.25;
      const inBar = Math.abs(x - width * 0.75) < width * 0.06 && y > height * 0.3;
      raw[at] = inDisc ? 200 : Math.round((255 * x) / width);
      raw[at + 1] = inDisc ? 60 : inBar ? 40 : Math.round((160 * y) / height) + 60;
      raw[at + 2] = inBar ? 200 : 90 + Math.round(60 * Math.sin(x / 17) * Math.cos(y / 23));
    }
  }
  for (let at = 0; at < raw.length; at++) {
    const x = Math.floor(((at % stride) - 1) / 3);
    if (at % stride > 0 && x >= paleFrom * width) raw[at] = 240 + ((raw[at] as number) >> 5);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    ...(text === null ? [] : [chunk('tEXt', Buffer.from(`parameters\0${text}`, 'latin1'))]),
    chunk('IDAT', deflateSync(raw)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  body.copy(whole, 4);
  whole.writeUInt32BE(crc32(body), body.length + 4);
  return whole;
}

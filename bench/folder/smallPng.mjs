import { crc32, deflateSync } from 'node:zlib';

const SIDE = 64;

/** A picture of soft colours, another one for each number, with a prompt as web UIs write it. */
export function smallPng(number) {
  const raw = Buffer.alloc(SIDE * (3 * SIDE + 1));
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const at = y * (3 * SIDE + 1) + 1 + 3 * x;
      raw[at] = (4 * x + 7 * number) & 255;
      raw[at + 1] = (3 * y + 11 * number) & 255;
      raw[at + 2] = Math.round(127 + 120 * Math.sin((x * y) / (20 + (number % 50))));
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(SIDE, 0);
  header.writeUInt32BE(SIDE, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('tEXt', Buffer.from('parameters\0a red ball on a table\nSteps: 20, Seed: 1', 'latin1')),
    chunk('IDAT', deflateSync(raw)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  body.copy(whole, 4);
  whole.writeUInt32BE(crc32(body), body.length + 4);
  return whole;
}

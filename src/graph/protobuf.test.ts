import { describe, expect, it } from 'vitest';
import { ProtoWriter } from './protobuf.ts';

const hex = (writer: ProtoWriter) => [...writer.finish()].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');

describe('ProtoWriter', () => {
  it('writes the examples of the encoding guide', () => {
    expect(hex(new ProtoWriter().integer(1, 150))).toBe('08 96 01');
    expect(hex(new ProtoWriter().string(2, 'testing'))).toBe('12 07 74 65 73 74 69 6e 67');
    expect(hex(new ProtoWriter().message(3, new ProtoWriter().integer(1, 150)))).toBe('1a 03 08 96 01');
    expect(hex(new ProtoWriter().integers(6, [3, 270, 86942]))).toBe('32 06 03 8e 02 9e a7 05');
  });

  it('writes negative numbers as ten bytes', () => {
    expect(hex(new ProtoWriter().integer(1, -2))).toBe('08 fe ff ff ff ff ff ff ff ff 01');
  });

  it('writes numbers beyond 32 bits', () => {
    expect(hex(new ProtoWriter().integer(1, 2 ** 35))).toBe('08 80 80 80 80 80 01');
    expect(hex(new ProtoWriter().integer(1, -(2n ** 63n)))).toBe('08 80 80 80 80 80 80 80 80 80 01');
  });

  it('writes floats little-endian and field numbers from 16 in two bytes', () => {
    expect(hex(new ProtoWriter().float(2, 1))).toBe('15 00 00 80 3f');
    expect(hex(new ProtoWriter().integer(20, 1))).toBe('a0 01 01');
  });

  it('keeps what it has when it grows', () => {
    const bytes = new ProtoWriter().bytes(1, new Uint8Array(300).fill(7)).integer(2, 5).finish();
    expect(bytes.length).toBe(3 + 300 + 2);
    expect([...bytes.slice(-3)]).toEqual([7, 0x10, 5]);
  });
});

import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { avif, bytesOf, exifBlock, fileOf, iTXt, jpeg, png, pngChunk, webp } from '../handMadeImages.ts';
import { readGenerationMetadata } from './readGenerationMetadata.ts';

const parameters =
  'a red fox, snow\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512';
const read = (bytes: Uint8Array) => readGenerationMetadata(fileOf(bytes));
const tEXt = (keyword: string, text: string) => pngChunk('tEXt', bytesOf(keyword, 0, text));
const utf16 = (text: string, order: 'be' | 'le') =>
  new Uint8Array(
    Array.from({ length: text.length }, (_, i) => {
      const unit = text.charCodeAt(i);
      return order === 'be' ? [unit >> 8, unit & 255] : [unit & 255, unit >> 8];
    }).flat(),
  );

describe('PNG', () => {
  it('reads tEXt', async () => {
    const { metadata, warning } = await read(png([tEXt('parameters', parameters)]));
    expect(warning).toBeNull();
    expect(metadata).toMatchObject({ source: 'A1111', prompt: 'a red fox, snow', negativePrompt: 'blurry' });
    expect(metadata?.raw).toEqual([{ keyword: 'parameters', text: parameters }]);
  });

  it('reads tEXt that is UTF-8 against the standard, and Latin-1', async () => {
    const words = new TextEncoder().encode('雪の狐\nSteps: 5, Sampler: A, Seed: 1');
    expect((await read(png([pngChunk('tEXt', bytesOf('parameters', 0, words))]))).metadata?.prompt).toBe('雪の狐');
    expect((await read(png([tEXt('parameters', 'caf\xe9\nSteps: 5, Sampler: A')]))).metadata?.prompt).toBe('café');
  });

  it('reads zTXt, iTXt and compressed iTXt', async () => {
    const packed = deflateSync(new TextEncoder().encode(parameters));
    const zTXt = pngChunk('zTXt', bytesOf('parameters', 0, 0, packed));
    const packedITXt = pngChunk('iTXt', bytesOf('parameters', 0, 1, 0, 'en', 0, 'Parameter', 0, packed));
    for (const chunk of [zTXt, packedITXt, iTXt('parameters', parameters)]) {
      expect((await read(png([chunk]))).metadata?.prompt).toBe('a red fox, snow');
    }
  });

  it('reads texts behind the pixels, and EXIF', async () => {
    const pixels = pngChunk('IDAT', new Uint8Array(200_000));
    expect((await read(png([pixels, pixels, tEXt('parameters', parameters)]))).metadata?.prompt).toBe(
      'a red fox, snow',
    );
    const comment = bytesOf('ASCII\0\0\0', parameters);
    const eXIf = pngChunk('eXIf', exifBlock([], { exifTags: [[0x9286, 7, comment]] }));
    expect((await read(png([eXIf]))).metadata?.prompt).toBe('a red fox, snow');
  });

  it('does not unpack a bomb', async () => {
    const bomb = pngChunk('zTXt', bytesOf('parameters', 0, 0, deflateSync(new Uint8Array(64 << 20))));
    const { metadata, warning } = await read(png([bomb]));
    expect(metadata).toBeNull();
    expect(warning).toContain('"parameters"');
  });

  it('warns of a damaged text, and still reads a good one', async () => {
    const damaged = pngChunk('zTXt', bytesOf('workflow', 0, 0, 1, 2, 3, 4));
    expect(await read(png([damaged]))).toEqual({ metadata: null, warning: expect.stringContaining('"workflow"') });
    const { metadata, warning } = await read(png([damaged, tEXt('parameters', parameters)]));
    expect([metadata?.prompt, warning]).toEqual(['a red fox, snow', null]);
  });

  it('warns of a graph that is cut off', async () => {
    const { metadata, warning } = await read(png([tEXt('prompt', '{"3": {"class_type": "KSampler", "inp')]));
    expect(metadata).toBeNull();
    expect(warning).toContain('"prompt"');
  });

  it('finds nothing, without a warning, in a PNG of another program', async () => {
    expect(await read(png([tEXt('Software', 'Screenshot'), tEXt('Title', 'My cat')]))).toEqual({
      metadata: null,
      warning: null,
    });
  });
});

describe('EXIF', () => {
  const comments: [string, Uint8Array, 'MM' | 'II'][] = [
    ['ASCII', bytesOf('ASCII\0\0\0', parameters), 'II'],
    ['UTF-16 big-endian in a big-endian block', bytesOf('UNICODE\0', utf16(parameters, 'be')), 'MM'],
    ['UTF-16 little-endian in a little-endian block', bytesOf('UNICODE\0', utf16(parameters, 'le')), 'II'],
    [
      'UTF-16 big-endian in a little-endian block, as piexif writes',
      bytesOf('UNICODE\0', utf16(parameters, 'be')),
      'II',
    ],
    ['UTF-8 behind the prefix for UTF-16', bytesOf('UNICODE\0', parameters), 'MM'],
    ['an undefined code', bytesOf('\0\0\0\0\0\0\0\0', parameters), 'MM'],
    ['no prefix', bytesOf(parameters), 'II'],
  ];

  for (const [about, comment, order] of comments) {
    it(`reads a UserComment in ${about}`, async () => {
      const block = exifBlock([[0x0110, 2, 'camera']], { exifTags: [[0x9286, 7, comment]], order });
      const { metadata } = await read(jpeg([[0xe1, bytesOf('Exif\0\0', block)]]));
      expect(metadata).toMatchObject({ source: 'A1111', prompt: 'a red fox, snow', negativePrompt: 'blurry' });
    });
  }

  it('reads words beyond ASCII', async () => {
    const words = 'ein Fuchs im Schnee 🦊 雪\nSteps: 5, Sampler: A, Seed: 2';
    const block = exifBlock([], { exifTags: [[0x9286, 7, bytesOf('UNICODE\0', utf16(words, 'be'))]] });
    expect((await read(jpeg([[0xe1, bytesOf('Exif\0\0', block)]]))).metadata?.prompt).toBe('ein Fuchs im Schnee 🦊 雪');
  });

  it('reads WebP with and without JPEG’s prefix', async () => {
    const block = exifBlock([], { exifTags: [[0x9286, 7, bytesOf('UNICODE\0', utf16(parameters, 'be'))]] });
    for (const exif of [block, bytesOf('Exif\0\0', block)]) {
      const file = webp([
        ['VP8X', new Uint8Array(10)],
        ['EXIF', exif],
      ]);
      expect((await read(file)).metadata?.prompt).toBe('a red fox, snow');
    }
  });

  it('reads AVIF', async () => {
    const exif = exifBlock([], { exifTags: [[0x9286, 7, bytesOf('UNICODE\0', utf16(parameters, 'be'))]], order: 'II' });
    expect((await read(avif({ width: 64, height: 32, exif }))).metadata?.prompt).toBe('a red fox, snow');
  });

  it('reads ComfyUI’s graphs where its animated WebP has them', async () => {
    const graph = { 1: { class_type: 'CLIPTextEncode', inputs: { text: 'a fox' } } };
    const exif = exifBlock([
      [0x010f, 2, 'workflow:{}'],
      [0x0110, 2, `prompt:${JSON.stringify(graph)}`],
    ]);
    expect((await read(webp([['EXIF', exif]]))).metadata).toMatchObject({ source: 'ComfyUI', prompt: 'a fox' });
  });

  it('reads Fooocus’ JPEG: JSON, the scheme in MakerNote', async () => {
    const exif = exifBlock([[0x0131, 2, 'Fooocus v2.5.5']], {
      exifTags: [
        [
          0x9286,
          7,
          bytesOf(JSON.stringify({ prompt: 'a fox', negative_prompt: 'dull', full_prompt: ['cinematic a fox'] })),
        ],
        [0x927c, 7, bytesOf('fooocus')],
      ],
    });
    expect((await read(jpeg([[0xe1, bytesOf('Exif\0\0', exif)]]))).metadata).toMatchObject({
      source: 'Fooocus',
      prompt: 'a fox',
      negativePrompt: 'dull',
    });
  });

  it('takes no camera’s description for a prompt', async () => {
    const exif = exifBlock([
      [0x010e, 2, 'OLYMPUS DIGITAL CAMERA'],
      [0x010f, 2, 'Olympus'],
    ]);
    expect(await read(jpeg([[0xe1, bytesOf('Exif\0\0', exif)]]))).toEqual({ metadata: null, warning: null });
  });

  it('reads XMP: an element, its entities, and an attribute', async () => {
    const xmp = `<x:xmpmeta><rdf:Description><dc:description><rdf:Alt><rdf:li xml:lang="x-default">${parameters
      .replace('fox', 'fox &amp; hen')
      .replaceAll('\n', '&#10;')}</rdf:li></rdf:Alt></dc:description></rdf:Description></x:xmpmeta>`;
    const packet = bytesOf('http://ns.adobe.com/xap/1.0/\0', xmp);
    expect((await read(jpeg([[0xe1, packet]]))).metadata?.prompt).toBe('a red fox & hen, snow');
    const comment = xmp.replaceAll('dc:description', 'exif:UserComment');
    expect((await read(webp([['XMP ', bytesOf(comment)]]))).metadata?.prompt).toBe('a red fox & hen, snow');
    const attribute = `<rdf:Description exif:UserComment="${parameters.replaceAll('\n', '&#xA;')}"/>`;
    expect((await read(webp([['XMP ', bytesOf(attribute)]]))).metadata?.prompt).toBe('a red fox, snow');
  });
});

describe('damage of every kind', () => {
  const comment = bytesOf('UNICODE\0', utf16(parameters, 'be'));
  const exif = exifBlock([[0x010e, 2, 'words']], { exifTags: [[0x9286, 7, comment]] });
  const graph = {
    3: { class_type: 'KSampler', inputs: { positive: ['6', 0] } },
    6: { class_type: 'T', inputs: { text: 'fox' } },
  };
  const seeds: [string, Uint8Array][] = [
    [
      'PNG',
      png([
        tEXt('prompt', JSON.stringify(graph)),
        pngChunk('eXIf', exif),
        iTXt('invokeai_metadata', '{"positive_prompt":"a"}'),
      ]),
    ],
    ['packed PNG', png([pngChunk('zTXt', bytesOf('parameters', 0, 0, deflateSync(bytesOf(parameters))))])],
    ['JPEG', jpeg([[0xe1, bytesOf('Exif\0\0', exif)]])],
    [
      'WebP',
      webp([
        ['VP8X', new Uint8Array(10)],
        ['EXIF', exif],
      ]),
    ],
    ['AVIF', avif({ width: 10, height: 10, exif })],
  ];

  for (const [about, good] of seeds) {
    it(`never throws on 400 damaged copies of a ${about}`, { timeout: 60_000 }, async () => {
      let state = 12345;
      const random = (below: number) => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor((state / 2 ** 32) * below);
      };
      let unread = 0;
      for (let round = 0; round < 400; round++) {
        const bytes = good.slice(0, random(3) === 0 ? random(good.length) : good.length);
        for (let hit = random(8); hit >= 0 && bytes.length > 12; hit--) {
          // Behind the signature, so that the readers of the format are reached.
          bytes[12 + random(bytes.length - 12)] = [0, 255, random(256), random(128)][random(4)] as number;
        }
        const found = await read(bytes);
        if (found.metadata === null) unread++;
        else expect(typeof found.metadata.prompt).toBe('string');
      }
      // Some must have been destroyed and some survived, or the test has damaged nothing, or everything.
      expect(unread).toBeGreaterThan(0);
      expect(unread).toBeLessThan(400);
    });
  }
});

/** What becomes of an original's metadata: written into each format, read back by the app's own readers. */

import { deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { BlobReader, latin1 } from '../container/blobReader.ts';
import { jpegSegments } from '../container/jpeg.ts';
import { pngChunks } from '../container/png.ts';
import { orientationOf, readExifBlock } from '../container/tiff.ts';
import { webpChunks } from '../container/webp.ts';
import { avif, bytesOf, exifBlock, iTXt, jpeg, png, pngChunk, webp } from '../handMadeImages.ts';
import { readImageHeader } from '../imageHeader.ts';
import type { Json } from '../json.ts';
import { MAX_TEXT_BYTES } from '../metadata/limits.ts';
import { readGenerationMetadata } from '../metadata/readGenerationMetadata.ts';
import { imageRows } from '../rowSource.ts';
import { type KeptMetadata, readKeptMetadata } from './keptMetadata.ts';
import { readRefineRecords } from './readRefineRecords.ts';
import { asciiJson } from './refinePacket.ts';
import { writeJpeg } from './writeJpeg.ts';
import { writePng } from './writePng.ts';
import { writeWebp } from './writeWebp.ts';

const record: Json = { version: 1, settings: { steps: 10 }, words: 'größer <&> "雪🦊"\n]]>' };
const size = { width: 3, height: 2 };
const image = imageRows({ ...size, data: new Uint8ClampedArray(24).fill(255) });
const blobOf = (bytes: Uint8Array) => new Blob([bytes as Uint8Array<ArrayBuffer>]);

/** As encoders write them: JFIF first; a simple WebP. */
const encodedJpeg = blobOf(jpeg([[0xe0, bytesOf('JFIF\0', 1, 1, 0, 0, 1, 0, 1, 0, 0)]], size));
const encodedWebp = blobOf(webp([['VP8 ', bytesOf(0, 0, 0, 0x9d, 1, 0x2a, size.width, 0, size.height, 0, 7)]]));

type Format = 'png' | 'jpeg' | 'webp';
const formats: readonly Format[] = ['png', 'jpeg', 'webp'];
const write: Readonly<Record<Format, (kept: KeptMetadata, record: Json) => Promise<Blob>>> = {
  png: (kept, record) => writePng(image, { kept, record }),
  jpeg: (kept, record) => writeJpeg(encodedJpeg, { kept, record }),
  webp: (kept, record) => writeWebp(encodedWebp, { kept, record, ...size }),
};
async function save(original: Blob | Uint8Array, format: Format, what: Json = record): Promise<Blob> {
  const file = original instanceof Blob ? original : blobOf(original);
  const saved = await write[format](await readKeptMetadata(file), what);
  // Whole, of the right size, upright, and of the format.
  const header = await readImageHeader(saved, { name: 'saved' });
  expect(header).toMatchObject({ ...size, orientation: 1 });
  expect(header.format.toLowerCase()).toBe(format);
  return saved;
}

interface Part {
  readonly type: string;
  readonly data: Uint8Array;
}
async function partsOf(blob: Blob): Promise<Part[]> {
  const file = new BlobReader(blob);
  const parts: Part[] = [];
  const add = async (type: string, start: number, length: number) => {
    parts.push({ type, data: (await file.bytes(start, length)).slice() });
  };
  const start = latin1(await file.bytes(0, 4));
  if (start.includes('PNG'))
    for await (const chunk of pngChunks(file)) await add(chunk.type, chunk.start, chunk.length);
  else if (start === 'RIFF')
    for await (const chunk of webpChunks(file)) await add(chunk.type, chunk.start, chunk.length);
  else for await (const part of jpegSegments(file)) await add(part.marker.toString(16), part.start, part.length);
  return parts;
}
const typesOf = async (blob: Blob) => (await partsOf(blob)).map(({ type }) => type);
const rawBytes = async (blob: Blob) => latin1(new Uint8Array(await blob.arrayBuffer()));

const parameters =
  'a red fox, snow, größer\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512';
const graph = {
  3: {
    class_type: 'KSampler',
    inputs: { seed: 5, steps: 20, positive: ['6', 0], negative: ['7', 0], latent_image: ['5', 0] },
  },
  6: { class_type: 'CLIPTextEncode', inputs: { text: 'a fox in 雪' } },
  7: { class_type: 'CLIPTextEncode', inputs: { text: 'dull' } },
};
const workflow = { nodes: [{ id: 3, type: 'KSampler' }], version: 0.4, note: 'x'.repeat(500) };
const tEXt = (keyword: string, text: string) => pngChunk('tEXt', bytesOf(keyword, 0, text));
const utf16 = (text: string) => bytesOf(...Array.from(text, (c) => [c.charCodeAt(0) >> 8, c.charCodeAt(0) & 255]));
const exifOfA1111 = (imageTags: Parameters<typeof exifBlock>[0] = [], order: 'MM' | 'II' = 'MM') =>
  exifBlock(imageTags, { exifTags: [[0x9286, 7, bytesOf('UNICODE\0', utf16(parameters))]], order });
const xmpPacket = (inner = '') =>
  `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>caf\xc3\xa9</dc:title>${inner}</rdf:Description></rdf:RDF></x:xmpmeta>${' '.repeat(64)}<?xpacket end="w"?>`;

const a1111Png = png([tEXt('parameters', parameters.replaceAll('ö', '\xf6'))]);
const comfyPng = png([tEXt('prompt', asciiJson(graph as never)), tEXt('workflow', JSON.stringify(workflow))]);
const a1111Jpeg = jpeg([[0xe1, bytesOf('Exif\0\0', exifOfA1111())]]);
const comfyWebp = webp([
  ['VP8X', new Uint8Array(10)],
  [
    'EXIF',
    exifBlock([
      [0x010f, 2, `workflow:${JSON.stringify(workflow)}`],
      [0x0110, 2, `prompt:${asciiJson(graph as never)}`],
    ]),
  ],
]);

const a1111 = { source: 'A1111', prompt: 'a red fox, snow, größer', negativePrompt: 'blurry' };
const comfy = { source: 'ComfyUI', prompt: 'a fox in 雪', negativePrompt: 'dull' };

test('chunks longer than any text are not read', async () => {
  const long = new Uint8Array(MAX_TEXT_BYTES + 1);
  const riff = (['EXIF', 'XMP ', 'GREF'] as const).map((type) => [type, long] as const);
  const ofWebp = await readKeptMetadata(blobOf(webp(riff)));
  expect(ofWebp).toMatchObject({ exif: null, webpExif: null, xmp: null, records: [] });
  const ofPng = await readKeptMetadata(blobOf(png([pngChunk('eXIf', long)])));
  expect(ofPng).toMatchObject({ exif: null, pngChunks: [] });
});

describe.each(formats)('into %s', (format) => {
  test.each([
    ['A1111 PNG', a1111Png, a1111],
    [
      'A1111 PNG beyond Latin-1',
      png([iTXt('parameters', parameters.replace('fox', '狐'))]),
      { ...a1111, prompt: 'a red 狐, snow, größer' },
    ],
    ['A1111 JPEG', a1111Jpeg, a1111],
    ['A1111 WebP', webp([['EXIF', exifOfA1111()]]), a1111],
    ['A1111 WebP with JPEG’s prefix', webp([['EXIF', bytesOf('Exif\0\0', exifOfA1111())]]), a1111],
    ['A1111 AVIF', avif({ ...size, exif: exifOfA1111() }), a1111],
    ['ComfyUI PNG', comfyPng, comfy],
    ['ComfyUI WebP', comfyWebp, comfy],
    [
      'words in XMP',
      webp([
        [
          'XMP ',
          bytesOf(xmpPacket(`<dc:description>${latin1(new TextEncoder().encode(parameters))}</dc:description>`)),
        ],
      ]),
      a1111,
    ],
    ['words in a comment', jpeg([[0xfe, bytesOf(parameters.replace('ö', '\xf6'))]]), a1111],
    [
      'NovelAI PNG',
      png([
        tEXt('Title', 'NovelAI generated image'),
        tEXt('Description', 'a red fox'),
        tEXt('Software', 'NovelAI'),
        tEXt('Comment', JSON.stringify({ prompt: 'a red fox', uc: 'dull', steps: 28 })),
      ]),
      { source: 'NovelAI', prompt: 'a red fox', negativePrompt: 'dull' },
    ],
    [
      'InvokeAI PNG',
      png([
        iTXt('invokeai_metadata', JSON.stringify({ positive_prompt: 'ein Fuchs', negative_prompt: 'dull', seed: 1 })),
      ]),
      { source: 'InvokeAI', prompt: 'ein Fuchs', negativePrompt: 'dull' },
    ],
  ])('%s: the words are read again', async (_, original, expected) => {
    expect((await readGenerationMetadata(blobOf(original))).metadata).toMatchObject(expected);
    const saved = await save(original, format);
    expect(await readGenerationMetadata(saved)).toMatchObject({ metadata: expected, warning: null });
    expect(await readRefineRecords(saved)).toEqual([record]);
  });

  test('all settings of the generator stay', async () => {
    const before = (await readGenerationMetadata(blobOf(a1111Png))).metadata;
    const after = (await readGenerationMetadata(await save(a1111Png, format))).metadata;
    expect(after?.settings).toEqual(before?.settings);
  });

  test('records add up, oldest first, through every other format', async () => {
    let file = await save(a1111Png, format, 'first');
    for (const [i, next] of [...formats, ...formats].entries()) file = await save(file, next, { save: i });
    expect(await readRefineRecords(file)).toEqual(['first', ...[0, 1, 2, 3, 4, 5].map((save) => ({ save }))]);
    expect((await readGenerationMetadata(file)).metadata).toMatchObject(a1111);
  });

  test('records nested deeper than any are no records, and saving goes on', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const original = png([iTXt('g-refine', deep), iTXt('g-refine', asciiJson(record))]);
    expect(await readRefineRecords(await save(original, format, 'second'))).toEqual([record, 'second']);
  });

  test('an original that says nothing, or is no image known here', async () => {
    for (const original of [png([]), jpeg([]), webp([]), bytesOf('GIF89a', Array(20).fill(0)), bytesOf()]) {
      const saved = await save(original, format);
      expect(await readRefineRecords(saved)).toEqual([record]);
      expect(await readGenerationMetadata(saved)).toEqual({ metadata: null, warning: null });
    }
  });

  test('a record that no segment holds', async () => {
    const long: Json = { maps: 'ä'.repeat(20_000), numbers: '0.5,'.repeat(20_000) };
    for (const original of [a1111Png, a1111Jpeg]) {
      const saved = await save(await save(original, format, long), format, record);
      expect(await readRefineRecords(saved)).toContainEqual(long);
      expect(await readRefineRecords(saved)).toContainEqual(record);
      expect((await readGenerationMetadata(saved)).metadata).toMatchObject(a1111);
    }
  });
});

describe('PNG to PNG', () => {
  const kept = [
    pngChunk('pHYs', bytesOf(0, 0, 0x0b, 0x13, 0, 0, 0x0b, 0x13, 1)),
    tEXt('parameters', parameters.replaceAll('ö', '\xf6')),
    pngChunk('zTXt', bytesOf('workflow', 0, 0, deflateSync('{"nodes": []}'))),
    iTXt('Titel', 'größer 雪'),
    pngChunk('iTXt', bytesOf('XML:com.adobe.xmp', 0, 0, 0, 0, 0, xmpPacket())),
    pngChunk('tIME', bytesOf(7, 0xe8, 1, 2, 3, 4, 5)),
    pngChunk('zTXt', bytesOf('broken', 0, 0, 1, 2, 3)),
    pngChunk('prVt', bytesOf(1, 2, 3).fill(9)),
    tEXt('', 'a text without a keyword'),
  ];
  const dropped = [
    pngChunk('iCCP', bytesOf('profile', 0, 0, 1)),
    pngChunk('gAMA', bytesOf(0, 0, 0xb1, 0x8f)),
    pngChunk('cHRM', new Uint8Array(32)),
    pngChunk('sBIT', bytesOf(5, 6, 5)),
    pngChunk('tRNS', bytesOf(0, 0, 0, 0, 0, 0)),
    pngChunk('bKGD', bytesOf(0, 0, 0, 0, 0, 0)),
    pngChunk('cICP', bytesOf(9, 16, 0, 1)),
    pngChunk('acTL', new Uint8Array(8)),
    pngChunk('caBX', bytesOf('signed pixels')),
  ];

  test('chunks stay byte for byte, checksums included, less what describes the old pixels', async () => {
    const saved = await save(png([...dropped, ...kept, pngChunk('IDAT', bytesOf(1, 2, 3))]), 'png');
    const bytes = await rawBytes(saved);
    expect(bytes).toContain(latin1(bytesOf(...kept)));
    const private_ = 'prVt';
    const own = ['IHDR', 'sRGB', 'IDAT', 'IEND', 'iTXt'];
    const types = await typesOf(saved);
    expect(types).toEqual([
      ...['IHDR', 'sRGB', 'pHYs', 'tEXt', 'zTXt', 'iTXt', 'iTXt', 'tIME', 'zTXt', private_, 'tEXt'],
      ...['iTXt', 'IDAT', 'IEND'],
    ]);
    expect(own.every((type) => types.includes(type))).toBe(true);
    const [last] = (await partsOf(saved)).filter(({ type }) => type === 'iTXt').slice(-1);
    expect(latin1((last as Part).data).startsWith('g-refine\0\0\0\0\0{"version":1')).toBe(true);
  });

  test.each(['MM', 'II'] as const)('of EXIF (%s) only the orientation changes', async (order) => {
    const turned = exifBlock(
      [
        [0x010f, 2, 'a camera'],
        [0x0112, 3, 6],
      ],
      { exifTags: [[0x927c, 7, new Uint8Array(99).fill(3)]], order },
    );
    const upright = exifBlock(
      [
        [0x010f, 2, 'a camera'],
        [0x0112, 3, 1],
      ],
      { exifTags: [[0x927c, 7, new Uint8Array(99).fill(3)]], order },
    );
    const saved = await save(png([pngChunk('eXIf', turned)]), 'png');
    expect(await rawBytes(saved)).toContain(latin1(pngChunk('eXIf', upright)));
    expect(turned.filter((byte, i) => byte !== upright[i]).length).toBe(1);
  });

  test('a second save keeps the first record as it was', async () => {
    const first = await save(a1111Png, 'png', { save: 1 });
    const second = await save(first, 'png', { save: 2 });
    expect((await typesOf(second)).filter((type) => type === 'iTXt').length).toBe(2);
    expect(await readRefineRecords(second)).toEqual([{ save: 1 }, { save: 2 }]);
  });
});

describe('JPEG to JPEG', () => {
  const segments = [
    [0xe1, bytesOf('Exif\0\0', exifOfA1111([[0x010f, 2, 'a camera']], 'II'))],
    [0xe1, bytesOf('http://ns.adobe.com/xmp/extension/\0', 'more')],
    [0xed, bytesOf('Photoshop 3.0\x008BIM', 1, 2, 3)],
    [0xfe, bytesOf('a comment')],
  ] as const;
  const raw = ([marker, data]: readonly [number, Uint8Array]) =>
    latin1(bytesOf(0xff, marker, (data.length + 2) >> 8, (data.length + 2) & 255, data));

  test('EXIF, IPTC, comments and extended XMP stay byte for byte', async () => {
    const saved = await save(
      jpeg([...segments, [0xe2, bytesOf('ICC_PROFILE\0', 1, 1)], [0xee, bytesOf('Adobe')]]),
      'jpeg',
    );
    const bytes = await rawBytes(saved);
    for (const segment of segments) expect(bytes).toContain(raw(segment));
    // JFIF first; our XMP behind EXIF's kind; no profile.
    expect(await typesOf(saved)).toEqual(['e0', 'e1', 'e1', 'e1', 'ed', 'fe', 'c2', 'da']);
    expect(bytes).toContain('<grefine:record>');
  });

  test('our record is put into the XMP that is there, which otherwise stays', async () => {
    const packet = xmpPacket();
    const saved = await save(jpeg([segments[0], [0xe1, bytesOf('http://ns.adobe.com/xap/1.0/\0', packet)]]), 'jpeg');
    const [, xmp] = (await partsOf(saved)).filter(({ type }) => type === 'e1');
    const text = latin1((xmp as Part).data);
    const [before, after] = packet.split('</rdf:RDF>') as [string, string];
    expect(text.startsWith(`http://ns.adobe.com/xap/1.0/\0${before}<rdf:Description`)).toBe(true);
    expect(text.endsWith(`</rdf:Description></rdf:RDF>${after}`)).toBe(true);
    expect(await typesOf(saved)).toEqual(['e0', 'e1', 'e1', 'c2', 'da']);
  });

  test('an odd or very long XMP is left alone; the record goes into comments', async () => {
    for (const packet of ['<not rdf>', xmpPacket(`<x>${'y'.repeat(65_000)}</x>`)]) {
      const segment = [0xe1, bytesOf('http://ns.adobe.com/xap/1.0/\0', packet)] as const;
      const saved = await save(jpeg([segment]), 'jpeg');
      expect(await rawBytes(saved)).toContain(raw(segment));
      expect(await readRefineRecords(saved)).toEqual([record]);
      expect(await readGenerationMetadata(saved)).toEqual({ metadata: null, warning: null });
    }
  });

  test('the orientation in EXIF and XMP becomes upright, and nothing else changes', async () => {
    const exif = (orientation: number) =>
      exifBlock(
        [
          [0x0112, 3, orientation],
          [0x0131, 2, 'an editor'],
        ],
        { order: 'II' },
      );
    const turned = jpeg([
      [0xe1, bytesOf('Exif\0\0', exif(8))],
      [0xe1, bytesOf('http://ns.adobe.com/xap/1.0/\0', xmpPacket('<tiff:Orientation>8</tiff:Orientation>'))],
    ]);
    const saved = await save(turned, 'jpeg');
    expect(await rawBytes(saved)).toContain(latin1(exif(1)));
    expect(await rawBytes(saved)).toContain('<tiff:Orientation>1</tiff:Orientation>');
  });
});

describe('WebP to WebP', () => {
  test('EXIF and XMP stay, VP8X tells of them, the picture is the encoder’s', async () => {
    const exif = bytesOf('Exif\0\0', exifOfA1111([[0x010f, 2, 'a camera']]));
    const saved = await save(
      webp([
        ['VP8X', new Uint8Array(10)],
        ['EXIF', exif],
        ['XMP ', bytesOf(xmpPacket())],
      ]),
      'webp',
    );
    const parts = await partsOf(saved);
    expect(parts.map(({ type }) => type)).toEqual(['VP8X', 'VP8 ', 'EXIF', 'XMP ']);
    expect(parts[0]?.data[0]).toBe(0x0c);
    expect(Array.from(parts[2]?.data ?? [])).toEqual(Array.from(exif));
    expect(latin1(parts[3]?.data as Uint8Array)).toContain('<dc:title>caf\xc3\xa9</dc:title>');
    expect(Array.from(parts[1]?.data ?? []).length).toBe(11);
  });

  test('an XMP that takes nothing is kept, and the record has a chunk of its own', async () => {
    const saved = await save(webp([['XMP ', bytesOf('<odd>')]]), 'webp');
    expect(await typesOf(saved)).toEqual(['VP8X', 'VP8 ', 'XMP ', 'GREF']);
    const again = await save(saved, 'webp', 'second');
    expect(await typesOf(again)).toEqual(['VP8X', 'VP8 ', 'XMP ', 'GREF']);
    expect(await readRefineRecords(again)).toEqual([record, 'second']);
  });

  test('alpha and profile of the encoder’s file are told of', async () => {
    const lossless = blobOf(
      webp([
        ['ICCP', bytesOf(1, 2, 3)],
        ['VP8L', bytesOf(0x2f, 2, 0x40, 0, 0x10)],
      ]),
    );
    const kept = await readKeptMetadata(blobOf(png([])));
    const [head] = await partsOf(await writeWebp(lossless, { kept, record, ...size }));
    expect(head?.data[0]).toBe(0x20 | 0x10 | 0x04);
  });
});

describe('as generators write themselves', () => {
  /** The EXIF block of a saved JPEG or WebP. */
  async function savedExif(original: Uint8Array, format: Format) {
    const { exif } = await readKeptMetadata(await save(original, format));
    return readExifBlock(exif as Uint8Array);
  }

  test.each(['jpeg', 'webp'] as const)('A1111 in %s: UserComment in UTF-16, big-endian', async (format) => {
    const comment = (await savedExif(a1111Png, format))?.exif.get(0x9286);
    expect(latin1(comment?.bytes as Uint8Array)).toBe(latin1(bytesOf('UNICODE\0', utf16(parameters))));
    expect(comment?.type).toBe(7);
  });

  test.each(['jpeg', 'webp'] as const)('ComfyUI in %s: prompt in Model, workflow in Make', async (format) => {
    const exif = await savedExif(comfyPng, format);
    const text = (tag: number) => latin1(exif?.image.get(tag)?.bytes as Uint8Array).replace('\0', '');
    expect(text(0x0110).startsWith('prompt:{')).toBe(true);
    expect(JSON.parse(text(0x0110).slice('prompt:'.length))).toEqual(graph);
    expect(JSON.parse(text(0x010f).slice('workflow:'.length))).toEqual(workflow);
  });

  test('ComfyUI’s WebP as PNG: texts under its keywords, ASCII', async () => {
    const parts = (await partsOf(await save(comfyWebp, 'png'))).filter(({ type }) => type === 'tEXt');
    const texts = new Map(parts.map(({ data }) => latin1(data).split('\0') as [string, string]));
    expect(JSON.parse(texts.get('prompt') as string)).toEqual(graph);
    expect(JSON.parse(texts.get('workflow') as string)).toEqual(workflow);
  });

  test('a camera’s EXIF takes the words in without losing anything', async () => {
    const thumbnail = new Uint8Array(300).fill(7);
    const camera = exifBlock(
      [
        [0x010f, 2, 'Maker'],
        [0x0110, 2, 'Model X'],
        [0x0112, 3, 3],
      ],
      {
        exifTags: [
          [0x927c, 7, thumbnail],
          [0x9286, 7, new Uint8Array(64)],
        ],
        order: 'II',
      },
    );
    const original = png([
      pngChunk('eXIf', camera),
      tEXt('prompt', asciiJson(graph as never)),
      tEXt('workflow', '{"nodes":[]}'),
      tEXt('parameters', parameters.replace('ö', '\xf6')),
    ]);
    for (const format of ['jpeg', 'webp'] as const) {
      const exif = await savedExif(original, format);
      const text = (tag: number) => latin1(exif?.image.get(tag)?.bytes as Uint8Array);
      expect([text(0x010f), text(0x0110)]).toEqual(['Maker\0', 'Model X\0']);
      expect(text(0x010e).startsWith('prompt:{')).toBe(true);
      expect(text(0x013b)).toBe('workflow:{"nodes":[]}\0');
      expect(exif && orientationOf(exif)?.value).toBe(1);
      expect(exif?.exif.get(0x927c)?.bytes).toEqual(thumbnail);
      // The maker's note lies where it lay: its own offsets stay right.
      expect(exif?.exif.get(0x927c)?.offset).toBe(readExifBlock(camera)?.exif.get(0x927c)?.offset);
      expect(latin1(exif?.exif.get(0x9286)?.bytes.subarray(0, 8) as Uint8Array)).toBe('UNICODE\0');
    }
  });

  test('a JPEG holds 64 KB of EXIF: the longest graph gives way, but is not lost', async () => {
    const huge = { nodes: Array.from({ length: 5000 }, (_, id) => ({ id, type: 'Reroute' })) };
    const original = png([
      tEXt('prompt', asciiJson(graph as never)),
      tEXt('workflow', JSON.stringify(huge)),
      tEXt('parameters', parameters.replace('ö', '\xf6')),
    ]);
    const saved = await save(original, 'jpeg');
    const exif = readExifBlock((await readKeptMetadata(saved)).exif as Uint8Array);
    expect([exif?.image.has(0x0110), exif?.image.has(0x010f), exif?.exif.has(0x9286)]).toEqual([true, false, true]);
    const back = (await partsOf(await save(saved, 'png'))).find(({ data }) => latin1(data).startsWith('workflow\0'));
    expect(JSON.parse(latin1((back as Part).data).slice('workflow\0'.length))).toEqual(huge);
  });

  test('texts of a PNG come back under their keywords', async () => {
    const original = png([tEXt('Title', 'a title'), iTXt('Überschrift', 'größer 雪'), tEXt('Comment', 'by me')]);
    for (const format of ['jpeg', 'webp'] as const) {
      const { texts } = await readKeptMetadata(await save(await save(original, format), 'png'));
      expect(texts).toContainEqual({ keyword: 'Title', text: 'a title' });
      expect(texts).toContainEqual({ keyword: 'Comment', text: 'by me' });
      expect(texts.some(({ text }) => text === 'größer 雪')).toBe(true);
    }
  });
});

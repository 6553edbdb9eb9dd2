import { BlobReader } from '../container/blobReader.ts';
import { formatOf, SNIFFED_BYTES } from '../imageFormat.ts';
import { embeddedTexts } from './embeddedTexts.ts';
import type { GenerationMetadata, MetadataText } from './generationMetadata.ts';
import { generatorKeyword, parseGeneration } from './parseGeneration.ts';

/** What was found in a file, and a sentence for the user where something is there but damaged. */
export interface FoundMetadata {
  /** Null: the file says nothing about how it was made, or nothing that can be read. */
  readonly metadata: GenerationMetadata | null;
  readonly warning: string | null;
}

/** Longest raw text that is handed on for showing. */
const maxRawLength = 1 << 20;

function warningOf(texts: readonly MetadataText[], damaged: readonly string[], found: boolean): string | null {
  if (found) return null;
  const keyword = damaged[0] ?? generatorKeyword(texts);
  if (keyword === null || keyword === undefined) return null;
  return `The image carries words of its generator ("${keyword}"), but they are damaged or in an unknown form: type the prompt in`;
}

/**
 * Reads the prompt that a generator wrote into an image file: A1111, Forge, ComfyUI, InvokeAI, Fooocus, NovelAI and others; from
 * PNG texts, EXIF and XMP in PNG, JPEG, WebP and AVIF. Only the parts of the file around the texts are read. Never throws:
 * an image opens whatever its metadata is like.
 */
export async function readGenerationMetadata(file: Blob): Promise<FoundMetadata> {
  try {
    const reader = new BlobReader(file);
    const { format } = formatOf(await reader.bytes(0, SNIFFED_BYTES));
    if (format === null) return { metadata: null, warning: null };
    const damaged: string[] = [];
    const texts = await embeddedTexts(reader, { format, onDamage: (what) => damaged.push(what) });
    const parsed = parseGeneration(texts);
    const raw = texts.map(({ keyword, text }) => ({ keyword, text: text.slice(0, maxRawLength) }));
    return { metadata: parsed && { ...parsed, raw }, warning: warningOf(texts, damaged, parsed !== null) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { metadata: null, warning: `The image's metadata could not be read (${reason}): type the prompt in` };
  }
}

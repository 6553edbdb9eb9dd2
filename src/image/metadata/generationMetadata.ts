/** Who wrote the prompt into an image file. */
export type GenerationSource = 'A1111' | 'Forge' | 'ComfyUI' | 'InvokeAI' | 'Fooocus' | 'NovelAI' | 'unknown';

/** One text as it stands in the file. */
export interface MetadataText {
  /** PNG keyword, or `exif:UserComment` and the like. */
  readonly keyword: string;
  readonly text: string;
}

/** What a generator wrote into the image about how it was made; plain data that crosses a worker boundary. */
export interface GenerationMetadata {
  readonly source: GenerationSource;
  /** May be empty: images are also made without words. */
  readonly prompt: string;
  readonly negativePrompt?: string;
  /** The generator's own settings under its own names, e.g. `Steps`, `seed`. */
  readonly settings: Readonly<Record<string, string>>;
  /** Everything that was found, as it was found. */
  readonly raw: readonly MetadataText[];
}

/** What a dialect's parser finds; the reader adds the raw texts. */
export type ParsedGeneration = Omit<GenerationMetadata, 'raw'>;

/**
 * What the pipeline needs from the outside: interfaces only. `runtime` implements them with onnxruntime; tests implement
 * them with fakes, so that the whole story runs in Node.
 */

/** Features of one image from CLIP with surgery (spec "CLIP with surgery", G-Refine eq. 1). */
export interface ClipImageFeatures {
  /** Patches across and down. */
  readonly gridWidth: number;
  readonly gridHeight: number;
  /** CLS feature from the original path, `[dim]`, unit length. */
  readonly cls: Float32Array;
  /** Patch features from the surgery path, `[gridHeight * gridWidth, dim]` row-major, each row unit length. */
  readonly patchFeatures: Float32Array;
}

/** The image encoder without position embeddings (CLIP-IQA, arXiv 2207.12396): images of any shape. */
export interface UnpositionedEncoder {
  /** Side of a patch in pixels: both sides of an image are multiples of it. */
  readonly patchSize: number;
  /**
   * Encodes one image.
   * @param pixelValues `[3, height, width]`, normalised with `imageMean`, `imageStd`
   * @returns the class token's feature, `[dim]`, unit length
   */
  encode(pixelValues: Float32Array, size: { readonly width: number; readonly height: number }): Promise<Float32Array>;
}

/** A CLIP model ready to run. */
export interface ClipEncoder {
  /** Identifies the checkpoint, e.g. `openai/clip-vit-base-patch16`; shown and written into records. */
  readonly modelName: string;
  /** Square input sizes in pixels this model was compiled for, ascending. */
  readonly imageSizes: readonly number[];
  /** Per-channel mean and standard deviation of the preprocessing, RGB in 0..1. */
  readonly imageMean: readonly [number, number, number];
  readonly imageStd: readonly [number, number, number];
  /** Length of a feature. */
  readonly dim: number;
  /** Width of the text transformer: learned contexts must have it. */
  readonly textWidth: number;
  /** Learned logit scale κ (exp already applied), about 100. */
  readonly logitScale: number;
  /**
   * Encodes one preprocessed image.
   * @param pixelValues `[3, imageSize, imageSize]`, normalised with `imageMean`, `imageStd`
   */
  encodeImage(pixelValues: Float32Array, imageSize: number): Promise<ClipImageFeatures>;
  /** Absent: the pack was made before it was kept for this; installing it again brings it. */
  readonly unpositioned?: UnpositionedEncoder | null;
  /** Encodes texts; returns `[texts.length, dim]`, rows of unit length. Longer than the context: truncated, EOT kept. */
  encodeText(texts: readonly string[]): Promise<Float32Array>;
  /**
   * Encodes sequences given as token embeddings (learned contexts), positional embedding not yet added.
   * @param embeddings `[count, contextLength, textWidth]`
   * @param eotIndex position whose output is the text's feature
   * @returns `[count, dim]`, rows of unit length
   */
  encodePromptEmbeddings(embeddings: Float32Array, options: { count: number; eotIndex: number }): Promise<Float32Array>;
  /** Id of the start-of-text token; absent: 49406, CLIP's own vocabulary. */
  readonly startToken?: number;
  /** Row `token` of the token embedding table, `[textWidth]`: to check that learned contexts fit this CLIP. */
  tokenEmbedding(token: number): Promise<Float32Array>;
}

/** Where something lies in a file: bytes `[start, start + length)`. */
export interface ByteRange {
  readonly start: number;
  readonly length: number;
}

/** What a container says about its picture before anything is decoded. */
export interface ContainerHeader {
  /** Size in pixels as stored, before any orientation is applied; null: nowhere in the file. */
  readonly size: { readonly width: number; readonly height: number } | null;
  /** The EXIF block (a TIFF header and its directories) whose orientation applies; null: none. */
  readonly exif: ByteRange | null;
  /** False: the file ends before its picture does. */
  readonly complete: boolean;
  /** Parts of the file to be left out in decoding. Told of PNG alone, see `pngHeader`. */
  readonly misleading?: readonly ByteRange[];
  /** True: 16 bits per sample. Told of PNG alone. */
  readonly sixteenBit?: boolean;
}

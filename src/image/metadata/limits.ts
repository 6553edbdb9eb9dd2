/** Longest text that is read from a file, in bytes, unpacked: large workflows have a few hundred kilobytes. */
export const MAX_TEXT_BYTES = 8 << 20;

/** Most texts that are read from a file. */
export const MAX_TEXTS = 64;

/**
 * What a file that is not a checkpoint most likely is, from its first bytes, with what to do about it: a page saved
 * instead of a download, or the pointer that git keeps in place of a large file.
 * @param head the first bytes of the file, 64 are enough
 * @returns a sentence part for an error message, or null
 */
export function recogniseWrongFile(head: Uint8Array): string | null {
  const text = String.fromCharCode(...head.subarray(0, 64));
  if (text.startsWith('version https://git-lfs')) {
    return 'this is a Git LFS pointer, not the weights; run "git lfs pull" or download the file itself';
  }
  if (/^\s*<(!doctype|html|\?xml)/i.test(text)) {
    return 'this is a web page, not the weights; download the file itself (on the hub: "resolve", not "blob")';
  }
  return null;
}

/** SHA-256 of the files of a pack, by name; its list without id and date. */
export async function packDigests(packId: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const [name, handle] of (await packFolder(packId)).entries()) {
    if (handle.kind !== 'file') continue;
    let bytes = await (await (handle as FileSystemFileHandle).getFile()).arrayBuffer();
    if (name === 'pack.json') {
      const text = new TextDecoder().decode(bytes).replaceAll(packId, 'id');
      bytes = new TextEncoder().encode(text.replace(/"installedAt":\d+/, '')).buffer;
    }
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    found[name] = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  }
  return found;
}

/** Where a pack lies in the browser's private file system. */
export async function packFolder(packId: string): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory();
  return (await root.getDirectoryHandle('packs')).getDirectoryHandle(packId);
}

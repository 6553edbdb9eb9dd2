/** File System Access, https://wicg.github.io/file-system-access/, as far as it is used here; not among TypeScript's types. */
interface FolderPicker {
  showDirectoryPicker(options: { readonly id: string; readonly mode: 'readwrite' }): Promise<FileSystemDirectoryHandle>;
}

const picker = (): FolderPicker | null =>
  'showDirectoryPicker' in window ? (window as unknown as FolderPicker) : null;

/** Whether this browser lets a page write into a folder the user chooses. */
export function canChooseFolder(): boolean {
  return picker() !== null;
}

/** Asks the user for a folder to write into; null: none was chosen. Call it within a click. */
export async function chooseFolder(): Promise<FileSystemDirectoryHandle | null> {
  try {
    return (await picker()?.showDirectoryPicker({ id: 'models', mode: 'readwrite' })) ?? null;
  } catch (error) {
    // The dialog was closed, or the browser's question answered with no.
    if (error instanceof DOMException && /^(Abort|NotAllowed)Error$/.test(error.name)) return null;
    throw error;
  }
}

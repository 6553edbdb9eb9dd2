/** File System Access, https://wicg.github.io/file-system-access/, as far as it is used here; not among TypeScript's types. */
interface FolderPicker {
  showDirectoryPicker(options: {
    readonly id: string;
    readonly mode: 'read' | 'readwrite';
  }): Promise<FileSystemDirectoryHandle>;
}

const picker = (): FolderPicker | null =>
  'showDirectoryPicker' in window ? (window as unknown as FolderPicker) : null;

/** Whether this browser lets a page write into a folder the user chooses. */
export function canChooseFolder(): boolean {
  return picker() !== null;
}

/**
 * Asks the user for a folder; null: none was chosen. Call it within a click.
 * @param what the browser begins where the last folder for the same was. `mode`: what is done with it
 */
export async function chooseFolder(
  what: 'models' | 'pictures' | 'images',
  mode: 'read' | 'readwrite' = 'readwrite',
): Promise<FileSystemDirectoryHandle | null> {
  try {
    return (await picker()?.showDirectoryPicker({ id: what, mode })) ?? null;
  } catch (error) {
    // The dialog was closed, or the browser's question answered with no.
    if (error instanceof DOMException && /^(Abort|NotAllowed)Error$/.test(error.name)) return null;
    throw error;
  }
}

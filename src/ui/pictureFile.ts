import type { SaveRequest } from '../bridge/protocol.ts';

/** Formats a picture is saved in. */
export type Format = SaveRequest['format'];

/** Each format's name, extensions (the usual one first) and type. */
export const FORMATS: Readonly<
  Record<Format, { readonly name: string; readonly extensions: readonly string[]; readonly note: string }>
> = {
  png: { name: 'PNG', extensions: ['png'], note: 'Every pixel exactly as it is' },
  jpeg: { name: 'JPEG', extensions: ['jpg', 'jpeg'], note: 'Small, opens everywhere, loses a little' },
  webp: { name: 'WebP', extensions: ['webp'], note: 'Smaller than JPEG at the same look' },
};

/** The format a file's name asks for; null: none of ours. */
export function formatOfName(name: string): Format | null {
  const extension = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  const found = Object.entries(FORMATS).find(([, { extensions }]) => extensions.includes(extension));
  return (found?.[0] as Format | undefined) ?? null;
}

/** A file the user chose to write to. */
export interface ChosenFile {
  readonly name: string;
  write(blob: Blob): Promise<void>;
}

/** The part of the File System Access API used here; only Chromium has it. */
interface FilePicker {
  showSaveFilePicker?(options: {
    suggestedName: string;
    types: { description: string; accept: Record<string, string[]> }[];
  }): Promise<FileSystemFileHandle>;
}

/** Lets the user choose a file; null where the browser cannot, `cancelled` where the user did not. */
export async function chooseFile(base: string, format: Format): Promise<ChosenFile | null | 'cancelled'> {
  const picker = window as FilePicker;
  if (!picker.showSaveFilePicker) return null;
  const { name, extensions } = FORMATS[format];
  try {
    const handle = await picker.showSaveFilePicker({
      suggestedName: `${base}.${extensions[0]}`,
      types: [{ description: name, accept: { [`image/${format}`]: extensions.map((extension) => `.${extension}`) } }],
    });
    return {
      name: handle.name,
      write: async (blob) => {
        const stream = await handle.createWritable();
        await stream.write(blob);
        await stream.close();
      },
    };
  } catch (error) {
    // A dialog closed without a choice; or one the browser refuses here, as in a frame: then it is a download.
    return error instanceof Error && error.name === 'AbortError' ? 'cancelled' : null;
  }
}

/** Saves a blob as a download. */
export function downloadBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download has read the address by then; sooner, some browsers save nothing.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

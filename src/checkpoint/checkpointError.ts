import { UserError } from '../errors.ts';

/**
 * A file that cannot be read as a checkpoint.
 * @param file path of the file, as the user knows it
 * @param detail what is wrong, what was expected and what to do, without a full stop: `tensor "x" is …, expected …; …`
 */
export function checkpointError(file: string, detail: string, options?: ErrorOptions): UserError {
  return new UserError('CheckpointError', `Cannot read "${file}": ${detail}`, options);
}

/** Longest piece of a file's own text repeated in an error message. */
const MAX_QUOTED = 80;

/** Text taken from an untrusted file, fit for one line of an error message: quoted, escaped, shortened. */
export function quote(text: string): string {
  const short = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
  return JSON.stringify(short);
}

/** What to do about a file whose bytes contradict each other: said in one place so that it is said alike. */
export const DOWNLOAD_AGAIN = 'the file is damaged or incomplete; download it again';

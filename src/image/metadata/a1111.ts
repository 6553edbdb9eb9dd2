import type { ParsedGeneration } from './generationMetadata.ts';

/** One `name: value` of the settings line. */
interface Setting {
  readonly name: string;
  readonly value: string;
}

const namePattern = /\s*([\w][\w \-/.()]*?):\s*/y;
const quotedPattern = /"(?:[^"\\]|\\.)*"/y;
const barePattern = /[^,]*/y;

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** A quoted value is JSON, so that commas, colons and line breaks fit in. */
function unquoted(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : text;
  } catch {
    return text;
  }
}

/** The settings of a line `Steps: 20, Sampler: Euler a, Hashes: "…", …`; what does not fit is skipped up to its comma. */
function settingsOfLine(line: string): readonly Setting[] {
  const settings: Setting[] = [];
  let at = 0;
  while (at < line.length) {
    const name = matchAt(namePattern, line, at);
    if (!name) {
      const comma = line.indexOf(',', at);
      if (comma < 0) break;
      at = comma + 1;
      continue;
    }
    at += name[0].length;
    const quoted = matchAt(quotedPattern, line, at)?.[0];
    const bare = quoted === undefined ? (matchAt(barePattern, line, at)?.[0] ?? '') : '';
    settings.push({ name: name[1] as string, value: quoted === undefined ? bare.trim() : unquoted(quoted) });
    const comma = line.indexOf(',', at + (quoted ?? bare).length);
    at = comma < 0 ? line.length : comma + 1;
  }
  return settings;
}

/** The line with the settings: the last that starts with `Steps:`, or a last line that has at least three of them. */
function settingsLineOf(lines: readonly string[]): number {
  const steps = lines.findLastIndex((line) => /^\s*Steps: *\d/.test(line));
  if (steps >= 0) return steps;
  return settingsOfLine(lines.at(-1) ?? '').length >= 3 ? lines.length - 1 : -1;
}

const negativeLabel = 'Negative prompt:';

/** Forge writes its version as `f2.0.1v1.10.1-…`, Fooocus (in its a1111 scheme) `Fooocus v2.5.5`; A1111 `v1.10.1`. */
function sourceOf(version: string | undefined): ParsedGeneration['source'] {
  if (version?.startsWith('Fooocus')) return 'Fooocus';
  return /^f\d/.test(version ?? '') || version === 'neo' ? 'Forge' : 'A1111';
}

/**
 * Reads the text that AUTOMATIC1111's web UI and its relatives write as `parameters` (PNG) or UserComment (EXIF): lines of
 * prompt, lines from `Negative prompt:` on, a line of settings.
 *
 * @returns null if the text has neither settings nor a negative prompt: then it is somebody's comment
 */
export function parseA1111(text: string): ParsedGeneration | null {
  const lines = text.replaceAll('\r\n', '\n').trim().split('\n');
  const settingsLine = settingsLineOf(lines);
  const words = settingsLine < 0 ? lines : lines.slice(0, settingsLine);
  const negativeLine = words.findIndex((line) => line.trimStart().startsWith(negativeLabel));
  if (settingsLine < 0 && negativeLine < 0) return null;
  const settings: Record<string, string> = {};
  for (const { name, value } of settingsLine < 0 ? [] : settingsOfLine(lines[settingsLine] as string)) {
    Object.defineProperty(settings, name, { value, enumerable: true, configurable: true, writable: true });
  }
  const prompt = (negativeLine < 0 ? words : words.slice(0, negativeLine)).join('\n').trim();
  const negative =
    negativeLine < 0 ? '' : words.slice(negativeLine).join('\n').trim().slice(negativeLabel.length).trim();
  return {
    source: sourceOf(settings.Version),
    prompt,
    ...(negative ? { negativePrompt: negative } : {}),
    settings,
  };
}

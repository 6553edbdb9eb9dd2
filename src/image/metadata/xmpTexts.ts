import { contentOfXmp } from '../saving/refinePacket.ts';
import type { MetadataText } from './generationMetadata.ts';

/** Properties of XMP in which generators leave words. */
const properties = ['exif:UserComment', 'dc:description', 'xmp:CreatorTool', 'parameters', 'prompt'];

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decoded(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w{2,4}));/gi, (whole, hex, decimal, name) => {
    if (name) return entities[name as string] ?? whole;
    const code = hex ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/** The content of the first element, its inner tags (`rdf:Alt`, `rdf:li`) left out. */
function elementText(xmp: string, property: string): string | null {
  const open = xmp.indexOf(`<${property}`);
  const after = xmp[open + property.length + 1];
  if (open < 0 || after === undefined || !/[\s>]/.test(after)) return null;
  const start = xmp.indexOf('>', open) + 1;
  const end = xmp.indexOf(`</${property}>`, start);
  if (start === 0 || end < 0) return null;
  return decoded(xmp.slice(start, end).replace(/<[^>]*>/g, '')).trim();
}

/** The value of the first attribute of the name: XMP's short form. */
function attributeText(xmp: string, property: string): string | null {
  for (const quote of ['"', "'"]) {
    const open = xmp.indexOf(` ${property}=${quote}`);
    if (open < 0) continue;
    const start = open + property.length + 3;
    const end = xmp.indexOf(quote, start);
    if (end >= 0) return decoded(xmp.slice(start, end)).trim();
  }
  return null;
}

/**
 * The texts in an XMP packet that may hold a prompt, and those of a PNG that we kept there when it was saved in another
 * format, under their own keywords. Reads properties by name, not XML as such; never throws.
 */
export function xmpTexts(xmp: string): readonly MetadataText[] {
  const found = properties.flatMap((property) => {
    const text = elementText(xmp, property) ?? attributeText(xmp, property);
    return text ? [{ keyword: `xmp:${property.slice(property.indexOf(':') + 1)}`, text }] : [];
  });
  return [...found, ...contentOfXmp(xmp).texts];
}

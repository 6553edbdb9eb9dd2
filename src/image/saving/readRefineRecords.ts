import type { Json } from '../json.ts';
import { readKeptMetadata } from './keptMetadata.ts';
import { contentOfXmp } from './refinePacket.ts';

/**
 * Our records in an image file, oldest first: what `savePicture` wrote. Empty where there are none; damaged ones are passed over.
 *
 * @throws whatever the medium throws (a `NotReadableError`)
 */
export async function readRefineRecords(file: Blob): Promise<readonly Json[]> {
  const { xmp, records } = await readKeptMetadata(file);
  // A picture that was saved in another format first has older ones in its XMP.
  return [...(xmp ? contentOfXmp(xmp).records : []), ...records];
}

import type { Json } from '../image/json.ts';
import {
  type ImageMeasures,
  isNegativeOptimisation,
  measureChange,
  measureIds,
  measures,
} from '../measures/measures.ts';
import { rounded } from './analysisRecord.ts';

/**
 * Measures as JSON for records: of one image, or before and after with the change, whether it is good, and whether it is a negative
 * optimisation. What was not measured is left out.
 */
export function measuresRecord(before: ImageMeasures, after: ImageMeasures | null = null): Json {
  const entries = measureIds.flatMap((id): [string, Json][] => {
    const values = { before: before.values[id], after: after?.values[id] ?? null };
    if (values.before === null && values.after === null) return [];
    const change = measureChange(id, values);
    return [
      [
        id,
        {
          name: measures[id].name,
          higherIsBetter: measures[id].higherIsBetter,
          ...(values.before !== null && { [after ? 'before' : 'value']: rounded(values.before) }),
          ...(values.after !== null && { after: rounded(values.after) }),
          ...(change && {
            change: rounded(change.difference),
            verdict: change.verdict,
            negativeOptimisation: isNegativeOptimisation(id, values),
          }),
        },
      ],
    ];
  });
  return Object.fromEntries(entries);
}

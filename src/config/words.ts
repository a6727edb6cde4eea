import type { z } from 'zod';

/** What a value is to be, for a person who writes JSON. */
const KINDS: ReadonlyMap<string, string> = new Map([
  ['string', 'text'],
  ['number', 'a number'],
  ['int', 'a whole number'],
  ['boolean', 'true or false'],
  ['array', 'a list'],
  ['object', 'an object'],
  ['record', 'an object'],
]);

/** Words for what a schema has none of its own for. zod's speak of "expected string, received array". */
export const plainWords: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'invalid_type') {
    if (issue.input === undefined) return 'is missing';
    return `must be ${KINDS.get(issue.expected) ?? 'of another kind'}`;
  }
  if (issue.code === 'too_small' && issue.minimum === 1) return 'must not be empty';
  if (issue.code === 'too_small') return `must be ${issue.minimum} at least`;
  if (issue.code === 'too_big') return `must be ${issue.maximum} at most`;
  return 'is not valid';
};

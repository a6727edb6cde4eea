import { joinPath } from './interpolate.ts';

interface Open {
  readonly path: string;
  /** Of an object, those met so far; null for a list. */
  readonly keys: Set<string> | null;
  /** Where the next value stands. */
  place: string;
  index: number;
}

/**
 * The paths of keys that stand in one object more than once. JSON.parse takes
 * the last of them without a word, and shows a reviver only that one.
 *
 * @param text JSON that was parsed before.
 */
export function duplicateKeys(text: string): readonly string[] {
  const found: string[] = [];
  const stack: Open[] = [];
  let before = '';
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}:,]/g)) {
    const open = stack.at(-1);
    if (token === '{') {
      stack.push({ path: open?.place ?? '', keys: new Set(), place: '', index: 0 });
    } else if (token === '[') {
      const path = open?.place ?? '';
      stack.push({ path, keys: null, place: `${path}[0]`, index: 0 });
    } else if (token === '}' || token === ']') {
      stack.pop();
    } else if (open !== undefined && open.keys === null && token === ',') {
      open.index += 1;
      open.place = `${open.path}[${open.index}]`;
    } else if (open?.keys instanceof Set && (before === '{' || before === ',')) {
      const key = String(JSON.parse(token));
      open.place = joinPath(open.path, key);
      if (open.keys.has(key)) found.push(open.place);
      open.keys.add(key);
    }
    before = token;
  }
  return found;
}

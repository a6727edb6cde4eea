import type { Batches } from '../store/batches.ts';

/** Gathered to this size before they are written. */
const PIECE = 256 * 1024;

/** The texts one after another, in pieces that are worth a write. */
export async function* gather(texts: Batches<string>, head = ''): AsyncGenerator<string> {
  let piece = head;
  for await (const batch of texts) {
    for (const text of batch) {
      piece += text;
      if (piece.length < PIECE) continue;
      yield piece;
      piece = '';
    }
  }
  yield piece;
}

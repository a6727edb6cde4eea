import { fstatSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';

/**
 * What the command writes to stdout arrives whole, or it fails. Where stdout is a
 * file, Node writes each piece by one call and never looks how much of it was
 * taken: on a disk, quota or size limit that fills up meanwhile, the rest of a
 * piece would be gone and nothing would have failed.
 */
export function mendStdout(): void {
  if (!isFile(STDOUT)) return;
  // Written at once, as Node does: beside it stderr may go to the same file, and the order stays.
  const stdout = new Writable({
    decodeStrings: true,
    write: (piece: Buffer, _encoding, done) => {
      try {
        writeWhole(piece);
        done();
      } catch (error) {
        done(error instanceof Error ? error : new Error('stdout cannot be written'));
      }
    },
  });
  Object.defineProperty(process, 'stdout', { value: stdout, configurable: true });
}

const STDOUT = 1;

function isFile(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isFile();
  } catch {
    // Closed by whoever started this: Node has put something in its place.
    return false;
  }
}

function writeWhole(piece: Buffer): void {
  for (let at = 0; at < piece.length; ) {
    const taken = writeSync(STDOUT, piece, at);
    if (taken === 0) throw new Error('stdout takes no more');
    at += taken;
  }
}

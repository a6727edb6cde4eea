import { callOf } from './calls.ts';
import { billJson, recordJson } from './wording.ts';
import { startOf, type World } from './world.ts';

/** Rows that are serialised already, the newest first, as the providers list them. */
export interface List {
  /** The rows of the calls `[first, end)`, newest first, with commas between them. */
  slice(first: number, end: number): readonly Buffer[];
}

const BLOCK = 1000;

interface Block {
  readonly bytes: Buffer;
  /** Where each row begins; at the end where the last one, with its comma, ends. */
  readonly offsets: Uint32Array;
}

/**
 * Serialises all rows once, so that a page costs the server no more than a few
 * copies of memory: the server must not be what is measured.
 */
export function makeList(world: World): List {
  const { calls, first: number } = world;
  const word = world.provider === 'infin8linx' ? billJson : recordJson;
  const row = (position: number): string => {
    const index = calls - 1 - position;
    return `${word(callOf(number + index, startOf(world, index)))},`;
  };
  const blocks: Block[] = [];
  for (let start = 0; start < calls; start += BLOCK) {
    blocks.push(makeBlock(start, Math.min(BLOCK, calls - start), row));
  }
  return {
    slice(first, end) {
      const parts: Buffer[] = [];
      const last = calls - first;
      for (let position = calls - end; position < last; ) {
        const block = blocks[Math.floor(position / BLOCK)];
        if (block === undefined) break;
        const inside = position % BLOCK;
        const rows = Math.min(BLOCK - inside, last - position);
        position += rows;
        // Without the comma after the last row of all.
        const bytesEnd = (block.offsets[inside + rows] ?? 0) - (position === last ? 1 : 0);
        parts.push(block.bytes.subarray(block.offsets[inside], bytesEnd));
      }
      return parts;
    },
  };
}

function makeBlock(start: number, count: number, row: (position: number) => string): Block {
  const rows = Array.from({ length: count }, (_, index) => row(start + index));
  const offsets = new Uint32Array(count + 1);
  for (const [index, text] of rows.entries())
    offsets[index + 1] = (offsets[index] ?? 0) + text.length;
  // ASCII: as many bytes as characters.
  return { bytes: Buffer.from(rows.join(''), 'latin1'), offsets };
}

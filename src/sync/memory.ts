import { createHash, hash } from 'node:crypto';

/**
 * What a walk has seen: the identities its pages listed, as digests of eight
 * bytes. It is stored page by page with the rows themselves, so that a walk
 * that was killed goes on knowing what it knew. Two identities that share a
 * digest (one chance in thirty million for a window of a million rows) make a
 * walk look incomplete, never the reverse.
 */
export interface WalkMemory {
  /** How often each identity was listed. */
  readonly counts: Map<string, number>;
  /** Rows listed, repeats included. */
  listed: number;
  /** Rows that an earlier page had listed already. */
  repeats: number;
}

export interface PageNews {
  /** Identities that the walk had not seen before this page. */
  readonly fresh: number;
  /** Rows of the page whose identity an earlier page had listed. */
  readonly repeats: number;
}

const WIDTH = 8;

export function emptyMemory(): WalkMemory {
  return { counts: new Map(), listed: 0, repeats: 0 };
}

/** The digest of an identity, as the memory holds it. */
export function digestOf(identity: string): string {
  return hash('sha256', identity, 'binary').slice(0, WIDTH);
}

/** Adds a page to the memory and says what was new in it. */
export function rememberPage(memory: WalkMemory, digests: readonly string[]): PageNews {
  const before = new Set(digests.filter((digest) => memory.counts.has(digest)));
  const repeats = digests.filter((digest) => before.has(digest)).length;
  for (const digest of digests) memory.counts.set(digest, (memory.counts.get(digest) ?? 0) + 1);
  memory.listed += digests.length;
  memory.repeats += repeats;
  return { fresh: new Set(digests).size - before.size, repeats };
}

/** A page's digests as they are stored. */
export function packDigests(digests: readonly string[]): Buffer {
  return Buffer.from(digests.join(''), 'latin1');
}

/** The walk's memory from what is stored of it, page by page. */
export function recallMemory(pages: readonly Buffer[]): WalkMemory {
  const memory = emptyMemory();
  for (const page of pages) {
    const digests: string[] = [];
    for (let at = 0; at < page.length; at += WIDTH) {
      digests.push(page.toString('latin1', at, at + WIDTH));
    }
    rememberPage(memory, digests);
  }
  return memory;
}

/** One text for all walks that listed the same identities equally often. */
export function memoryDigest({ counts }: WalkMemory): string {
  const hash = createHash('sha256');
  for (const [digest, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${digest}${count};`, 'latin1');
  }
  return hash.digest('hex');
}

import { SECOND } from '../../src/time.ts';

/** A call as every bench writes it down, in the providers' words or straight into a store. */
export interface BenchCall {
  /** Unique, and in no order, as ids of real calls are. */
  readonly uuid: string;
  readonly number: number;
  readonly inbound: boolean;
  readonly caller: string;
  readonly callee: string;
  readonly agent: string;
  readonly start: number;
  readonly answer: number | null;
  readonly end: number;
  readonly talkSeconds: number;
}

/** The call of a number that starts then; the same for the same arguments. */
export function callOf(number: number, start: number): BenchCall {
  const one = mix(number);
  const two = mix(one ^ 0x9e3779b9);
  const answered = one % 5 < 3;
  const talkSeconds = answered ? 1 + (two % 240) : 0;
  const answer = answered ? start + (2 + (one % 20)) * SECOND : null;
  const inbound = two % 4 === 0;
  const customer = `154000${pad(one % 100_000, 5)}`;
  const line = `0211000000${two % 10}`;
  return {
    // The whole number stands in it, so that no two are the same.
    uuid: `${hex(one)}-${hex(two).slice(0, 4)}-4${hex(two).slice(4, 7)}-8${hex(mix(two)).slice(0, 3)}-${pad(number, 12)}`,
    number,
    inbound,
    caller: inbound ? customer : line,
    callee: inbound ? line : customer,
    agent: String(1001 + (one % 200)),
    start,
    answer,
    end: (answer ?? start + 20 * SECOND) + talkSeconds * SECOND,
    talkSeconds,
  };
}

/** 32 bits that look like chance (murmur3's last step). */
function mix(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}

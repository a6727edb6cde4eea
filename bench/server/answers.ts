import { z } from 'zod';
import { zoneClock } from '../../src/time.ts';
import type { List } from './list.ts';
import { indexesIn, type World } from './world.ts';

/** The two APIs, as far as a walk uses them; signatures and tokens are taken as they come. */

const clock = zoneClock('Asia/Shanghai');

interface PageAsked {
  readonly from: number;
  readonly to: number;
  /** From 1. */
  readonly page: number;
  readonly size: number;
}

/** @throws Error where the request is not one for a page. */
export function answerPage(world: World, list: List, body: string): Buffer {
  return world.provider === 'infin8linx'
    ? infin8linx(world, list, askedByForm(body))
    : itniotech(world, list, askedByJson(body));
}

function infin8linx(world: World, list: List, asked: PageAsked): Buffer {
  const { total, rows } = pageOf(world, list, asked);
  const counts = `"totalitems":${total},"currentpage":${asked.page},"itemsperpage":${asked.size}`;
  const head = `{"ret":200,"data":{"status":0,"desc":"ok","result":{${counts},"bills":[`;
  return Buffer.concat([Buffer.from(head), ...rows, Buffer.from(']}},"msg":""}')]);
}

function itniotech(world: World, list: List, asked: PageAsked): Buffer {
  const { total, rows } = pageOf(world, list, asked);
  const pages = Math.ceil(total / asked.size);
  const counts = `"total":${total},"size":${asked.size},"current":${asked.page},"pages":${pages}`;
  const head = `{"status":"0","reason":"success","data":{${counts},"searchCount":true,"records":[`;
  return Buffer.concat([Buffer.from(head), ...rows, Buffer.from(']}}')]);
}

function pageOf(
  world: World,
  list: List,
  { from, to, page, size }: PageAsked,
): { readonly total: number; readonly rows: readonly Buffer[] } {
  const { first, end } = indexesIn(world, from, to);
  const total = end - first;
  const pageEnd = Math.max(first, end - (page - 1) * size);
  return { total, rows: list.slice(Math.max(first, pageEnd - size), pageEnd) };
}

function askedByForm(body: string): PageAsked {
  const field = (name: string): string =>
    new RegExp(`name="${name}"\r\n\r\n([^\r]*)\r\n`).exec(body)?.[1] ?? '';
  return {
    from: instant(field('starttime')),
    to: instant(field('endtime')),
    page: Number(field('currentpage')),
    size: Math.min(1000, Number(field('itemsperpage'))),
  };
}

const Query = z.object({
  current: z.int(),
  size: z.int(),
  params: z.object({ strTime: z.string(), endTime: z.string() }),
});

function askedByJson(body: string): PageAsked {
  const { current, size, params } = Query.parse(JSON.parse(body));
  const [from, to] = [instant(params.strTime), instant(params.endTime)];
  return { from, to, page: current, size: Math.min(100, size) };
}

function instant(text: string): number {
  const time = clock.parse(text);
  if (time === null) throw new Error('a time cannot be read');
  return time.at;
}

import { z } from 'zod';
import { parseStoreUrl } from '../store-url.ts';
import { shape } from './patterns.ts';

/** As URLs are read, in any case, by a pattern without flags. */
const WEB = '^[Hh][Tt][Tt][Pp][Ss]?://';
/** A parser takes more for a URL, blanks, backslashes and further slashes among it: a slip, in a configuration. */
const BASE = `${WEB}[^/\\\\@?#\\s]+(/[^\\\\?#\\s]*)?$`;

export const httpUrl = z
  .string('must be a URL')
  .superRefine((text, context) => {
    const problem = baseProblem(text);
    if (problem !== null) context.addIssue(problem);
  })
  .meta(shape(BASE, 'must begin with https:// or http://, without user, query or fragment'));

function baseProblem(text: string): string | null {
  if (!URL.canParse(text)) return 'is not a URL';
  if (!new RegExp(WEB).test(text)) return 'must begin with https:// or http://';
  const { username, password, search, hash } = new URL(text);
  if (username !== '' || password !== '') return 'must hold no user or password';
  if (search !== '' || hash !== '' || /[?#]$/.test(text))
    return 'must hold no query and no fragment';
  return new RegExp(BASE).test(text) ? null : 'is not a URL';
}

export const proxyUrl = z
  .string()
  .refine(
    (text) => URL.canParse(text) && new RegExp(WEB).test(text),
    'must be an http(s) URL or false',
  )
  .meta({ pattern: `${WEB}.` });

export const storeUrl = z
  .string('must be sqlite:PATH or postgres://…')
  .superRefine((text, context) => {
    const parsed = parseStoreUrl(text);
    if (parsed.kind === 'problem') context.addIssue(parsed.message);
  })
  .meta({ pattern: '^(sqlite:|postgres(ql)?://).' });

export const queueUrl = z
  .string()
  .regex(
    /^(embedded|rediss?:\/\/.+|postgres(ql)?:\/\/.+)$/,
    'must be embedded, redis://…, rediss://… or postgres://…',
  )
  .refine((text) => text === 'embedded' || URL.canParse(text), 'is not a URL');

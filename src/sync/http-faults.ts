import { errorEntry } from '../codes/catalogue.ts';
import { type Fault, fault, type Remedy } from '../errors.ts';
import { isObject, type Json, parseJson } from '../json.ts';
import type { HttpResponse } from '../providers/http.ts';
import { DAY, SECOND } from '../time.ts';

/** What an HTTP status means by itself; null where the response is a success. */
export function statusFault(response: HttpResponse): Fault | null {
  const { status } = response;
  if (status >= 200 && status < 300) return null;
  const words = providerWords(response.text);
  const message = `HTTP ${status}${words === null ? '' : `: ${words}`}`;
  if (status === 429) return fault('http.rate_limited', message, toldToWait(response));
  if (status === 407) return fault('http.proxy_auth', message);
  if (status === 401 || status === 403) return fault('http.auth', message);
  if (status === 408 || status === 425 || status >= 500) {
    return fault('http.trouble', message, toldToWait(response));
  }
  if (status >= 300 && status < 400) return redirected(response);
  return fault('http.refused', message);
}

function redirected({ status, location }: HttpResponse): Fault {
  const message = `HTTP ${status}: redirected`;
  if (location === null || !URL.canParse(location)) return fault('http.redirect', message);
  const { host } = new URL(location);
  const { en, zh } = errorEntry('http.redirect').hint;
  const hint = {
    en: `${en.replace(/\.$/, '')} (it names ${host}).`,
    zh: `${zh.replace(/。$/, '')}（重定向指向 ${host}）。`,
  };
  return fault('http.redirect', message, { hint });
}

function toldToWait(response: HttpResponse): { readonly remedy?: Remedy } {
  const ms = waitTold(response);
  return ms === null ? {} : { remedy: { kind: 'wait', ms } };
}

/** `Retry-After` in milliseconds: seconds, or a date on the provider's own clock. */
function waitTold({ retryAfter, date }: HttpResponse): number | null {
  if (retryAfter === null) return null;
  if (/^\d+(?:\.\d+)?$/.test(retryAfter)) return Math.min(Number(retryAfter) * SECOND, DAY);
  const until = Date.parse(retryAfter);
  if (Number.isNaN(until)) return null;
  return Math.min(Math.max(0, until - (date ?? Date.now())), DAY);
}

/** The sentence in an error body, under whichever name it goes. */
function providerWords(text: string): string | null {
  const body = tryJson(text);
  if (!isObject(body)) return null;
  for (const name of ['message', 'msg', 'reason', 'desc', 'error', 'error_description']) {
    const value = body[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return null;
}

/** Undefined where the text is not JSON. */
export function tryJson(text: string): Json | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** A body that is not JSON. A proxy's page or a cut connection is worth another try. */
export function notJson(text: string): Fault {
  const html = /^\s*<(?:!doctype|html|head|body)/i.test(text);
  return html
    ? fault('response.html', 'the answer is an HTML page, not JSON', { retry: true })
    : fault('response.not_json', 'the answer is not JSON', { retry: true });
}

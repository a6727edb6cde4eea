import type { Fault, Remedy } from '../errors.ts';
import { isObject, type Json, parseJson } from '../json.ts';
import type { HttpResponse } from '../providers/http.ts';
import { DAY, SECOND } from '../time.ts';

/** What an HTTP status means by itself; null where the response is a success. */
export function statusFault(response: HttpResponse): Fault | null {
  const { status } = response;
  if (status >= 200 && status < 300) return null;
  const words = providerWords(response.text);
  const message = `HTTP ${status}${words === null ? '' : `: ${words}`}`;
  if (status === 429) {
    const hint = 'Raise minInterval for this account, or ask the provider for a higher limit.';
    return {
      class: 'rate_limited',
      code: 'http.rate_limited',
      message,
      hint,
      ...toldToWait(response),
    };
  }
  if (status === 407) {
    const hint = 'Check the user and password in "proxy" or in the proxy variables.';
    return { class: 'auth', code: 'http.proxy_auth', message, hint };
  }
  if (status === 401 || status === 403) {
    const hint =
      "Check the credentials of this account, and whether this machine's address is allowed.";
    return { class: 'auth', code: 'http.auth', message, hint };
  }
  if (status === 408 || status === 425 || status >= 500) {
    const hint =
      'The provider has a fault of its own; nothing is lost, the next run goes on from here.';
    return { class: 'transient', code: 'http.trouble', message, hint, ...toldToWait(response) };
  }
  if (status >= 300 && status < 400) {
    const hint = `Redirects are not followed, because they would take the credentials along; set baseUrl to the address meant${hostOf(response.location)}.`;
    return {
      class: 'contract',
      code: 'http.redirect',
      message: `HTTP ${status}: redirected`,
      hint,
    };
  }
  const hint = 'Check baseUrl (no endpoint path at its end) and the options of this account.';
  return { class: 'contract', code: 'http.refused', message, hint };
}

function hostOf(location: string | null): string {
  return location !== null && URL.canParse(location) ? ` (it names ${new URL(location).host})` : '';
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
  return {
    class: 'contract',
    code: html ? 'response.html' : 'response.not_json',
    message: html ? 'the answer is an HTML page, not JSON' : 'the answer is not JSON',
    hint: 'Check that baseUrl names the API and not a login page or proxy; a maintenance page passes by itself.',
    retry: true,
  };
}

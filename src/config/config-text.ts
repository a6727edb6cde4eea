import { isObject, type Json, type JsonObject, parseJson, writeJson } from '../json.ts';

/**
 * The text of a configuration with one account more. What stands there stays as
 * it is written, wherever the accounts are found as a list.
 *
 * @param text null for a new configuration.
 * @param schema what `$schema` of a new one names; null for none.
 * @throws SyntaxError where the text is not JSON, TypeError where it is no object
 *   or its `accounts` are no list.
 */
export function withAccount(text: string | null, entry: JsonObject, schema: string | null): string {
  if (text === null) {
    const head = schema === null ? {} : { $schema: schema };
    const config = { ...head, store: 'sqlite:./data/cdrsync.db', accounts: [entry] };
    return `${JSON.stringify(config, null, 2)}\n`;
  }
  const mark = text.startsWith('\uFEFF') ? '\uFEFF' : '';
  const body = text.slice(mark.length);
  const config = parseJson(body);
  if (!isObject(config)) throw new TypeError('the configuration is no object');
  const accounts = config['accounts'] ?? [];
  if (!Array.isArray(accounts)) throw new TypeError('accounts is no list');
  const wanted: Json = { ...config, accounts: [...accounts, entry] };
  const edited = inserted(body, entry);
  const kept = edited !== null && writeJson(parseJson(edited)) === writeJson(wanted);
  return mark + (kept ? edited : `${JSON.stringify(wanted, null, 2)}\n`);
}

/** Null where the list is not found; what is found is checked by whoever asks. */
function inserted(text: string, entry: JsonObject): string | null {
  const list = listOf(text, 'accounts');
  if (list === null) return null;
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const inside = text.slice(list.open + 1, list.close);
  const kept = inside.trimEnd();
  const own = /^[^\S\r\n]*/.exec(text.slice(text.lastIndexOf('\n', list.open) + 1))?.[0] ?? '';
  const lead = /^\s*\n([^\S\r\n]*)\S/.exec(inside)?.[1];
  if (lead === undefined && kept !== '') {
    return `${text.slice(0, list.open + 1)}${kept}, ${writeJson(entry)}${text.slice(list.close)}`;
  }
  const indent = lead ?? `${own}  `;
  const deeper = indent.startsWith(own) ? indent.slice(own.length) : '';
  const unit = deeper === '' ? '  ' : deeper;
  const block = JSON.stringify(entry, null, unit).replaceAll('\n', `${newline}${indent}`);
  const before = text.slice(0, list.open + 1) + kept + (kept === '' ? '' : ',');
  return `${before}${newline}${indent}${block}${newline}${own}${text.slice(list.close)}`;
}

/** Where the brackets of a list stand that the outermost object has under this key; the last of several. */
function listOf(
  text: string,
  key: string,
): { readonly open: number; readonly close: number } | null {
  let found: { readonly open: number; readonly close: number } | null = null;
  let open: number | null = null;
  let depth = 0;
  let last = '';
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}:,]/g)) {
    if (token === '[' && depth === 1 && last === `"${key}":`) open = index;
    if (token === '[' || token === '{') depth += 1;
    if (token === ']' || token === '}') depth -= 1;
    if (token === ']' && depth === 1 && open !== null) {
      found = { open, close: index };
      open = null;
    }
    last = token === ':' ? `${last}:` : token;
  }
  return found;
}

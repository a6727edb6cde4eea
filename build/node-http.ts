import http from 'node:http';
import type { Plugin } from 'rolldown';

const ID = '\0node-http';

/**
 * `node:http` without the names that nobody here imports. Importing it as an
 * ECMAScript module makes Node look at every export, `WebSocket` among them,
 * which loads all of its `fetch`: a fifth of the time of a short command.
 */
export function leanHttp(): Plugin {
  return {
    name: 'lean-http',
    resolveId: (source) => (source === 'node:http' ? ID : null),
    load: (id) => (id === ID ? moduleText() : null),
    // got asks of every body whether it is a `FormData`, which loads the same; nothing here sends one.
    transform: (code, id) =>
      GOT.test(id)
        ? { code: code.replace('!(options.body instanceof FormData)', 'true'), map: null }
        : null,
  };
}

const GOT = /\/got\/dist\/source\/core\/index\.js$/;

function moduleText(): string {
  const names = Object.entries(Object.getOwnPropertyDescriptors(http))
    .filter(([, { value }]) => value !== undefined)
    .map(([name]) => name);
  return [
    "const http = process.getBuiltinModule('node:http');",
    'export default http;',
    `export const { ${names.join(', ')} } = http;`,
  ].join('\n');
}

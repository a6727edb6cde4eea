import type { Plugin } from 'rolldown';

const ID = '\0node:http';

/**
 * Has the bundle ask for Node's `http` by `getBuiltinModule`. An `import` of it reads every export
 * to make a name of it, the lazy `WebSocket` among them, which loads all of Node's own `fetch`: 65 ms
 * of each start that asks a provider for anything, for nothing that is used. A further name that
 * something imports fails the build until it stands here.
 */
export function httpBuiltin(): Plugin {
  return {
    name: 'http-builtin',
    resolveId: (source) => (source === 'node:http' || source === 'http' ? ID : null),
    load: (id) => (id === ID ? SOURCE : null),
  };
}

const NAMES = [
  ...['STATUS_CODES', 'ServerResponse', 'createServer'],
  ...['validateHeaderName', 'validateHeaderValue'],
];
const SOURCE = `const http = process.getBuiltinModule('node:http');
export default http;
export const { ${NAMES.join(', ')} } = http;
`;

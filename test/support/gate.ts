import { once } from 'node:events';
import type { Server } from 'node:http';
import { onTestFinished } from 'vitest';
import type { JsonObject } from '../../src/json.ts';
import type { Sandbox } from '../../src/sandbox/contract.ts';
import type { ProviderName } from '../../src/sandbox/wire.ts';
import { accountsOf } from './workbench.ts';

/** Serves on loopback until the test has ended; returns the URL, without a path. */
export async function serve(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('There is no port.');
  return `http://127.0.0.1:${address.port}`;
}

/** The entry of an account, with its requests led through a gate before the sandbox. */
export function gated(
  gate: { readonly url: string },
  sandbox: Sandbox,
  provider: ProviderName,
  settings: JsonObject = {},
): JsonObject {
  const [account = {}] = accountsOf(sandbox, [provider]);
  const baseUrl = sandbox.urls[provider].replace(sandbox.url, gate.url);
  return { ...account, baseUrl, ...settings };
}

/** Whether a request is for a page of calls: neither a login nor a list of names. */
export function asksForCalls({
  url,
  body,
}: {
  readonly url: string;
  readonly body: string;
}): boolean {
  return !url.includes('hangupReasons') && !body.includes('App.Sip_Auth.Login');
}

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { JsonObject } from '../json.ts';
import { addDays, zoneClock } from '../time.ts';
import { openBook } from './book.ts';
import { sandboxAccounts } from './config.ts';
import type { Behaviours, RequestLog, Sandbox, SandboxOptions } from './contract.ts';
import {
  deliver,
  type FaultBox,
  type FaultKind,
  Faults,
  isOutside,
  makeFaultBox,
} from './faults.ts';
import { makeInfin8linx } from './infin8linx.ts';
import { makeItniotech } from './itniotech.ts';
import { makeOkcc } from './okcc.ts';
import { hash32 } from './random.ts';
import { makeUdesk } from './udesk.ts';
import { makeVos } from './vos.ts';
import {
  type CommonBehaviour,
  PROVIDERS,
  type ProviderName,
  parametersOf,
  type Reply,
  readRequest,
  type SandboxRequest,
  type Service,
  type ServiceContext,
} from './wire.ts';

interface Station {
  readonly service: Service;
  readonly faults: FaultBox;
}
type Stations = Readonly<Record<ProviderName, Station>>;
type LogEntry = { -readonly [K in keyof RequestLog]: RequestLog[K] };

/** Starts the five simulated providers on 127.0.0.1. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const now = options.now ?? Date.now;
  const zone = options.zone ?? 'Asia/Shanghai';
  const begun = now();
  const firstDay = addDays(zoneClock(zone).dayOf(begun), -(options.days ?? 7));
  let skew = options.clockSkew ?? 0;
  const clock = (): number => now() + skew;

  const stations = openStations(options.providers ?? {}, (provider, behaviour) => ({
    zone,
    clock,
    openBook: (parts) =>
      openBook({
        seed: hash32(`${options.seed ?? 1} ${provider}`),
        zone,
        callsPerDay: behaviour.callsPerDay ?? options.callsPerDay ?? 300,
        firstDay,
        clock,
        until: options.live === true ? Number.POSITIVE_INFINITY : (options.until ?? begun),
        ...parts,
      }),
  }));
  const requests: LogEntry[] = [];
  const closing = new AbortController();
  let redirectsFollowed = 0;

  const stats = (): JsonObject => {
    const entries = PROVIDERS.map((provider) => {
      const own = requests.filter((entry) => entry.provider === provider);
      const faults = own.filter((entry) => entry.fault !== null).length;
      return [provider, { requests: own.length, faults }] as const;
    });
    return { providers: Object.fromEntries(entries), redirectsFollowed };
  };

  const administer = (request: SandboxRequest): Reply => {
    if (request.path === '/elsewhere') redirectsFollowed += 1;
    if (request.path === '/stats') return { status: 200, body: stats() };
    return changeFaults(stations, request);
  };

  const simulate = async (
    provider: ProviderName,
    request: SandboxRequest,
    response: ServerResponse,
  ): Promise<void> => {
    const { service, faults } = stations[provider];
    const fault = faults.draw();
    const settings = faults.settings();
    const entry: LogEntry = {
      provider,
      operation: service.operation(request),
      at: clock(),
      parameters: parametersOf(request),
      headers: request.headers,
      status: null,
      fault,
    };
    requests.push(entry);
    if (settings.latency) await wait(settings.latency, undefined, { signal: closing.signal });
    const reply = answerOf(service, request, fault);
    entry.status = await deliver(response, reply, fault, settings, closing.signal);
  };

  const serve = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.sendDate = false;
    response.setHeader('date', new Date(clock()).toUTCString());
    const url = new URL(message.url ?? '/', 'http://127.0.0.1');
    const [, first, rest = ''] = /^\/([^/]*)(.*)$/.exec(url.pathname) ?? [];
    const request = await readRequest(message, url, rest);
    const provider = PROVIDERS.find((name) => name === first);
    if (request !== null && provider !== undefined) {
      await simulate(provider, request, response);
      return;
    }
    const error = request === null ? 'The request is too large.' : 'No such provider.';
    const refusal = { status: request === null ? 413 : 404, body: { error } };
    const reply = request !== null && first === '_sandbox' ? administer(request) : refusal;
    await deliver(response, reply, null, {}, closing.signal);
  };

  const server = createServer((message, response) => {
    serve(message, response).catch((error: unknown) => {
      // Closing, and clients that go away, interrupt a response; anything else is a mistake here.
      if (closing.signal.aborted || message.destroyed || response.headersSent) response.destroy();
      else response.writeHead(500).end(`The sandbox itself failed: ${String(error)}`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const url = `http://127.0.0.1:${port}`;
  const base = (provider: ProviderName): string => url + stations[provider].service.basePath;
  const urls = {
    infin8linx: base('infin8linx'),
    itniotech: base('itniotech'),
    okcc: base('okcc'),
    udesk: base('udesk'),
    vos: base('vos'),
  };

  return {
    url,
    port,
    urls,
    accounts: sandboxAccounts(urls, firstDay, zone),
    requests,
    rows: (provider) => stations[provider].service.book.rows(),
    insert: (provider, row) => stations[provider].service.book.insert(row),
    remove: (provider, matches) => stations[provider].service.book.remove(matches),
    change: (provider, matches, fields) => stations[provider].service.book.change(matches, fields),
    setFaults: (provider, faults) => stations[provider].faults.set(faults),
    setClockSkew: (milliseconds) => {
      skew = milliseconds;
    },
    stats,
    close: () =>
      new Promise((resolve) => {
        closing.abort();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function openStations(
  behaviours: Behaviours,
  contextOf: (provider: ProviderName, behaviour: CommonBehaviour) => ServiceContext,
): Stations {
  const open = <B extends CommonBehaviour>(
    provider: ProviderName,
    make: (context: ServiceContext, behaviour: B) => Service,
    behaviour: B,
  ): Station => ({
    service: make(contextOf(provider, behaviour), behaviour),
    faults: makeFaultBox(hash32(provider)),
  });
  return {
    infin8linx: open('infin8linx', makeInfin8linx, behaviours.infin8linx ?? {}),
    itniotech: open('itniotech', makeItniotech, behaviours.itniotech ?? {}),
    okcc: open('okcc', makeOkcc, behaviours.okcc ?? {}),
    udesk: open('udesk', makeUdesk, behaviours.udesk ?? {}),
    vos: open('vos', makeVos, behaviours.vos ?? {}),
  };
}

function answerOf(service: Service, request: SandboxRequest, fault: FaultKind | null): Reply {
  if (fault === 'auth' || fault === 'system') return service.failure(fault);
  return isOutside(fault) ? { status: 200, body: {} } : service.answer(request);
}

/** `POST /_sandbox/faults/<provider>`: the provider's faults from now on. */
function changeFaults(stations: Stations, request: SandboxRequest): Reply {
  const name = /^\/faults\/(.+)$/.exec(request.path)?.[1];
  const provider = PROVIDERS.find((known) => known === name);
  if (provider === undefined || request.method !== 'POST') {
    return { status: 404, body: { error: 'No such path.' } };
  }
  const faults = Faults.nullable().safeParse(request.json);
  if (!faults.success) return { status: 400, body: { error: faults.error.message } };
  stations[provider].faults.set(faults.data);
  return { status: 200, body: { provider, changed: true } };
}

import { CdrError, type Fault } from '../errors.ts';
import type { Json } from '../json.ts';
import type { HttpResponse } from '../providers/http.ts';
import type { Failed } from '../providers/provider.ts';
import { notJson, statusFault, tryJson } from './http-faults.ts';

export interface Tagged {
  readonly kind: string;
}

/**
 * What a response says.
 *
 * @throws CdrError where it is none, or says that the request failed.
 */
export function readResponse<Value extends Tagged>(
  response: HttpResponse,
  read: (body: Json) => Value | Failed,
): Value {
  const refused = statusFault(response);
  const body = tryJson(response.text);
  if (body === undefined) throw new CdrError(refused ?? notJson(response.text));
  const value = read(body);
  if (!isFailed(value)) {
    if (refused !== null) throw new CdrError(refused);
    return value;
  }
  throw new CdrError(moreTelling(refused, value.fault));
}

/**
 * A refusal by status may carry the provider's own error code, which says more:
 * unless the status is one that every gateway may send by itself.
 */
function moreTelling(refused: Fault | null, said: Fault): Fault {
  if (refused === null) return said;
  const own = said.code !== 'response.shape' && refused.code === 'http.refused';
  return own ? said : refused;
}

function isFailed(value: Tagged): value is Failed {
  return value.kind === 'fault';
}

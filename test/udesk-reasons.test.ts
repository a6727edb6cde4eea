import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseJson } from '../src/json.ts';
import { udesk } from '../src/providers/udesk.ts';
import { fixture } from './fixtures/udesk/fixture.ts';

/** The hangup reasons that give the codes in the calls their names. */

const [reasons] = udesk.open(fixture.account).dimensions;
if (reasons === undefined) throw new Error('udesk has no dimension');

describe('hangup_reasons', () => {
  test('are asked for with a signature of their own', () => {
    const sign = 'd2493074d0608937ddf53d6445de73d3ae98db80';
    expect(reasons.name).toBe('hangup_reasons');
    expect(reasons.request({ now: 1542192293000, nonce: 'n', token: null })).toStrictEqual({
      operation: 'hangupReasons',
      method: 'GET',
      url: `http://localhost:8080/api/v1/hangupReasons?email=1%40test.cn&timestamp=1542192293&sign=${sign}`,
      headers: { Accept: 'application/json' },
      body: { kind: 'none' },
      secrets: [sign],
    });
  });

  test('are read from the sample: ids as text, names without their tabs, raws as received', () => {
    const file = new URL('fixtures/udesk/hangup-reasons.json', import.meta.url);
    const read = reasons.read(parseJson(readFileSync(file, 'utf8')));
    if (read.kind === 'fault') expect.fail(read.fault.message);
    expect(read.entries).toHaveLength(18);
    expect(read.entries[6]).toStrictEqual({
      id: '7',
      name: '暂停服务',
      raw: { id: 7, name: '暂停服务\t' },
    });
    expect(read.entries[15]).toMatchObject({ id: '16', name: '改号' });
  });

  test('are a fault where the response refuses, or is no list of them', () => {
    expect(reasons.read({ code: 401, message: null })).toMatchObject({
      fault: { code: 'auth.rejected' },
    });
    for (const data of [null, {}, ['1'], [{ id: 1 }], [{ name: '关机' }]]) {
      expect(reasons.read({ code: 200, data })).toMatchObject({
        fault: { code: 'response.shape' },
      });
    }
  });
});

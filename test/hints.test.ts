import { expect, it } from 'vitest';
import { z } from 'zod';
import { ENTRIES } from '../src/codes/catalogue.ts';
import {
  type Finished,
  NO_JITTER,
  openWorkbench,
  reportOf,
  type Workbench,
} from './support/workbench.ts';

// In which language the real binary says what to do, by its locale.

const CHINESE = /\p{Script=Han}/u;

/** Runs one command in a locale; of the variables that decide, only this one is set. */
function runIn(bench: Workbench, locale: string, ...args: readonly string[]): Promise<Finished> {
  const locales = { CDRSYNC_LANG: '', LC_MESSAGES: '', LANG: '', LC_ALL: locale };
  return bench.start(args, locales).finished;
}

/** What stands behind the arrows, with the lines that it goes on in; without blanks, as all here. */
function hintsIn(text: string): readonly string[] {
  const behind = text.matchAll(/^( *)→ (.+(?:\n\1 {2}.+)*)$/gm);
  return [...behind].map(([, , hint = '']) => dense(hint));
}

/** Without blanks: where lines are broken is not the matter here. */
function dense(text: string): string {
  return text.replaceAll(/\s/g, '');
}

function hint(code: string, language: 'en' | 'zh'): string {
  return dense(ENTRIES[code]?.hint[language] ?? expect.fail(`no entry for ${code}`));
}

it('hints in Chinese where the locale is Chinese, names the code, and keeps JSON as it is', async () => {
  const bench = await openWorkbench({ providers: ['okcc'] });
  await bench.writeConfig({ stoer: 1 });
  const chinese = await runIn(bench, 'zh_CN.UTF-8', 'status');
  const english = await runIn(bench, 'C', 'status');
  expect([chinese.code, english.code]).toEqual([2, 2]);
  expect(chinese.stderr).toContain(' [config.invalid]\n');
  expect(hintsIn(chinese.stderr)).toEqual([hint('config.invalid', 'zh')]);
  expect(hintsIn(english.stderr)).toEqual([hint('config.invalid', 'en')]);
  // All but the hint is the same.
  const without = (text: string): string => text.replace(/→ .*/s, '');
  expect(without(chinese.stderr)).toBe(without(english.stderr));

  const documents = [
    await runIn(bench, 'zh_CN.UTF-8', '--json', 'status'),
    await runIn(bench, 'C', '--json', 'status'),
  ];
  expect(documents[0]).toEqual(documents[1]);
  expect(documents[0]?.stdout).toContain('README.md shows a whole configuration.');
  expect(documents[0]?.stdout).not.toMatch(CHINESE);
});

it('hints so for each account that fails, with what its provider asks for, and stores English', async () => {
  const bench = await openWorkbench({ providers: ['okcc'] });
  await bench.configure({ credentials: { customer: 'C2', password: 'wrong' } });
  const sync = ['sync', '--account', 'demo-okcc'];
  const chinese = await runIn(bench, 'zh_TW', ...sync);
  expect(chinese.code, chinese.stderr).toBe(1);
  expect(dense(chinese.stdout)).toContain('[auth.rejected]→');
  const [told = ''] = hintsIn(chinese.stdout);
  expect(told).toMatch(CHINESE);
  expect(told).toContain('`customer`');
  // The log is for machines.
  expect(chinese.stderr).toContain('Check customer and password of this account');
  expect(dense(chinese.stderr)).not.toContain(told);

  const document = await runIn(bench, 'zh_TW', '--json', ...sync);
  const plain = await runIn(bench, 'C', '--json', ...sync);
  expect(reportOf(document).error).toEqual(reportOf(plain).error);
  expect(reportOf(document).error?.hint).toMatch(/^Check customer and password/);
  const english = await runIn(bench, 'en_US.UTF-8', ...sync);
  expect(hintsIn(english.stdout)).toEqual([dense(reportOf(plain).error?.hint ?? '')]);

  // What is told of a refusal that was stored is in the language asked for, too.
  const [paused = ''] = hintsIn((await runIn(bench, 'zh_CN', 'sync')).stdout);
  expect(paused).toBe(hint('auth.rejected', 'zh') + hint('auth', 'zh').replace('ID', 'demo-okcc'));
});

const Alarms = z.looseObject({
  accounts: z.tuple([
    z.looseObject({
      last_run: z.looseObject({ error: z.looseObject({ code: z.string(), hint: z.string() }) }),
      alarms: z.array(z.looseObject({ code: z.string(), hint: z.string() })),
    }),
  ]),
});

it('hints so in status, by the codes that the store and the alarms have', async () => {
  const bench = await openWorkbench({ providers: ['okcc'] });
  await bench.configure({ baseUrl: 'http://127.0.0.1:1/openapi/V2.0.6' });
  expect((await bench.start(['sync'], NO_JITTER).finished).code).toBe(1);
  const chinese = await runIn(bench, 'zh_CN.UTF-8', 'status');
  const own = (code: string): string => hint(code, 'zh').replace('ID', 'demo-okcc');
  expect(dense(chinese.stdout)).toContain('[http.broken]→');
  const failed = own('http.broken') + own('provider_down');
  expect(hintsIn(chinese.stdout)).toEqual([failed, own('lag')]);

  const english = await runIn(bench, 'C', 'status');
  const document = await runIn(bench, 'zh_CN.UTF-8', '--json', 'status');
  expect(document.stdout).not.toMatch(CHINESE);
  const [{ alarms, last_run }] = Alarms.parse(document.json).accounts;
  expect(last_run.error.hint).toMatch(/^Nothing listens there/);
  expect(alarms.map((alarm) => dense(alarm.hint))).toEqual(hintsIn(english.stdout));
});

const Findings = z.object({
  accounts: z.tuple([
    z.looseObject({ findings: z.array(z.looseObject({ code: z.string(), hint: z.string() })) }),
  ]),
});

it('hints so in config check', async () => {
  const bench = await openWorkbench({ providers: ['okcc'] });
  await bench.configure({ baseUrl: 'http://okcc.example.com/openapi/V2.0.6/getCdrList' });
  const args = ['config', 'check', '--offline'];
  const chinese = await runIn(bench, 'zh_CN.UTF-8', ...args);
  expect(chinese.code, chinese.stderr).toBe(1);
  expect(hintsIn(chinese.stdout)).toEqual([
    dense('请把 `baseUrl` 设为 http://okcc.example.com/openapi/V2.0.6。'),
    hint('base_url.http', 'zh'),
  ]);
  const english = await runIn(bench, 'C', ...args);
  const document = await runIn(bench, 'zh_CN.UTF-8', '--json', ...args);
  const [{ findings }] = Findings.parse(document.json).accounts;
  expect(findings.map(({ code }) => code)).toEqual(['base_url.endpoint', 'base_url.http']);
  expect(findings.map((finding) => dense(finding.hint))).toEqual(hintsIn(english.stdout));
  expect(document.stdout).not.toMatch(CHINESE);
});

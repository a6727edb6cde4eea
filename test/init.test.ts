import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, it, onTestFinished } from 'vitest';
import { loadConfig } from '../src/config/config.ts';
import { withAccount } from '../src/config/config-text.ts';
import { loginWays } from '../src/config/login-fields.ts';
import { parseJson } from '../src/json.ts';
import { providers } from '../src/providers/registry.ts';
import { type Environment, type Finished, ownEnvironment, startCli } from './support/workbench.ts';

// What `init` writes, asks and refuses.

const CLI = inject('cli');
const from = (source: string): string => `\${${source}}`;

async function openFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cdrsync-init-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function init(folder: string, environment: Environment, ...args: string[]): Promise<Finished> {
  return startCli(['init', ...args], folder, environment).finished;
}

const modeOf = (path: string): number => statSync(path).mode & 0o777;
const read = (folder: string, name: string): string => readFileSync(join(folder, name), 'utf8');

const ITNIO = [
  ...['--provider', 'itniotech', '--id', 'itnio-hk'],
  ...['--secret', 'apiKey=env:MY_KEY', '--secret', 'apiSecret=file:./secret.txt'],
];

it('writes a configuration and a file for each secret, and adds a second account to it', async () => {
  const folder = await openFolder();
  await mkdir(join(folder, '.git'));
  await writeFile(join(folder, 'secret.txt'), 'hush-secret\n');
  const address = 'http://api.example.com/voice/recordSipQuery?current=1';
  const first = await init(folder, { MY_KEY: 'hush-key' }, ...ITNIO, '--base-url', address);
  expect(first.code, first.stderr).toBe(0);
  expect(first.stdout + first.stderr).not.toContain('hush');
  for (const word of [
    'http://api.example.com/voice was taken',
    'plain http',
    '.gitignore',
    'Next: cdrsync config check',
  ]) {
    expect(first.stdout).toContain(word);
  }
  expect(parseJson(read(folder, 'worker.config.json'))).toEqual({
    store: 'sqlite:./data/cdrsync.db',
    accounts: [
      {
        id: 'itnio-hk',
        provider: 'itniotech',
        baseUrl: 'http://api.example.com/voice',
        credentials: {
          apiKey: from('file:secrets/itnio-hk-apiKey'),
          apiSecret: from('file:secrets/itnio-hk-apiSecret'),
        },
      },
    ],
  });
  expect(read(folder, 'secrets/itnio-hk-apiSecret')).toBe('hush-secret\n');
  const modes = ['worker.config.json', 'secrets/itnio-hk-apiKey', 'secrets'].map((name) =>
    modeOf(join(folder, name)),
  );
  expect(modes).toEqual([0o600, 0o600, 0o700]);

  await writeFile(join(folder, '.gitignore'), 'secrets/\n');
  const vos = await init(
    folder,
    { TOKEN: 'hush-vos' },
    ...['--json', '--provider', 'vos', '--base-url', 'https://vos.example.com/agent-api/vos/7'],
    ...['--set', 'userId=7', '--set', 'vosAccountId=10', '--secret', 'token=env:TOKEN'],
    ...['--time-zone', 'UTC', '--start-at', '2026-10-01', '--currency', 'CNY'],
  );
  expect([vos.code, vos.stderr]).toEqual([0, '']);
  expect(vos.json).toEqual({
    account: 'vos',
    provider: 'vos',
    config: join(folder, 'worker.config.json'),
    secrets: ['secrets/vos-token'],
    notices: [expect.stringContaining('https://vos.example.com was taken')],
    next: 'cdrsync config check',
  });
  const config = loadConfig(join(folder, 'worker.config.json'), {});
  expect(config.accounts.map(({ id, clock }) => [id, clock.zone])).toEqual([
    ['itnio-hk', 'Asia/Shanghai'],
    ['vos', 'UTC'],
  ]);
  expect(config.secrets).toEqual(expect.arrayContaining(['hush-key', 'hush-secret', 'hush-vos']));
});

it('overwrites neither an account nor a secret, and names everything missing or wrong at once', async () => {
  const folder = await openFolder();
  await writeFile(join(folder, 'secret.txt'), 'hush-secret');
  const before = '{"accounts": [{"id": "itnio-hk"}]}';
  await writeFile(join(folder, 'worker.config.json'), before);
  await mkdir(join(folder, 'secrets'));
  await writeFile(join(folder, 'secrets', 'other-apiSecret'), 'of another');
  const address = ['--base-url', 'https://api.example.com/voice'];
  const environment = { MY_KEY: 'hush-key' };
  const refused: readonly (readonly [readonly string[], readonly string[]])[] = [
    [
      ['--provider', 'okcc'],
      ['--base-url', '--set customer=', '--secret password='],
    ],
    [[], ['--provider', '--base-url']],
    [['--provider', 'infin8linx', ...address], ['token, or appId and accessKey']],
    [[...ITNIO, ...address], ['there is an account itnio-hk']],
    [
      [...ITNIO, ...address, '--id', 'other'],
      ['exists', 'secrets/'],
    ],
    [
      [...ITNIO, '--base-url', 'ftp://x', '--id', 'a b'],
      ['baseUrl: ', 'id: '],
    ],
    [[...ITNIO, ...address, '--set', 'apiKey=hush-typed'], ['apiKey is a secret']],
    [['--provider', 'vos', '--secret', 'token=hush-typed'], ['env:NAME']],
    [['--provider', 'vos', '--secret', 'token=env:CDRSYNC_UNSET'], ['CDRSYNC_UNSET']],
    // The halves swapped, or a secret in the place of a name.
    [
      ['--provider', 'vos', '--secret', 'hush-typed=env:MY_KEY'],
      ['none of this provider', 'token'],
    ],
    [['--provider', 'vos', '--secret', 'hush-typed=env:CDRSYNC_UNSET'], ['holds nothing']],
    [['--provider', 'vos', '--secret', 'token=env:hush-typed'], ['the variable holds nothing']],
    [['--provider', 'vos', '--set', 'hush-typed=token'], ['none of this provider']],
  ];
  const results = await Promise.all(refused.map(([args]) => init(folder, environment, ...args)));
  for (const [index, [args, words]] of refused.entries()) {
    const { code, stdout, stderr } = results[index] ?? expect.fail('a run is missing');
    expect([code, stdout], args.join(' ')).toEqual([2, '']);
    for (const word of words) expect(stderr, args.join(' ')).toContain(word);
    expect(stderr).not.toContain('hush');
  }
  expect(read(folder, 'worker.config.json')).toBe(before);
  expect(await readdir(join(folder, 'secrets'))).toEqual(['other-apiSecret']);
});

const OTHER = JSON.stringify({
  accounts: [
    {
      ...{ id: 'other', provider: 'vos', baseUrl: 'https://vos.example.com' },
      ...{ credentials: { token: 't' }, options: { userId: '7' } },
    },
  ],
});
const okcc = (id: string, customer = id): readonly string[] => [
  ...['--provider', 'okcc', '--id', id, '--base-url', 'https://okcc.example.com/openapi/V2.0.6'],
  ...['--set', `customer=${customer}`, '--secret', 'password=env:MY_KEY'],
];
const SECRET = { MY_KEY: 'hush-key' };

it('loses no account where several run at once', async () => {
  const folder = await openFolder();
  const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
  const all = await Promise.all(ids.map((id) => init(folder, SECRET, ...okcc(id))));
  expect(all.map(({ code, stderr }) => [code, stderr])).toEqual(ids.map(() => [0, '']));
  const { accounts } = loadConfig(join(folder, 'worker.config.json'), {});
  expect(accounts.map(({ id }) => id).sort()).toEqual(ids);
  expect((await readdir(folder)).sort()).toEqual(['secrets', 'worker.config.json']);
});

it('takes what is given as it stands: a dollar and a brace are no placeholder', async () => {
  const folder = await openFolder();
  const customer = `C2 ${from('file:/etc/passwd')} ${from('HOME')} $$`;
  const { code, stderr } = await init(folder, SECRET, ...okcc('a', customer));
  expect(code, stderr).toBe(0);
  const [account] = loadConfig(join(folder, 'worker.config.json'), {}).accounts;
  expect(account?.login).toContain(customer);
});

it('refuses an account that the configuration could not be used with', async () => {
  const folder = await openFolder();
  const path = join(folder, 'worker.config.json');
  expect((await init(folder, SECRET, ...okcc('a', 'C2'))).code).toBe(0);
  const before = read(folder, 'worker.config.json');
  const refused: readonly (readonly [args: readonly string[], words: string])[] = [
    [okcc('b', 'C2'), 'is the same login as accounts[0]'],
    [[...okcc('b'), '--start-at', '2999-01-01'], 'startAt: lies in the future'],
    [[...okcc('b'), '--currency', 'yuan'], 'currency: must be a currency code'],
  ];
  for (const [args, words] of refused) {
    const { code, stderr } = await init(folder, SECRET, ...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`\n  ${words}`)]);
  }
  expect(read(folder, 'worker.config.json')).toBe(before);
  expect(await readdir(join(folder, 'secrets'))).toEqual(['a-password']);
  expect((await readdir(folder)).sort()).toEqual(['secrets', 'worker.config.json']);

  // What was wrong before is no reason to refuse, and does not go unsaid.
  await writeFile(path, '{"accounts":[{"id":"q"},5,null],"store":"sqlite:a","store":"sqlite:b"}');
  const added = await init(folder, SECRET, ...okcc('b'));
  expect(added.code, added.stderr).toBe(0);
  for (const at of ['accounts[0].provider', 'accounts[1]', 'accounts[2]', 'store']) {
    expect(added.stdout).toContain(`! This was wrong before, and is: ${at}: `);
  }
  expect(added.stdout).not.toContain('accounts[3]');
});

it('leaves owner and mode of the configuration as they are, and the secrets to its owner', async () => {
  const folder = await openFolder();
  const path = join(folder, 'worker.config.json');
  await writeFile(path, '{"accounts": []}');
  // Only root can give a file away.
  const { uid, gid } = statSync(path);
  const owner = uid === 0 ? [65_534, 65_534] : [uid, gid];
  await chown(path, owner[0] ?? uid, owner[1] ?? gid);
  await chmod(path, 0o640);
  const { code, stderr } = await init(folder, SECRET, ...okcc('a'));
  expect(code, stderr).toBe(0);
  const of = (name: string): readonly number[] => {
    const { uid: user, gid: group, mode } = statSync(join(folder, name));
    return [user, group, mode & 0o777];
  };
  expect(of('worker.config.json')).toEqual([...owner, 0o640]);
  expect(of('secrets')).toEqual([...owner, 0o700]);
  expect(of('secrets/a-password')).toEqual([...owner, 0o600]);
});

it('names a file that is in the way of a secret', async () => {
  const folder = await openFolder();
  await mkdir(join(folder, 'secrets'));
  await writeFile(join(folder, 'secrets', 'a-password'), '');
  const { code, stderr } = await init(folder, SECRET, ...okcc('a'));
  expect(code).toBe(2);
  expect(stderr).toContain('secrets/a-password exists [init.exists]');
  expect(await readdir(folder)).toEqual(['secrets']);
});

it('makes the file that a link leads to, and leaves the link', async () => {
  const folder = await openFolder();
  const elsewhere = await openFolder();
  await symlink(join(elsewhere, 'real.json'), join(folder, 'worker.config.json'));
  const { code, stderr } = await init(folder, SECRET, ...okcc('a'));
  expect(code, stderr).toBe(0);
  expect(lstatSync(join(folder, 'worker.config.json')).isSymbolicLink()).toBe(true);
  expect(await readdir(elsewhere)).toEqual(['real.json']);
});

it('names the lock that another one left behind', async () => {
  const folder = await openFolder();
  await writeFile(join(folder, 'worker.config.json.lock'), '');
  const { code, stderr } = await init(folder, SECRET, ...okcc('a'));
  expect(code).toBe(2);
  expect(stderr).toContain('worker.config.json.lock exists [init.locked]');
  expect(await readdir(folder)).toEqual(['worker.config.json.lock']);
});

it('asks on a terminal for what is missing, without showing secrets', async () => {
  const folder = await openFolder();
  // util-linux gives the binary a pseudo-terminal.
  const command = [process.execPath, CLI, 'init', '--provider', 'udesk'].join(' ');
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: folder,
    env: ownEnvironment(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const answers: readonly (readonly [prompt: string, answer: string])[] = [
    ['id [udesk]: ', ''],
    ['/api): ', 'nonsense'],
    ['is not a URL', 'https://crm.example.com/api/v1/callLogs'],
    ['timeZone [Asia/Shanghai]: ', ''],
    ['startAt [yesterday]: ', '2026-10-01'],
    ['email ', 'ops@example.com'],
    ['secretKey ', 'hush-typed'],
  ];
  let screen = '';
  let asked = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
    const [prompt, answer] = answers[asked] ?? [null, ''];
    if (prompt === null || !screen.includes(prompt)) return;
    asked += 1;
    // Somebody else edits the file while the last question stands.
    if (asked === answers.length) writeFileSync(join(folder, 'worker.config.json'), OTHER);
    child.stdin.write(`${answer}\r`);
  });
  const [code] = await once(child, 'close');
  expect(code, screen).toBe(0);
  expect(screen).toContain('Next: cdrsync config check');
  expect(screen).not.toContain('hush');
  expect(read(folder, 'secrets/udesk-secretKey')).toBe('hush-typed\n');
  expect(loadConfig(join(folder, 'worker.config.json'), {}).accounts).toMatchObject([
    { id: 'other' },
    { id: 'udesk', baseUrl: 'https://crm.example.com/api', login: expect.stringContaining('ops@') },
  ]);
  expect(existsSync(join(folder, 'data'))).toBe(false);
});

it('knows from each provider which parts of its login are secret', () => {
  const ways = providers.map((provider) => [
    provider.name,
    loginWays(provider).map((way) =>
      way.map(({ key, secret, optional }) => `${key}${secret ? '!' : ''}${optional ? '?' : ''}`),
    ),
  ]);
  expect(Object.fromEntries(ways)).toEqual({
    infin8linx: [['token!'], ['appId', 'accessKey!']],
    itniotech: [['apiKey!', 'apiSecret!']],
    okcc: [['customer', 'password!']],
    udesk: [['email', 'secretKey!']],
    vos: [['token!', 'userId', 'vosAccountId?']],
  });
});

it.each([
  [
    '{\n  "accounts": [\n    { "id": "a" }\n  ]\n}\n',
    '{\n  "accounts": [\n    { "id": "a" },\n    {\n      "id": "b"\n    }\n  ]\n}\n',
  ],
  [
    '{\r\n\t"accounts": [\r\n\t\t{"id":"a"}\r\n\t],\r\n\t"queue": "embedded"\r\n}',
    '{\r\n\t"accounts": [\r\n\t\t{"id":"a"},\r\n\t\t{\r\n\t\t\t"id": "b"\r\n\t\t}\r\n\t],\r\n\t"queue": "embedded"\r\n}',
  ],
  [
    '\uFEFF{"accounts": [{"id":"]["}], "x": 1.10}',
    '\uFEFF{"accounts": [{"id":"]["}, {"id":"b"}], "x": 1.10}',
  ],
  [
    '{"http": {"accounts": [1]}, "accounts": []}',
    '{"http": {"accounts": [1]}, "accounts": [\n  {\n    "id": "b"\n  }\n]}',
  ],
  [
    '{"store": "sqlite:x"}',
    '{\n  "store": "sqlite:x",\n  "accounts": [\n    {\n      "id": "b"\n    }\n  ]\n}\n',
  ],
])('leaves the rest of %j as it is written', (before, after) => {
  expect(withAccount(before, { id: 'b' }, null)).toBe(after);
});

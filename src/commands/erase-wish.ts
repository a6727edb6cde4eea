import { hostname, userInfo } from 'node:os';
import { configError } from '../errors.ts';
import { numberKeys, SHORTEST_IN_TEXT } from '../number-match.ts';
import { numberForms, plainNumber, sharedDigits } from '../phone-number.ts';
import { cleanWords, maskNumber, type Redactor } from '../redact.ts';

export interface EraseOptions {
  readonly number?: string;
  readonly reason?: string;
  readonly account: readonly string[];
  readonly dryRun?: boolean;
  /** Show what was erased before, and erase nothing. */
  readonly list?: boolean;
  /** Also a number of three to six digits. */
  readonly short?: boolean;
  /** Also seven to nine digits in the payload. */
  readonly inPayload?: boolean;
  /** Write the store's file anew where unused space of it still holds the number. */
  readonly rebuild: boolean;
  /** Go by this machine's clock, although the store knows nothing of the last days. */
  readonly trustClock?: boolean;
  /** How long another process's run is waited for, in milliseconds. */
  readonly maxWait: number;
}

/** What is to be erased, and why. */
export interface EraseWish {
  /** Under what the number is found and registered. */
  readonly keys: readonly string[];
  /** What all spellings have in common. */
  readonly digits: string;
  readonly masked: string;
  /** Fit to be kept and shown. */
  readonly reason: string;
  readonly requestedBy: string;
}

const SHORTEST = 3;

/** @throws CdrError `usage.erase`; the message never repeats the number. */
export function eraseWish(
  { number, reason, short, inPayload = false, dryRun }: EraseOptions,
  redact: Redactor,
): EraseWish {
  if (number === undefined || number.trim() === '') {
    throw configError('usage.erase', 'erase takes --number N with --reason TEXT, or --list');
  }
  if (!/^\+?\d+$/.test(plainNumber(number))) {
    throw configError('usage.erase', '--number is no phone number');
  }
  const forms = numberForms(number);
  const digits = sharedDigits(forms);
  if (digits.length < SHORTEST || (digits.length < SHORTEST_IN_TEXT && short !== true)) {
    throw tooShort(digits.length);
  }
  if (inPayload && digits.length < SHORTEST_IN_TEXT) {
    throw configError('usage.erase', '--in-payload takes a number of seven digits and more', {
      en: 'Leave --in-payload out: fewer digits are found as the caller or the callee alone.',
      zh: '请去掉 `--in-payload`：不足七位的号码只按主叫或被叫查找。',
    });
  }
  // A dry run overwrites nothing that would need one.
  const why = cleanWords(reason ?? '', redact);
  if (why === '' && dryRun !== true) throw configError('usage.erase', '--reason TEXT is missing');
  if (digitsOf(reason ?? '').includes(digits)) {
    throw configError('usage.erase', '--reason holds the number itself, which would be kept', {
      en: 'Name the request in other words, such as its ticket or its date.',
      zh: '请换一种写法说明原因，例如工单号或日期，不要写出号码。',
    });
  }
  const keys = numberKeys(forms, inPayload);
  return { keys, digits, masked: maskNumber(digits), reason: why, requestedBy: operator() };
}

const NUMERALS = new Map(
  [...'〇零一二三四五六七八九'].map((sign, index) => [sign, Math.max(0, index - 1)]),
);

/** All digits of a text, in whatever script and groups. */
function digitsOf(text: string): string {
  const plain = plainNumber(text).replaceAll('幺', '一');
  return [...plain]
    .map((sign) => NUMERALS.get(sign) ?? sign)
    .join('')
    .replaceAll(/\D/g, '');
}

function tooShort(length: number): Error {
  if (length < SHORTEST) {
    return configError('usage.erase', '--number has fewer than three digits: that is nobody’s', {
      en: 'Give the whole number.',
      zh: '请写出完整的号码。',
    });
  }
  return configError(
    'usage.erase',
    `--number has ${length} digits, as extensions and service numbers have: every call of it would be erased`,
    {
      en: 'Give the whole number with its area code, or add --short where that is what is wanted.',
      zh: '请写出带区号的完整号码；确实要抹除短号的全部话单时，请加上 `--short`。',
    },
  );
}

function operator(): string {
  return `${userName()}@${hostname()}`;
}

/** In a container the user may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

import { crc32, inflateRawSync } from 'node:zlib';

/**
 * Reads xlsx files, strictly and by nothing that wrote them: a ZIP by its
 * central directory, XML that has to be well-formed, and cells by ECMA-376.
 */

/** The parts of a ZIP by name, with their sums and sizes checked. */
export function unzip(file: Buffer): ReadonlyMap<string, string> {
  const end = file.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  const count = file.readUInt16LE(end + 10);
  const parts = new Map<string, string>();
  let at = file.readUInt32LE(end + 16);
  for (let index = 0; index < count; index += 1) {
    if (file.readUInt32LE(at) !== 0x02014b50) throw new Error('no entry of a directory');
    const [sum, packed, size] = [16, 20, 24].map((offset) => file.readUInt32LE(at + offset));
    const [nameSize = 0, extra = 0, comment = 0] = [28, 30, 32].map((offset) =>
      file.readUInt16LE(at + offset),
    );
    const name = file.toString('utf8', at + 46, at + 46 + nameSize);
    const local = file.readUInt32LE(at + 42);
    if (file.readUInt32LE(local) !== 0x04034b50) throw new Error(`no header of ${name}`);
    const begin = local + 30 + file.readUInt16LE(local + 26) + file.readUInt16LE(local + 28);
    const content = inflateRawSync(file.subarray(begin, begin + (packed ?? 0)));
    if (content.length !== size || crc32(content) !== sum) throw new Error(`${name} is damaged`);
    parts.set(name, new TextDecoder('utf-8', { fatal: true }).decode(content));
    at += 46 + nameSize + extra + comment;
  }
  return parts;
}

export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  text: string;
}

const TOKEN = /<\/([\w:]+)>|<([\w:]+)((?: [\w:]+="[^"<]*")*)(\/?)>|([^<]+)/y;

/** @throws Error where the text is not well-formed, in the subset that a program writes. */
export function parseXml(text: string): Element {
  const declaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
  if (!text.startsWith(declaration)) throw new Error('no declaration');
  const root: Element = { name: '', attributes: {}, children: [], text: '' };
  const open: Element[] = [root];
  TOKEN.lastIndex = declaration.length;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    const top = open.at(-1);
    if (match === null || top === undefined) throw new Error(`not well-formed at ${at}`);
    const [, closed, opened, attributes = '', empty, words] = match;
    if (words !== undefined) top.text += characters(words);
    else if (closed !== undefined) {
      if (open.pop()?.name !== closed) throw new Error(`</${closed}> closes another element`);
    } else {
      const pairs = [...attributes.matchAll(/ ([\w:]+)="([^"]*)"/g)];
      const element: Element = {
        name: opened ?? '',
        attributes: Object.fromEntries(
          pairs.map(([, key = '', value = '']) => [key, characters(value)]),
        ),
        children: [],
        text: '',
      };
      if (Object.keys(element.attributes).length !== pairs.length) throw new Error('doubled');
      top.children.push(element);
      if (empty === '') open.push(element);
    }
  }
  const [only, ...others] = root.children;
  if (open.length !== 1 || only === undefined || others.length > 0) throw new Error('not one root');
  return only;
}

function characters(text: string): string {
  if (/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(text)) {
    throw new Error('a character that XML forbids');
  }
  if (text.includes(']]>')) throw new Error(']]> in a text');
  return text.replaceAll(/\r\n?/g, '\n').replaceAll(/&([^;]*;?)/g, (_, name: string) => {
    const character = new Map([
      ['lt;', '<'],
      ['gt;', '>'],
      ['amp;', '&'],
    ]).get(name);
    if (character === undefined) throw new Error(`&${name}`);
    return character;
  });
}

export type CellValue = string | number | boolean | null;

export interface Sheet {
  readonly name: string;
  readonly frozen: boolean;
  /** By column name, the rows after the header. Dates are `YYYY-MM-DD HH:mm:ss.fff`. */
  readonly rows: readonly Readonly<Record<string, CellValue>>[];
  readonly header: readonly string[];
}

/** The sheets in the order of the workbook, found through the relationships that name them. */
export function readWorkbook(file: Buffer): readonly Sheet[] {
  const parts = unzip(file);
  const read = (name: string): Element => {
    const text = parts.get(name);
    if (text === undefined) throw new Error(`there is no ${name}`);
    return parseXml(text);
  };
  const types = new Map(
    read('[Content_Types].xml').children.map(({ attributes }) => [
      attributes['PartName'] ?? `.${attributes['Extension']}`,
      attributes['ContentType'] ?? '',
    ]),
  );
  const target = (rels: string, id: string): string =>
    read(rels).children.find(({ attributes }) => attributes['Id'] === id)?.attributes['Target'] ??
    '';
  const book = target('_rels/.rels', 'rId1');
  const typed = (part: string, type: string): void => {
    if (!types.get(`/${part}`)?.endsWith(`.${type}+xml`)) throw new Error(`${part} is no ${type}`);
  };
  typed(book, 'sheet.main');
  typed('xl/styles.xml', 'styles');
  const formats = child(read('xl/styles.xml'), 'cellXfs').children.map(
    ({ attributes }) => attributes['numFmtId'],
  );
  return child(read(book), 'sheets').children.map(({ attributes }) => {
    const part = `xl/${target('xl/_rels/workbook.xml.rels', attributes['r:id'] ?? '')}`;
    typed(part, 'worksheet');
    return readSheet(attributes['name'] ?? '', read(part), formats);
  });
}

/** The order in which ECMA-376 has the elements of a worksheet. */
const ORDER = ['sheetViews', 'cols', 'sheetData', 'ignoredErrors'];

function readSheet(name: string, sheet: Element, formats: readonly (string | undefined)[]): Sheet {
  const names = sheet.children.map((element) => element.name);
  if (names.join() !== ORDER.join()) throw new Error(`a sheet of ${names}`);
  const pane = child(child(child(sheet, 'sheetViews'), 'sheetView'), 'pane').attributes;
  const rows = child(sheet, 'sheetData').children.map((row, index) => {
    if (row.attributes['r'] !== String(index + 1)) throw new Error('a row out of its place');
    return new Map(
      row.children.map((cell) => {
        const [, letters = '', number] = /^([A-Z]+)(\d+)$/.exec(cell.attributes['r'] ?? '') ?? [];
        if (number !== String(index + 1)) throw new Error('a cell out of its row');
        return [letters, cellValue(cell, formats)];
      }),
    );
  });
  const [head = new Map<string, CellValue>(), ...rest] = rows;
  const header = [...head].map(([letters, value]) => ({ letters, name: String(value) }));
  return {
    name,
    frozen: pane['state'] === 'frozen' && pane['ySplit'] === '1' && pane['topLeftCell'] === 'A2',
    header: header.map((column) => column.name),
    rows: rest.map((row) =>
      Object.fromEntries(header.map((column) => [column.name, row.get(column.letters) ?? null])),
    ),
  };
}

function cellValue(cell: Element, formats: readonly (string | undefined)[]): CellValue {
  const { t, s = '0' } = cell.attributes;
  if (t === 'inlineStr') {
    if (formats[Number(s)] !== '49') throw new Error('a text that editing would make a number');
    const text = child(child(cell, 'is'), 't');
    const kept = text.attributes['xml:space'] === 'preserve' ? text.text : text.text.trim();
    return kept.replaceAll(/_x([0-9A-F]{4})_/g, (_, code: string) =>
      String.fromCharCode(Number.parseInt(code, 16)),
    );
  }
  const value = Number(child(cell, 'v').text);
  if (t === 'b') return value === 1;
  if (!['164', '165'].includes(formats[Number(s)] ?? '')) return value;
  const at = Date.UTC(1899, 11, 30) + Math.round(value * 86_400_000);
  return new Date(at).toISOString().slice(0, 23).replace('T', ' ');
}

function child(element: Element, name: string): Element {
  const found = element.children.find((one) => one.name === name);
  if (found === undefined) throw new Error(`${element.name} has no ${name}`);
  return found;
}

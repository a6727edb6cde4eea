import { constants, deflateRawSync } from 'node:zlib';
import { Zip, ZipPassThrough } from 'fflate';
import { configError } from '../errors.ts';
import type { ZoneClock } from '../time.ts';
import type { Rows } from './rows.ts';
import { sheetPart, workbookParts } from './xlsx-parts.ts';
import { sheetWriter } from './xlsx-sheet.ts';

/**
 * A workbook, written while the rows come: at no time is more of it in memory
 * than a piece. The XML is ours and small; fflate makes the ZIP around it,
 * because it hands each piece over at once and needs nothing else. Looked at and
 * not taken: exceljs 4.4 (last release in 2023, nine dependencies of its own),
 * write-excel-file 4.1 (wants all rows of a sheet in an array), xlsx-write-stream
 * 1.0 (on archiver 5 of 2021), hucre 1.0 (streams; three releases so far), yazl
 * 3.3 (a stream for each sheet, whose errors have to be carried over by hand).
 */

export interface SheetLimits {
  /** The header included. */
  readonly rows: number;
  /** Bytes of a sheet's XML. */
  readonly bytes: number;
  /** Bytes of the file. */
  readonly file: number;
}

/**
 * Of Excel: so many rows; and a file whose parts and whole stay below 4 GiB,
 * beyond which the ZIP would have to be of the 64-bit kind, of which Excel
 * refuses what was written without knowing the sizes beforehand.
 */
export const EXCEL_LIMITS: SheetLimits = {
  rows: 1_048_576,
  bytes: 3 * 1024 ** 3,
  file: 4 * 1024 ** 3 - 16 * 1024 ** 2,
};

/** XML is packed in pieces of this size. */
const PIECE = 256 * 1024;

/**
 * The bytes of an xlsx file with these rows, on as many sheets as they need.
 *
 * @param clockOf the wall clock of an account, in which its times are shown.
 * @throws CdrError of class `config` where the file would grow too large to be opened.
 */
export async function* xlsxFile(
  rows: Rows,
  history: boolean,
  clockOf: (accountId: string) => ZoneClock,
  limits: SheetLimits = EXCEL_LIMITS,
): AsyncGenerator<Uint8Array> {
  const { head, row: rowXml, foot } = sheetWriter(history, clockOf);
  const archive = openArchive(limits.file);
  let sheets = 0;
  let last = 0;
  let bytes = 0;
  let xml = '';
  const begin = (): void => {
    sheets += 1;
    archive.begin(sheetPart(sheets));
    last = 1;
    bytes = 0;
    xml = head;
  };
  const pack = (): void => {
    bytes += archive.write(xml);
    xml = '';
  };
  const end = (): void => {
    xml += foot(last);
    pack();
    archive.end();
  };
  begin();
  for await (const batch of rows) {
    for (const row of batch) {
      if (last === limits.rows || bytes >= limits.bytes) {
        end();
        begin();
      }
      last += 1;
      xml += rowXml(row, last);
      if (xml.length < PIECE) continue;
      pack();
      yield* archive.take();
    }
  }
  end();
  for (const part of workbookParts(sheets)) {
    archive.begin(part.name);
    archive.write(part.xml);
    archive.end();
  }
  archive.close();
  yield* archive.take();
}

interface Archive {
  begin(name: string): void;
  /** Returns how many bytes it were. */
  write(text: string): number;
  end(): void;
  close(): void;
  /** What is packed and was not taken yet. */
  take(): readonly Uint8Array[];
}

function openArchive(longest: number): Archive {
  let ready: Uint8Array[] = [];
  let size = 0;
  let entry: Deflated | null = null;
  const zip = new Zip((error, chunk) => {
    if (error !== null) throw error;
    ready.push(chunk);
    size += chunk.length;
    if (size > longest) throw tooLarge();
  });
  return {
    begin: (name) => {
      entry = new Deflated(name);
      zip.add(entry);
    },
    write: (text) => {
      const bytes = Buffer.from(text);
      entry?.push(bytes);
      return bytes.length;
    },
    end: () => entry?.push(new Uint8Array(), true),
    close: () => zip.end(),
    take: () => {
      const taken = ready;
      ready = [];
      return taken;
    },
  };
}

/** A part that Node's zlib packs: of the XML here, in a quarter of the time that fflate's own takes. */
class Deflated extends ZipPassThrough {
  override compression = 8;

  protected override process(piece: Uint8Array, final: boolean): void {
    const finishFlush = final ? constants.Z_FINISH : constants.Z_SYNC_FLUSH;
    this.ondata(null, deflateRawSync(piece, { finishFlush }), final);
  }
}

function tooLarge(): Error {
  return configError(
    'usage.format',
    'these records make a workbook of more than 4 GiB, which no spreadsheet opens',
  );
}

import type { FloorRow } from './table.ts';

/** One provider's list, as plainly as it can be read. */
export interface Api {
  /** Rows a page. */
  readonly size: number;
  fetchPage(
    base: string,
    asked: { readonly from: number; readonly to: number; readonly page: number },
  ): Promise<ApiPage>;
}

export interface ApiPage {
  readonly total: number;
  readonly rows: readonly FloorRow[];
}

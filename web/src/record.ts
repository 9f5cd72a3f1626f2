// What the views are given: the record, opened.

import type { Core } from "./data/format";
import type { Haystack } from "./data/query";
import type { Column, Table } from "./data/table";

export interface Record {
  core: Core;
  table: Table;
  haystack: Haystack;
  /** Brings in the columns that were not needed for the first picture. */
  whole: () => Promise<Column[]>;
}

// The rows that are shown, as CSV: every column, under the names and by the rules of instances.csv.

import type { Cell, ColumnType } from "./format";
import type { Table } from "./table";

/** A spreadsheet takes text that begins so for a formula; an apostrophe in front disarms it (OWASP, "CSV Injection"). */
const FORMULA = /^[=+\-@\t\r\n]/;

export function csvCell(cell: Cell, type: ColumnType): string {
  const text = plain(cell, type);
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function plain(cell: Cell, type: ColumnType): string {
  if (cell === null) return "";
  if (Array.isArray(cell)) return cell.join(";");
  if (type === "timestamp" && typeof cell === "number") return new Date(cell * 1000).toISOString().replace(".000Z", "Z");
  return String(cell);
}

/** In parts, so that no single text gets too long for the browser. */
export function csvParts(table: Table, found: Uint32Array): string[] {
  const columns = table.columns.filter((column) => column.loaded);
  const written = columns.map((column) => {
    const { values, of } = column.keys();
    return { texts: values.map((value) => csvCell(value, column.type)), of };
  });
  const parts = [`${columns.map((column) => csvCell(column.name, "text")).join(",")}\n`];
  let part: string[] = [];
  for (const row of found) {
    part.push(written.map(({ texts, of }) => texts[of[row] as number]).join(","));
    if (part.length === 5000) {
      parts.push(`${part.join("\n")}\n`);
      part = [];
    }
  }
  if (part.length > 0) parts.push(`${part.join("\n")}\n`);
  return parts;
}

// The table of hosts, column by column: what a cell holds, how it reads, how it sorts.

import type { Cell, ColumnHead, ColumnType, Packed } from "./format";
import { clock, count, seconds } from "../text";

/** What could not be read; its own value everywhere. */
export const NOT_CHECKED = "not_checked";

/** The distinct values of a column, and which of them each host has. */
export interface Keys { values: Cell[]; of: Uint32Array }

export class Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly doc: string;
  readonly group: string;
  readonly title: string;
  private distinct: Cell[] | undefined;
  private index: Uint32Array | undefined;
  private values: Cell[] | undefined;
  private ranked: Uint32Array | undefined;

  constructor(head: ColumnHead, readonly hosts: number) {
    this.name = head.name;
    this.type = head.type;
    this.doc = head.doc;
    this.group = head.group;
    this.title = titleOf(head.name);
  }

  fill(packed: Packed): void {
    if ("d" in packed) {
      this.distinct = packed.d;
      this.index = Uint32Array.from(packed.i);
    } else {
      this.values = packed.v;
    }
  }

  get loaded(): boolean {
    return this.distinct !== undefined || this.values !== undefined;
  }

  cell(row: number): Cell {
    if (this.values) return this.values[row] ?? null;
    if (this.distinct && this.index) return this.distinct[this.index[row] ?? 0] ?? null;
    return null;
  }

  text(row: number): string {
    return cellText(this.cell(row), this.type);
  }

  /** The distinct values and which of them each host has. */
  keys(): Keys {
    if (this.distinct && this.index) return { values: this.distinct, of: this.index };
    // The file has a value per host only where no two hosts share one.
    return { values: this.values ?? [null], of: this.values ? counting(this.hosts) : new Uint32Array(this.hosts) };
  }

  /** Where each distinct value sorts, equal ones at the same place: none last, what could not be read before it. */
  ranks(order?: readonly string[]): Uint32Array {
    this.ranked ??= ranked(this.keys().values, order);
    return this.ranked;
  }
}

let counted = new Uint32Array(0);

/** 0, 1, 2 …: which value each host has where each has its own. One for all columns. */
function counting(length: number): Uint32Array {
  if (counted.length !== length) {
    counted = new Uint32Array(length);
    for (let at = 0; at < length; at++) counted[at] = at;
  }
  return counted;
}

function ranked(values: readonly Cell[], order?: readonly string[]): Uint32Array {
  const there: number[] = [];
  const unread: number[] = [];
  const none: number[] = [];
  values.forEach((cell, at) => (cell === null ? none : cell === NOT_CHECKED ? unread : there).push(at));
  const ranks = new Uint32Array(values.length);
  let next = 0;
  const place = (sorted: readonly number[], same: (a: number, b: number) => boolean) => {
    sorted.forEach((at, place) => {
      if (place > 0 && !same(sorted[place - 1] as number, at)) next++;
      ranks[at] = next;
    });
    if (sorted.length > 0) next++;
  };
  if (there.every((at) => typeof values[at] === "number")) {
    there.sort((a, b) => (values[a] as number) - (values[b] as number));
    place(there, (a, b) => values[a] === values[b]);
  } else if (order) {
    const places = values.map((cell) => order.indexOf(String(cell)));
    there.sort((a, b) => (places[a] as number) - (places[b] as number));
    place(there, (a, b) => places[a] === places[b]);
  } else {
    const texts = values.map(String);
    there.sort((a, b) => ((texts[a] as string) < (texts[b] as string) ? -1 : texts[a] === texts[b] ? 0 : 1));
    place(there, (a, b) => texts[a] === texts[b]);
  }
  place(unread, () => true);
  place(none, () => true);
  return ranks;
}

export function cellText(cell: Cell, type: ColumnType): string {
  if (cell === null) return "";
  if (cell === NOT_CHECKED) return "not checked";
  if (Array.isArray(cell)) return cell.join(", ");
  switch (type) {
    case "timestamp": return typeof cell === "number" ? clock(cell) : cell.toString();
    case "seconds": return typeof cell === "number" ? seconds(cell) : cell.toString();
    case "integer": return typeof cell === "number" ? count(cell) : cell.toString();
    case "boolean": return cell === true ? "yes" : cell === false ? "no" : cell.toString();
    default: return String(cell);
  }
}

const WORDS: Record<string, string> = {
  id: "ID", ami: "AMI", ip: "IP", vpc: "VPC", ssm: "SSM", cpu: "CPU", gb: "GB", os: "OS", kb: "KB",
};

/** `ssm_ping_status` → `SSM ping status`. */
export function titleOf(name: string): string {
  if (name === "seconds") return "Duration";
  const words = name.replace(/_seconds$/, "").split("_").map((word) => WORDS[word] ?? word);
  const first = words[0] ?? "";
  return [first.charAt(0).toUpperCase() + first.slice(1), ...words.slice(1)].join(" ");
}

export class Table {
  readonly columns: Column[];
  private readonly byName = new Map<string, Column>();

  constructor(heads: ColumnHead[], readonly hosts: number) {
    this.columns = heads.map((head) => new Column(head, hosts));
    for (const column of this.columns) this.byName.set(column.name, column);
  }

  fill(blocks: Record<string, Packed>): void {
    for (const [name, packed] of Object.entries(blocks)) this.byName.get(name)?.fill(packed);
  }

  find(name: string): Column | undefined {
    return this.byName.get(name);
  }

  /** The first of these columns that the file has. */
  first(...names: string[]): Column | undefined {
    return names.map((name) => this.byName.get(name)).find((column) => column !== undefined);
  }
}

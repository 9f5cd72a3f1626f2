// The table of hosts, column by column: what a cell holds, how it reads, how it sorts.

import type { Cell, ColumnHead, ColumnType, Packed } from "./format";
import { clock, count, seconds } from "../text";

/** What could not be read; its own value everywhere. */
export const NOT_CHECKED = "not_checked";

export class Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly doc: string;
  readonly group: string;
  readonly title: string;
  private distinct: Cell[] | undefined;
  private index: Uint32Array | undefined;
  private values: Cell[] | undefined;
  private ranked: Float64Array | undefined;

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

  /** The distinct values and which of them each host has; made where the file has a value per host. */
  keys(): { values: Cell[]; of: Uint32Array } {
    if (this.distinct && this.index) return { values: this.distinct, of: this.index };
    const values: Cell[] = [];
    const seen = new Map<string, number>();
    const of = new Uint32Array(this.hosts);
    for (let row = 0; row < this.hosts; row++) {
      const cell = this.values?.[row] ?? null;
      const key = JSON.stringify(cell);
      let at = seen.get(key);
      if (at === undefined) {
        at = values.length;
        seen.set(key, at);
        values.push(cell);
      }
      of[row] = at;
    }
    this.distinct = values;
    this.index = of;
    this.values = undefined;
    return { values, of };
  }

  /** A number per host that sorts as the column does: none last, what could not be read before it. */
  ranks(order?: readonly string[]): Float64Array {
    if (this.ranked) return this.ranked;
    const { values, of } = this.keys();
    const places = values.map((_, at) => at).sort((a, b) => compare(values[a] ?? null, values[b] ?? null, order));
    const rank = new Float64Array(values.length);
    let last = -1;
    places.forEach((at, place) => {
      const before = place > 0 ? values[places[place - 1] as number] ?? null : undefined;
      const same = before !== undefined && compare(before, values[at] ?? null, order) === 0;
      last = same ? last : place;
      rank[at] = last;
    });
    const out = new Float64Array(of.length);
    for (let row = 0; row < of.length; row++) out[row] = rank[of[row] as number] as number;
    this.ranked = out;
    return out;
  }
}

function compare(a: Cell, b: Cell, order?: readonly string[]): number {
  const weight = (cell: Cell) => (cell === null ? 2 : cell === NOT_CHECKED ? 1 : 0);
  const apart = weight(a) - weight(b);
  if (apart !== 0 || a === null || b === null) return apart;
  if (order) return order.indexOf(String(a)) - order.indexOf(String(b));
  if (typeof a === "number" && typeof b === "number") return a - b;
  const [left, right] = [String(a), String(b)];
  return left < right ? -1 : left > right ? 1 : 0;
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

// Which hosts are shown, in which order and groups. Pure: the same question gives the same rows.

import type { Outcome, Tally } from "./format";
import { BY_TROUBLE, OUTCOMES } from "../outcomes";
import { type Column, type Table, cellText } from "./table";

export interface Query {
  /** Words that all must occur; `column:word` looks in one column. */
  search: string;
  /** Per column the values that are wanted, as they read. */
  facets: ReadonlyMap<string, ReadonlySet<string>>;
  sort: { column: string; down: boolean } | null;
  group: string | null;
}

export const EVERYTHING: Query = { search: "", facets: new Map(), sort: null, group: null };

/** How the value of a facet reads where there is none. */
export const NONE = "(none)";

/** The values of a column as facets and groups name them. */
export function facetTexts(column: Column): { texts: string[]; of: Uint32Array } {
  const { values, of } = column.keys();
  return { texts: values.map((value) => cellText(value, column.type) || NONE), of };
}

/** The columns that a word without a column is looked for in. */
const SEARCHED = [
  "instance_id", "name", "private_ip", "account_id", "landing_zone", "region", "application", "environment",
  "platform", "outcome", "code", "reason", "message", "wave", "patching_group", "ami_id", "os_name",
];

/** The distinct values of a column as one lower-case text, a line each: one search looks through all of them. */
class Lines {
  private readonly text: string;
  /** Where each line begins; after the last, where one more would. */
  private readonly starts: Uint32Array;

  constructor(column: Column) {
    const { values } = column.keys();
    // No word has white space in it, so a line feed within a value is as good as a space.
    const lines = values.map((value) => {
      const text = cellText(value, column.type).toLowerCase();
      return text.includes("\n") ? text.replaceAll("\n", " ") : text;
    });
    this.text = lines.join("\n");
    this.starts = new Uint32Array(lines.length + 1);
    lines.forEach((line, at) => { this.starts[at + 1] = (this.starts[at] as number) + line.length + 1; });
  }

  /** Which of the values have the word in them; undefined where none has. */
  holding(word: string): Uint8Array | undefined {
    let at = this.text.indexOf(word);
    if (at < 0) return undefined;
    const { text, starts } = this;
    const holds = new Uint8Array(starts.length - 1);
    for (let line = 0; at >= 0 && line < holds.length; at = text.indexOf(word, starts[line] as number)) {
      while ((starts[line + 1] as number) <= at) line++;
      holds[line++] = 1;
    }
    return holds;
  }
}

/** What words are looked for in, column by column. */
export class Haystack {
  private readonly lines = new Map<Column, Lines>();

  constructor(private readonly table: Table) {}

  of(column: Column): Lines {
    // How a time reads changes with the reader's zone.
    if (column.type === "timestamp") return new Lines(column);
    let lines = this.lines.get(column);
    if (!lines) this.lines.set(column, (lines = new Lines(column)));
    return lines;
  }

  /** The columns that a word without a column is looked for in, as far as they are there. */
  searched(): Column[] {
    return SEARCHED.map((name) => this.table.find(name)).filter((column): column is Column => column?.loaded === true);
  }

  /** Gathers one column that the first search would otherwise wait for; says whether there may be another. */
  gather(): boolean {
    const column = this.searched().find((column) => !this.lines.has(column));
    if (column) this.of(column);
    return column !== undefined;
  }
}

/** Leaves out of `passing` the hosts whose value of a column is none of those that hold. */
function keep(passing: Uint8Array, of: Uint32Array, holds: Uint8Array): void {
  for (let row = 0; row < passing.length; row++) passing[row]! &= holds[of[row] as number] as number;
}

/** 1 for each host that the words and facets let pass, but for those of one column. */
function passing(query: Query, table: Table, haystack: Haystack, except?: string): Uint8Array {
  const passing = new Uint8Array(table.hosts).fill(1);
  for (const [name, wanted] of query.facets) {
    const column = table.find(name);
    if (!column || name === except || wanted.size === 0) continue;
    const { texts, of } = facetTexts(column);
    keep(passing, of, Uint8Array.from(texts, (text) => (wanted.has(text) ? 1 : 0)));
  }
  for (const word of query.search.toLowerCase().split(/\s+/).filter((word) => word !== "")) {
    const colon = word.indexOf(":");
    const column = colon > 0 ? table.find(word.slice(0, colon)) : undefined;
    if (column?.loaded) {
      const wanted = word.slice(colon + 1);
      if (wanted === "") continue;
      const holds = haystack.of(column).holding(wanted);
      if (holds) keep(passing, column.keys().of, holds);
      else passing.fill(0);
      continue;
    }
    const met = new Uint8Array(table.hosts);
    for (const column of haystack.searched()) {
      const holds = haystack.of(column).holding(word);
      if (!holds) continue;
      const { of } = column.keys();
      for (let row = 0; row < met.length; row++) met[row]! |= holds[of[row] as number] as number;
    }
    for (let row = 0; row < met.length; row++) passing[row]! &= met[row] as number;
  }
  return passing;
}

/** Unless the reader sorts: what needs a look first. */
const WORST_FIRST = { column: "outcome", down: true };

/** The rows that pass, in order. */
export function rows(query: Query, table: Table, haystack: Haystack): Uint32Array {
  const pass = passing(query, table, haystack);
  const out = new Uint32Array(table.hosts);
  let kept = 0;
  for (let row = 0; row < table.hosts; row++) if (pass[row]) out[kept++] = row;
  const found = out.subarray(0, kept);
  const sort = query.sort ?? WORST_FIRST;
  const column = table.find(sort.column);
  if (!column?.loaded) return found;
  return sorted(found, column.keys().of, column.ranks(column.name === "outcome" ? BY_TROUBLE : undefined), sort.down);
}

/** The rows by the rank of their value. Equal ones keep the record's order, so that the same question gives the same table. */
function sorted(found: Uint32Array, of: Uint32Array, ranks: Uint32Array, down: boolean): Uint32Array {
  const last = ranks.reduce((most, rank) => Math.max(most, rank), 0);
  const rank = (row: number) => (down ? last - (ranks[of[row] as number] as number) : ranks[of[row] as number] as number);
  // A counting sort: how many have each rank, where the first of them comes, each to its place.
  const next = new Uint32Array(last + 2);
  for (const row of found) next[rank(row) + 1]! += 1;
  for (let at = 1; at < next.length; at++) next[at]! += next[at - 1] as number;
  const out = new Uint32Array(found.length);
  for (const row of found) out[next[rank(row)]!++] = row;
  return out;
}

/** How many hosts each value of a column would show, whatever is chosen for that column itself. */
export function facetCounts(query: Query, table: Table, haystack: Haystack, name: string): [string, number][] {
  const column = table.find(name);
  if (!column) return [];
  const pass = passing(query, table, haystack, name);
  const { texts, of } = facetTexts(column);
  const counts = new Uint32Array(texts.length);
  for (let row = 0; row < pass.length; row++) counts[of[row] as number]! += pass[row] as number;
  const merged = new Map<string, number>();
  texts.forEach((text, at) => merged.set(text, (merged.get(text) ?? 0) + (counts[at] as number)));
  const order = name === "outcome" ? OUTCOMES : undefined;
  return [...merged].sort((a, b) =>
    order ? order.indexOf(a[0] as Outcome) - order.indexOf(b[0] as Outcome) : b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

export interface Group { key: string; rows: Uint32Array; outcomes: Tally }

/** The rows in groups of one column, largest first; their order within a group stays. */
export function groups(found: Uint32Array, table: Table, name: string): Group[] {
  const column = table.find(name);
  if (!column) return [];
  const { texts, of } = facetTexts(column);
  const outcome = table.find("outcome")?.keys();
  const into = new Map<string, { rows: number[]; outcomes: Tally }>();
  for (const row of found) {
    const key = texts[of[row] as number] as string;
    let group = into.get(key);
    if (!group) into.set(key, (group = { rows: [], outcomes: {} }));
    group.rows.push(row);
    if (outcome) {
      const value = outcome.values[outcome.of[row] as number] as Outcome;
      group.outcomes[value] = (group.outcomes[value] ?? 0) + 1;
    }
  }
  return [...into]
    .map(([key, group]) => ({ key, rows: Uint32Array.from(group.rows), outcomes: group.outcomes }))
    .sort((a, b) => b.rows.length - a.rows.length || (a.key < b.key ? -1 : 1));
}

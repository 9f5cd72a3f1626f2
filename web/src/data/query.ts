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

/** One lower-case text per host, made on the first search. */
export class Haystack {
  private texts: string[] | undefined;

  constructor(private readonly table: Table) {}

  /** Columns came in: what was gathered lacks them. */
  forget(): void {
    this.texts = undefined;
  }

  of(): string[] {
    if (this.texts) return this.texts;
    const columns = SEARCHED.map((name) => this.table.find(name)).filter((column) => column?.loaded) as Column[];
    const texts = new Array<string>(this.table.hosts).fill("");
    for (const column of columns) {
      const { values, of } = column.keys();
      const lower = values.map((value) => `${cellText(value, column.type).toLowerCase()}\n`);
      for (let row = 0; row < texts.length; row++) texts[row] += lower[of[row] as number] as string;
    }
    this.texts = texts;
    return texts;
  }
}

interface Test { passes: (row: number) => boolean }

function words(query: string, table: Table, haystack: Haystack): Test[] {
  return query.toLowerCase().split(/\s+/).filter((word) => word !== "").map((word) => {
    const colon = word.indexOf(":");
    const column = colon > 0 ? table.find(word.slice(0, colon)) : undefined;
    if (column?.loaded) {
      const wanted = word.slice(colon + 1);
      const { values, of } = column.keys();
      const holds = values.map((value) => cellText(value, column.type).toLowerCase().includes(wanted));
      return { passes: (row) => holds[of[row] as number] as boolean };
    }
    const texts = haystack.of();
    return { passes: (row) => (texts[row] as string).includes(word) };
  });
}

function facets(query: Query, table: Table, except?: string): Test[] {
  const tests: Test[] = [];
  for (const [name, wanted] of query.facets) {
    const column = table.find(name);
    if (!column || name === except || wanted.size === 0) continue;
    const { texts, of } = facetTexts(column);
    const holds = texts.map((text) => wanted.has(text));
    tests.push({ passes: (row) => holds[of[row] as number] as boolean });
  }
  return tests;
}

/** Unless the reader sorts: what needs a look first. */
const WORST_FIRST = { column: "outcome", down: true };

/** The rows that pass, in order. */
export function rows(query: Query, table: Table, haystack: Haystack): Uint32Array {
  const tests = [...facets(query, table), ...words(query.search, table, haystack)];
  const out = new Uint32Array(table.hosts);
  let kept = 0;
  for (let row = 0; row < table.hosts; row++) {
    if (tests.every((test) => test.passes(row))) out[kept++] = row;
  }
  const found = out.subarray(0, kept);
  const sort = query.sort ?? WORST_FIRST;
  const column = table.find(sort.column);
  if (!column?.loaded) return found;
  const ranks = column.ranks(column.name === "outcome" ? BY_TROUBLE : undefined);
  const sign = sort.down ? -1 : 1;
  // Equal ones keep the record's order, so that the same question gives the same table.
  return found.sort((a, b) => sign * ((ranks[a] as number) - (ranks[b] as number)) || a - b);
}

/** How many hosts each value of a column would show, whatever is chosen for that column itself. */
export function facetCounts(query: Query, table: Table, haystack: Haystack, name: string): [string, number][] {
  const column = table.find(name);
  if (!column) return [];
  const tests = [...facets(query, table, name), ...words(query.search, table, haystack)];
  const { texts, of } = facetTexts(column);
  const counts = new Float64Array(texts.length);
  for (let row = 0; row < table.hosts; row++) {
    if (tests.every((test) => test.passes(row))) counts[of[row] as number]! += 1;
  }
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

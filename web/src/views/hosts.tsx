// Every host: searched, narrowed, grouped, sorted, downloaded.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Going } from "../app";
import { csvParts } from "../data/csv";
import { type Query, EVERYTHING, NONE, facetCounts, groups, rows } from "../data/query";
import type { Column } from "../data/table";
import { titleOf } from "../data/table";
import { LOOKS, isOutcome } from "../outcomes";
import type { Record } from "../record";
import type { Route } from "../route";
import { count, line } from "../text";
import { Grid } from "./grid";
import { Popover } from "./popover";
import { OutcomeSign } from "./signs";

/** What one narrows by; as far as the file has them. */
const FACETS = ["outcome", "code", "wave", "landing_zone", "account_id", "region", "application", "environment", "platform"];
/** What is shown at first. */
const SHOWN = ["instance_id", "name", "outcome", "code", "landing_zone", "region", "application", "wave", "seconds", "patches_installed", "patches_missing"];

export function Hosts({ record, going, route }: { record: Record; going: Going; route: Route }) {
  const { table, haystack } = record;
  const { query } = route;
  const [shown, setShown] = useState<readonly string[]>(() => SHOWN.filter((name) => table.find(name)));
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const [complete, setComplete] = useState(() => table.columns.every((column) => column.loaded));
  const search = useRef<HTMLInputElement>(null);

  // The rest of the columns comes once there is time; what asks for one of them sooner waits for it.
  useEffect(() => {
    if (complete) return;
    const later = setTimeout(() => { void record.whole().then(() => setComplete(true)); }, 400);
    return () => clearTimeout(later);
  }, [record, complete]);

  useEffect(() => {
    const slash = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
      if (event.key !== "/" || typing || event.metaKey || event.ctrlKey || event.altKey) return;
      event.preventDefault();
      search.current?.focus();
    };
    addEventListener("keydown", slash);
    return () => removeEventListener("keydown", slash);
  }, []);

  const before = useRef<Uint32Array | null>(null);
  const found = useMemo(() => {
    const began = performance.now();
    const answer = rows(query, table, haystack);
    // The rest of the columns may have come meanwhile: where that changes no answer, nobody loses their place.
    const found = before.current && same(before.current, answer) ? before.current : answer;
    before.current = found;
    // Told to whoever measures; nobody else reads it.
    document.documentElement.dataset.filterMs = (performance.now() - began).toFixed(1);
    return found;
  }, [query, table, haystack, complete]);
  const countable = query.group ? table.find(query.group)?.loaded === true : false;
  const grouped = useMemo(() => (query.group ? groups(found, table, query.group) : null), [found, table, query.group, countable]);

  const ask = (change: Partial<Query>) => going.to({ query: { ...query, ...change } });
  const choose = (name: string, values: ReadonlySet<string>) => {
    const facets = new Map(query.facets);
    if (values.size > 0) facets.set(name, values);
    else facets.delete(name);
    ask({ facets });
  };
  const narrowed = query.search !== "" || query.facets.size > 0;
  const columns = shown.map((name) => table.find(name)).filter((column): column is Column => column !== undefined);

  return (
    <div class="hosts">
      <div class="toolbar" role="search">
        <label class="search">
          <span class="unseen">Search hosts</span>
          <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true"><circle cx="7" cy="7" r="4.5" /><path d="m10.5 10.5 3.5 3.5" /></svg>
          <input ref={search} type="search" value={query.search} placeholder="Search, or column:word" autocomplete="off" spellcheck={false}
            title="All words must occur. region:eu-west-1 looks in one column."
            onInput={(event) => ask({ search: event.currentTarget.value })} />
          <kbd aria-hidden="true">/</kbd>
        </label>
        {FACETS.filter((name) => table.find(name)?.loaded).map((name) => (
          <Facet key={name} record={record} query={query} name={name} choose={(values) => choose(name, values)} />
        ))}
      </div>
      <div class="state">
        <span role="status">
          <b>{count(found.length)}</b> {narrowed ? <>of {count(table.hosts)} hosts</> : found.length === 1 ? "host" : "hosts"}
          {grouped && <>, in {count(grouped.length)} {grouped.length === 1 ? "group" : "groups"}</>}
        </span>
        {[...query.facets].map(([name, values]) => [...values].map((value) => (
          <button type="button" class="chip" key={name + value} aria-label={`Remove ${titleOf(name)}: ${line(value)}`}
            onClick={() => choose(name, new Set([...values].filter((other) => other !== value)))}>
            <span class="dim">{titleOf(name)}</span> {name === "outcome" && isOutcome(value) ? LOOKS[value].title : line(value)}<span aria-hidden="true"> ×</span>
          </button>
        )))}
        {narrowed && <button type="button" class="quiet" onClick={() => ask({ search: "", facets: EVERYTHING.facets })}>Clear</button>}
        {grouped && grouped.length > 0 && <button type="button" class="quiet" onClick={() => setOpened(opened.size > 0 ? new Set() : new Set(grouped.map((group) => group.key)))}>{opened.size > 0 ? "Close all groups" : "Open all groups"}</button>}
        <div class="arrange">
          <label class="select">Group by
            <select value={query.group ?? ""} onChange={(event) => { setOpened(new Set()); ask({ group: event.currentTarget.value || null }); }}>
              <option value="">nothing</option>
              {[...FACETS, "availability_zone", "instance_type", "patching_group", "patch_baseline", "step", "class", "os_name"].filter((name, at, all) => table.find(name)?.loaded && all.indexOf(name) === at)
                .map((name) => <option key={name} value={name}>{titleOf(name)}</option>)}
            </select>
          </label>
          <Popover label="Columns" kind="columns">
            {() => <ColumnChoice record={record} shown={shown} set={(names) => { setShown(names); if (!complete) void record.whole().then(() => setComplete(true)); }} />}
          </Popover>
          <button type="button" class="button" onClick={() => void download(record, found)} title="Every column of the hosts that are shown, under the names of instances.csv">Download CSV</button>
        </div>
      </div>
      <Grid columns={columns} found={found} groups={grouped} opened={opened} setOpened={setOpened} sort={query.sort}
        onSort={(sort) => ask({ sort })} selected={route.host} onOpen={going.open} idColumn={table.find("instance_id")} />
    </div>
  );
}

const same = (one: Uint32Array, other: Uint32Array) => one.length === other.length && one.every((row, at) => row === other[at]);

function Facet({ record, query, name, choose }: { record: Record; query: Query; name: string; choose: (values: ReadonlySet<string>) => void }) {
  const chosen = query.facets.get(name) ?? new Set<string>();
  return (
    <Popover label={titleOf(name)} number={chosen.size} kind="facet">
      {() => <FacetList record={record} query={query} name={name} chosen={chosen} choose={choose} />}
    </Popover>
  );
}

const FACET_VALUES_SHOWN = 300;

function FacetList({ record, query, name, chosen, choose }: { record: Record; query: Query; name: string; chosen: ReadonlySet<string>; choose: (values: ReadonlySet<string>) => void }) {
  const [word, setWord] = useState("");
  const counts = useMemo(() => facetCounts(query, record.table, record.haystack, name), [query, record, name]);
  const looked = word.toLowerCase();
  const there = counts.filter(([value, n]) => (n > 0 || chosen.has(value)) && value.toLowerCase().includes(looked));
  const toggle = (value: string) => {
    const next = new Set(chosen);
    if (!next.delete(value)) next.add(value);
    choose(next);
  };
  return (
    <>
      {counts.length > 10 && <input type="search" class="narrow" aria-label={`Find in ${titleOf(name)}`} placeholder="Find" value={word} onInput={(event) => setWord(event.currentTarget.value)} />}
      <ul class="values">
        {there.slice(0, FACET_VALUES_SHOWN).map(([value, n]) => (
          <li key={value}>
            <label>
              <input type="checkbox" checked={chosen.has(value)} onChange={() => toggle(value)} />
              {name === "outcome" && isOutcome(value)
                ? <span class={`value of-${value}`}><OutcomeSign outcome={value} /> {LOOKS[value].title}</span>
                : <span class={`value${value === NONE ? " dim" : ""}`}>{line(value)}</span>}
              <span class="n">{count(n)}</span>
            </label>
          </li>
        ))}
        {there.length === 0 && <li class="nothing">No value.</li>}
        {there.length > FACET_VALUES_SHOWN && <li class="nothing">{count(there.length - FACET_VALUES_SHOWN)} more: type to find one.</li>}
      </ul>
    </>
  );
}

function ColumnChoice({ record, shown, set }: { record: Record; shown: readonly string[]; set: (names: readonly string[]) => void }) {
  const order = record.table.columns.map((column) => column.name);
  const parts = [...new Set(record.table.columns.map((column) => column.group))];
  return (
    <ul class="values">
      {parts.map((part) => (
        <li key={part}>
          <h3>{titleOf(part)}</h3>
          <ul>
            {record.table.columns.filter((column) => column.group === part).map((column) => (
              <li key={column.name}>
                <label title={column.doc}>
                  <input type="checkbox" checked={shown.includes(column.name)} disabled={column.name === "instance_id"}
                    onChange={() => set(shown.includes(column.name)
                      ? shown.filter((name) => name !== column.name)
                      : [...shown, column.name].sort((a, b) => place(a, order) - place(b, order)))} />
                  <span class="value">{column.title}</span>
                </label>
              </li>
            ))}
          </ul>
        </li>
      ))}
    </ul>
  );
}

/** Those shown at first keep their place before the others. */
function place(name: string, order: readonly string[]): number {
  const first = SHOWN.indexOf(name);
  return first >= 0 ? first : SHOWN.length + order.indexOf(name);
}

async function download(record: Record, found: Uint32Array): Promise<void> {
  await record.whole();
  const url = URL.createObjectURL(new Blob(csvParts(record.table, found), { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `${record.core.run.name.replace(/[^\w.-]+/g, "_")}-hosts.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

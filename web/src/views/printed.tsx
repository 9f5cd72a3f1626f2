// The report on paper: everything people sign for, and the hosts they have to look at.

import { useMemo } from "preact/hooks";
import { rows } from "../data/query";
import { TROUBLE } from "../outcomes";
import type { Record } from "../record";
import { count, line, zoneName } from "../text";
import { CauseTable } from "./causes";
import { Durations } from "./durations";
import { Gantt } from "./gantt";
import { Facts, Nothing, OutcomeBadge, Panel, StatusPill } from "./parts";
import { Progress } from "./progress";
import { facts } from "./record_page";
import { Verdict, tallyOf } from "./overview";
import { Gates } from "./waves";

const HOSTS_AT_MOST = 300;
const COLUMNS = ["instance_id", "name", "landing_zone", "region", "wave", "outcome", "code"];

export function Printed({ record }: { record: Record }) {
  const { core, table, haystack } = record;
  const tally = useMemo(() => tallyOf(record), [record]);
  const trouble = useMemo(() => rows({ search: "", facets: new Map([["outcome", new Set<string>(TROUBLE)]]), sort: { column: "outcome", down: true }, group: null }, table, haystack), [record]);
  const columns = COLUMNS.map((name) => table.find(name)).filter((column) => column !== undefined);
  return (
    <main class="printed">
      <header class="top"><div class="identity"><div class="names"><h1>{line(core.run.name)}</h1><span class="by">fleetwright {line(core.run.fleetwright)} · times in {zoneName()}</span></div><StatusPill run={core.run} /></div></header>
      <div class="page">
        <Verdict record={record} tally={tally} />
        <Panel title="Run" wide><Facts of={facts(record).map(([label, text]) => [label, line(text)])} /></Panel>
        <Panel title="Waves" wide><Gantt record={record} /></Panel>
        <Panel title="Gates and approvals" wide><Gates gates={core.gates} /></Panel>
        <Panel title="Progress"><Progress record={record} /></Panel>
        <Panel title="Step durations"><Durations record={record} /></Panel>
        <Panel title="Causes" wide><CauseTable record={record} /></Panel>
        <Panel title="Hosts to look at" wide note={count(trouble.length)}>
          {trouble.length === 0 ? <Nothing>None.</Nothing> : (
            <table class="plain">
              <thead><tr>{columns.map((column) => <th scope="col" key={column.name}>{column.title}</th>)}</tr></thead>
              <tbody>{[...trouble.subarray(0, HOSTS_AT_MOST)].map((row) => (
                <tr key={row}>{columns.map((column) => <td key={column.name}>{column.name === "outcome" ? <OutcomeBadge outcome={column.text(row) } /> : line(column.text(row))}</td>)}</tr>
              ))}</tbody>
            </table>
          )}
          {trouble.length > HOSTS_AT_MOST && <p class="more">and {count(trouble.length - HOSTS_AT_MOST)} more; the report on screen and instances.csv have them all.</p>}
        </Panel>
      </div>
    </main>
  );
}

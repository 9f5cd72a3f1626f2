// The first page: how it ended, how it went, what to look at.

import { useMemo, useState } from "preact/hooks";
import type { Going } from "../app";
import type { Outcome, Tally } from "../data/format";
import { groups } from "../data/query";
import { LOOKS, OUTCOMES, TROUBLE, isOutcome, sum } from "../outcomes";
import type { Record } from "../record";
import { clock, count, line, percent, plural, seconds } from "../text";
import { CauseTable } from "./causes";
import { ComplianceOf } from "./compliance";
import { Durations } from "./durations";
import { Gantt } from "./gantt";
import { Nothing, OutcomeBar, Panel } from "./parts";
import { Progress } from "./progress";
import { OutcomeSign } from "./signs";

export function tallyOf(record: Record): Tally {
  const column = record.table.find("outcome");
  const tally: Tally = {};
  if (!column) return tally;
  const { values, of } = column.keys();
  const counts = values.map(() => 0);
  for (const at of of) counts[at]! += 1;
  values.forEach((value, at) => {
    if (typeof value === "string" && isOutcome(value) && counts[at]) tally[value] = counts[at];
  });
  return tally;
}

export function Overview({ record, going }: { record: Record; going: Going }) {
  const { core } = record;
  const tally = useMemo(() => tallyOf(record), [record]);
  return (
    <div class="page">
      <Verdict record={record} tally={tally} going={going} />
      <Panel title="Waves" wide note={core.waves.length > 0 ? plural(core.waves.length, "wave") : undefined}>
        <Gantt record={record} going={going} />
      </Panel>
      <Panel title="Progress" note="hosts ended, by outcome"><Progress record={record} /></Panel>
      <Panel title="Step durations" note="median, 90th percentile, longest"><Durations record={record} /></Panel>
      <Panel title="Causes" wide note={core.errors.length > 0 ? "what kept hosts from plain success" : undefined}>
        <CauseTable record={record} going={going} atMost={8} />
      </Panel>
      <ComplianceOf compliance={core.compliance} />
      <Places record={record} going={going} />
    </div>
  );
}

export function Verdict({ record, tally, going }: { record: Record; tally: Tally; going?: Going }) {
  const { run, hosts, gaps, left_out } = record.core;
  const trouble = sum(tally, TROUBLE);
  const took = run.started_at !== null && run.ended_at !== null ? run.ended_at - run.started_at : null;
  const pick = going && ((outcome: Outcome) => going.hostsWith("outcome", outcome));
  const patches = useMemo(() => gained(record), [record]);
  return (
    <section class="verdict wide" aria-label="Result">
      <div class="sentence">
        <p class="headline">{headline(record, tally)}</p>
        {run.reason && <p class="why">{run.code && <code>{line(run.code)}</code>} {line(run.reason)}</p>}
        {run.next_step && <p class="next"><span>Next</span>{line(run.next_step)}</p>}
      </div>
      <ul class="figures">
        <li><b>{count(hosts)}</b><span>{hosts === 1 ? "host" : "hosts"}</span></li>
        <li><b>{percent(tally.success ?? 0, hosts)}</b><span>plain success</span></li>
        <li class={trouble > 0 ? "attention" : ""}><b>{count(trouble)}</b><span>to look at</span></li>
        {patches !== null && <li><b>{count(patches)}</b><span>patches installed</span></li>}
        <li><b>{took === null ? "–" : seconds(took)}</b><span title={run.started_at === null ? undefined : clock(run.started_at)}>from start to end</span></li>
        <li class={gaps.length + left_out.length > 0 ? "attention" : ""}><b>{count(gaps.length + left_out.length)}</b><span>not in the run</span></li>
      </ul>
      <OutcomeBar tally={tally} label="Hosts by outcome" {...(pick ? { onPick: pick } : {})} />
      <ul class="legend">
        {OUTCOMES.filter((outcome) => tally[outcome]).map((outcome) => (
          <li key={outcome}>
            {going
              ? <button type="button" class="quiet" title={LOOKS[outcome].means} onClick={() => going.hostsWith("outcome", outcome)}><Key outcome={outcome} tally={tally} /></button>
              : <Key outcome={outcome} tally={tally} />}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Key({ outcome, tally }: { outcome: Outcome; tally: Tally }) {
  const look = LOOKS[outcome];
  return <span class={`key of-${outcome}`}><OutcomeSign outcome={outcome} />{look.title} <b>{count(tally[outcome] ?? 0)}</b></span>;
}

function headline(record: Record, tally: Tally): string {
  const { hosts, run } = record.core;
  const open = tally.open ?? 0;
  if (hosts === 0) return "No host was in this run.";
  if (open > 0 && run.status === 202) return `${count(hosts - open)} of ${plural(hosts, "host")} ended; ${count(open)} still open.`;
  const trouble = sum(tally, TROUBLE);
  if (trouble === 0 && open === 0) return `All ${plural(hosts, "host")} ended well.`;
  if (trouble === 0) return `${plural(open, "host")} of ${count(hosts)} did not end.`;
  const rest = open > 0 ? `; ${count(open)} did not end` : "";
  return `${plural(trouble, "host")} of ${count(hosts)} ${trouble === 1 ? "needs" : "need"} a look${rest}.`;
}

/** Patches that are installed now and were not before, on the hosts where both are known. */
function gained(record: Record): number | null {
  const [before, after] = ["patches_installed_before", "patches_installed"].map((name) => record.table.find(name));
  if (!before?.loaded || !after?.loaded) return null;
  let [sum, known] = [0, false];
  for (let row = 0; row < record.core.hosts; row++) {
    const [was, is] = [before.cell(row), after.cell(row)];
    if (typeof was !== "number" || typeof is !== "number") continue;
    known = true;
    sum += Math.max(0, is - was);
  }
  return known ? sum : null;
}

const DIMENSIONS: [string, string][] = [
  ["landing_zone", "Landing zone"], ["account_id", "Account"], ["region", "Region"], ["application", "Application"],
  ["environment", "Environment"], ["platform", "Platform"],
];
const PLACES_AT_MOST = 12;

function Places({ record, going }: { record: Record; going: Going }) {
  const there = DIMENSIONS.filter(([name]) => record.table.find(name)?.loaded);
  const [by, setBy] = useState(there[0]?.[0] ?? "landing_zone");
  const all = useMemo(() => {
    const rows = Uint32Array.from({ length: record.core.hosts }, (_, row) => row);
    return groups(rows, record.table, by).sort((a, b) => sum(b.outcomes, TROUBLE) - sum(a.outcomes, TROUBLE) || b.rows.length - a.rows.length);
  }, [record, by]);
  if (record.core.hosts === 0) return null;
  return (
    <Panel title="Where" wide note={
      <span class="segmented" role="group" aria-label="Compare by">
        {there.map(([name, title]) => <button type="button" key={name} aria-pressed={by === name} onClick={() => setBy(name)}>{title}</button>)}
      </span>}>
      {all.length === 0 ? <Nothing>Nothing to compare.</Nothing> : (
        <table class="places">
          <thead><tr><th scope="col">{there.find(([name]) => name === by)?.[1]}</th><th scope="col" class="n">Hosts</th><th scope="col" class="n">To look at</th><th scope="col">Outcomes</th></tr></thead>
          <tbody>
            {all.slice(0, PLACES_AT_MOST).map((place) => {
              const trouble = sum(place.outcomes, TROUBLE);
              return (
                <tr key={place.key}>
                  <th scope="row"><button type="button" class="link" onClick={() => going.hostsWith(by, place.key)}>{line(place.key)}</button></th>
                  <td class="n">{count(place.rows.length)}</td>
                  <td class={`n${trouble > 0 ? " attention" : ""}`}>{trouble > 0 ? `${count(trouble)} · ${percent(trouble, place.rows.length)}` : "–"}</td>
                  <td class="stretch"><OutcomeBar tally={place.outcomes} label={line(place.key)} /></td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
      {all.length > PLACES_AT_MOST && <p class="more">and {count(all.length - PLACES_AT_MOST)} more: <button type="button" class="link" onClick={() => going.to({ tab: "hosts", query: { search: "", facets: new Map(), sort: null, group: by } })}>all of them in the table</button></p>}
    </Panel>
  );
}

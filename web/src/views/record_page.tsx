// The record itself: who, what exactly, which calls, and what this file is made of.

import type { Record } from "../record";
import { clock, count, line, plural } from "../text";
import { Facts, Nothing, Panel } from "./parts";

export function facts(record: Record): [string, string][] {
  const { run } = record.core;
  const when = (at: number | null) => (at === null ? "–" : clock(at));
  return [
    ["Run", run.name], ["Plan digest", run.digest], ["Started", when(run.started_at)], ["Ended", when(run.ended_at)],
    ["Status", `${run.status} ${run.verdict}, exit code ${run.exit}`], ...run.facts,
  ];
}

export function RecordPage({ record }: { record: Record }) {
  const { calls, cleanups, run } = record.core;
  return (
    <div class="page">
      <Panel title="Run" wide><Facts of={facts(record).map(([label, text]) => [label, <span class={label === "Plan digest" ? "mono" : ""}>{line(text)}</span>])} /></Panel>
      <Panel title="Calls to AWS" note={`${count(calls.reduce((total, call) => total + call.sent, 0))} sent`}>
        {calls.length === 0 ? <Nothing>No calls were counted.</Nothing> : (
          <table class="plain">
            <thead><tr><th scope="col">Action</th><th scope="col" class="n">Sent</th><th scope="col" class="n">Throttled</th></tr></thead>
            <tbody>{calls.map((call) => <tr key={call.action}><td><code>{line(call.action)}</code></td><td class="n">{count(call.sent)}</td><td class="n">{count(call.throttled)}</td></tr>)}</tbody>
          </table>
        )}
      </Panel>
      <Panel title="Clean-up" note={plural(cleanups.length, "region")}>
        {cleanups.length === 0 ? <Nothing>No region was cleaned up.</Nothing> : (
          <table class="plain">
            <thead><tr><th scope="col">Where</th><th scope="col">Outcome</th><th scope="col">What</th></tr></thead>
            <tbody>{cleanups.map((cleanup, at) => <tr key={at}><td>{line(`${cleanup.zone} / ${cleanup.region}`)}</td><td>{line(cleanup.outcome)}</td><td class="words">{line(cleanup.text ?? "")}</td></tr>)}</tbody>
          </table>
        )}
      </Panel>
      <Panel title="Columns" wide note="the same as in instances.csv">
        <div class="scroll" tabIndex={0} role="region" aria-label="Columns of the table of hosts">
          <table class="plain">
            <thead><tr><th scope="col">Column</th><th scope="col">Phase</th><th scope="col">What it tells</th></tr></thead>
            <tbody>{record.table.columns.map((column) => <tr key={column.name}><td><code>{column.name}</code></td><td>{column.group}</td><td class="words">{column.doc}</td></tr>)}</tbody>
          </table>
        </div>
      </Panel>
      <Panel title="About this file" wide>
        <p class="prose">
          Made by fleetwright {line(run.fleetwright)} from the record of the run. Everything is inside this one file: it asks no
          server for anything, and its content-security policy would not let it. The same facts are in the CSV, JSON, XML and JUnit reports.
          Shown with Preact, © 2015 – present Jason Miller, MIT licence; the licence’s text is in the source of this page.
        </p>
      </Panel>
    </div>
  );
}

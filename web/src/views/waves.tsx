// Waves in figures, and who let the run go on.

import type { Going } from "../app";
import type { Gate } from "../data/format";
import { TROUBLE, sum } from "../outcomes";
import type { Record } from "../record";
import { clock, count, line, percent, plural, seconds, words } from "../text";
import { Gantt } from "./gantt";
import { Nothing, OutcomeBar, Panel } from "./parts";
import { ResultSign } from "./signs";

export function Waves({ record, going }: { record: Record; going: Going }) {
  const { waves, gates, freezes } = record.core;
  return (
    <div class="page">
      <Panel title="Timeline" wide><Gantt record={record} going={going} /></Panel>
      <Panel title="Waves" wide note={plural(waves.length, "wave")}>
        {waves.length === 0 ? <Nothing>The plan has no waves.</Nothing> : (
          <table class="plain">
            <thead><tr><th scope="col">Wave</th><th scope="col">Began</th><th scope="col">Ended</th><th scope="col" class="n">Took</th><th scope="col" class="n">Hosts</th><th scope="col" class="n">Success</th><th scope="col" class="n">To look at</th><th scope="col">Outcomes</th></tr></thead>
            <tbody>{waves.map((wave, at) => (
              <tr key={at}>
                <th scope="row"><button type="button" class="link" onClick={() => going.hostsWith("wave", wave.name)}>{line(wave.name)}</button></th>
                <td class="t">{wave.started_at === null ? "not begun" : clock(wave.started_at)}</td>
                <td class="t">{wave.ended_at === null ? "–" : clock(wave.ended_at)}</td>
                <td class="n">{wave.started_at !== null && wave.ended_at !== null ? seconds(wave.ended_at - wave.started_at) : "–"}</td>
                <td class="n">{count(wave.hosts)}</td>
                <td class="n">{percent(wave.outcomes.success ?? 0, wave.hosts)}</td>
                <td class="n">{count(sum(wave.outcomes, TROUBLE))}</td>
                <td class="stretch"><OutcomeBar tally={wave.outcomes} label={line(wave.name)} /></td>
              </tr>
            ))}</tbody>
          </table>
        )}
      </Panel>
      <Panel title="Gates and approvals" wide note={plural(gates.length, "gate")}>
        <Gates gates={gates} />
      </Panel>
      {freezes.length > 0 && (
        <Panel title="Freezes" wide note="no host was begun meanwhile">
          <table class="plain">
            <thead><tr><th scope="col">From</th><th scope="col">Until</th><th scope="col">By</th><th scope="col">Why</th></tr></thead>
            <tbody>{freezes.map((freeze) => (
              <tr key={freeze.from}><td class="t">{clock(freeze.from)}</td><td class="t">{freeze.until === null ? "–" : clock(freeze.until)}</td><td>{line(freeze.by)}</td><td class="words">{line(freeze.reason ?? "")}</td></tr>
            ))}</tbody>
          </table>
        </Panel>
      )}
    </div>
  );
}

export function Gates({ gates }: { gates: Gate[] }) {
  if (gates.length === 0) return <Nothing>The plan has no gates: nobody was asked.</Nothing>;
  return (
    <ul class="gates">
      {gates.map((gate, at) => (
        <li key={at}>
          <div class="gate-head">
            <span class={`gate-state is-${gate.state}`}>{words(gate.state)}</span>
            <b>{line(gate.stage)}</b>
            {gate.rule && <span class="dim">{line(gate.rule)}</span>}
            <span class="dim when">{gate.reached_at === null ? "not reached" : `reached ${clock(gate.reached_at)}`}{gate.reached_at !== null && gate.decided_at !== null && `, ${seconds(gate.decided_at - gate.reached_at)} until decided`}</span>
          </div>
          {gate.decisions.length > 0 && (
            <table class="plain">
              <thead><tr><th scope="col">When</th><th scope="col">Who</th><th scope="col">Decision</th><th scope="col">Comment</th><th scope="col">On the basis of</th></tr></thead>
              <tbody>{gate.decisions.map((decision, at) => (
                <tr key={at}><td class="t">{decision.at === null ? "–" : clock(decision.at)}</td><td>{line(decision.by ?? "nobody in time")}</td><td>{words(line(decision.decision))}</td><td class="words">{line(decision.comment ?? "")}</td><td class="words dim">{line(decision.basis ?? "")}</td></tr>
              ))}</tbody>
            </table>
          )}
          {gate.checks.length > 0 && (
            <ul class="checks">{gate.checks.map((check, at) => (
              <li key={at} class={`is-${check.result}`}><ResultSign result={check.result} /><b>{words(line(check.name))}</b>{check.place && <span class="dim">{line(check.place)}</span>} <span>{line(check.text ?? check.result)}</span></li>
            ))}</ul>
          )}
        </li>
      ))}
    </ul>
  );
}

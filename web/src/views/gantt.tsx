// Waves and what stood between them, along one line of time.

import type { Going } from "../app";
import type { Gate, Wave } from "../data/format";
import { LOOKS, OUTCOMES, sum } from "../outcomes";
import type { Record } from "../record";
import { clock, count, day, hours, line, percent, plural, seconds, timeTicks } from "../text";
import { Nothing, OutcomeBar } from "./parts";

export function Gantt({ record, going }: { record: Record; going?: Going }) {
  const { waves, gates, freezes, run } = record.core;
  const from = run.started_at;
  const ends = [run.ended_at, ...waves.flatMap((wave) => [wave.started_at, wave.ended_at]), ...gates.flatMap((gate) => [gate.reached_at, gate.decided_at])];
  const until = Math.max(0, ...ends.filter((at): at is number => at !== null));
  if (from === null || waves.length === 0) return <Nothing>Nothing was begun: there is no wave to draw.</Nothing>;
  const span = Math.max(1, until - from);
  const left = (at: number) => `${Math.max(0, Math.min(100, ((at - from) / span) * 100))}%`;
  const width = (a: number, b: number) => `${Math.max(0.25, Math.min(100, ((b - a) / span) * 100))}%`;
  const ticks = timeTicks(from, until, 9);
  return (
    <div class="gantt">
      <div class="rows" role="list">
        {waves.map((wave, at) => {
          const before = gates.filter((gate) => (gate.wave === null ? at === 0 : gate.wave === wave.name));
          return (
            <div class="row" role="listitem" key={wave.name + String(at)}>
              <div class="name">
                {going ? <button type="button" class="link" onClick={() => going.hostsWith("wave", wave.name)}>{line(wave.name)}</button> : <b>{line(wave.name)}</b>}
                <span>{plural(wave.hosts, "host")}</span>
              </div>
              <div class="lane">
                {ticks.map((when) => <i key={when} class="rule" style={{ left: left(when) }} />)}
                {freezes.map((freeze) => (
                  <i key={freeze.from} class="freeze" style={{ left: left(freeze.from), width: width(freeze.from, freeze.until ?? until) }}
                    title={`Frozen ${clock(freeze.from)} by ${line(freeze.by)}${freeze.reason ? `: ${line(freeze.reason)}` : ""}`} />
                ))}
                {before.map((gate) => <Wait key={gate.stage} gate={gate} left={left} width={width} until={until} />)}
                {wave.started_at !== null && (
                  <div class={`bar${wave.ended_at === null ? " open" : ""}`} title={told(wave)}
                    style={{ left: left(wave.started_at), width: width(wave.started_at, wave.ended_at ?? until) }}>
                    <OutcomeBar tally={wave.outcomes} label={`${line(wave.name)}, ${told(wave)}`} />
                  </div>
                )}
              </div>
              <div class="result">
                <b>{percent(wave.outcomes.success ?? 0, sum(wave.outcomes))}</b>
                <span>{wave.started_at !== null && wave.ended_at !== null ? seconds(wave.ended_at - wave.started_at) : wave.started_at === null ? "not begun" : "open"}</span>
              </div>
            </div>
          );
        })}
      </div>
      <div class="axis" aria-hidden="true">
        <div class="lane">{ticks.map((when, at) => {
          const newDay = at === 0 || day(when) !== day(ticks[at - 1] as number);
          return <span key={when} style={{ left: left(when) }}>{hours(when)}{newDay && <em>{day(when)}</em>}</span>;
        })}</div>
      </div>
      <ul class="legend small" aria-hidden="true">
        <li><span class="swatch hatch" />waiting at a gate</li>
        {freezes.length > 0 && <li><span class="swatch frozen" />frozen</li>}
      </ul>
    </div>
  );
}

function Wait({ gate, left, width, until }: { gate: Gate; left: (at: number) => string; width: (a: number, b: number) => string; until: number }) {
  if (gate.reached_at === null) return null;
  const end = gate.decided_at ?? until;
  const by = gate.decisions.map((decision) => decision.by).filter((by) => by !== null).map(line).join(", ");
  return (
    <div class={`wait is-${gate.state}`} style={{ left: left(gate.reached_at), width: width(gate.reached_at, end) }}
      role="img" aria-label={`${line(gate.stage)}: ${gate.state}${by ? ` by ${by}` : ""}, after ${seconds(end - gate.reached_at)}`}
      title={`${line(gate.stage)}: ${gate.state}${by ? ` by ${by}` : ""}, after ${seconds(end - gate.reached_at)}`} />
  );
}

function told(wave: Wave): string {
  const outcomes = OUTCOMES.filter((outcome) => wave.outcomes[outcome]).map((outcome) => `${count(wave.outcomes[outcome] ?? 0)} ${LOOKS[outcome].title.toLowerCase()}`);
  const when = wave.started_at === null ? "not begun" : `${clock(wave.started_at)} to ${wave.ended_at === null ? "open" : clock(wave.ended_at)}`;
  return [when, ...outcomes].join(", ");
}

// How many hosts had ended when, by outcome, and how many were worked on at the time.

import { useMemo, useRef, useState } from "preact/hooks";
import type { Outcome } from "../data/format";
import type { Record } from "../record";
import { LOOKS } from "../outcomes";
import { count, hours, percent, ticks, timeTicks } from "../text";
import { Nothing } from "./parts";

const STACK: readonly Outcome[] = ["success", "partial", "skipped", "not_ready", "unreachable", "rolled_back", "failed", "stuck"];
const STEPS = 200;
const [WIDTH, HEIGHT] = [640, 290];
const BOX = { left: 44, right: 8, top: 10, bottom: 22 };

interface Curve {
  from: number;
  until: number;
  /** Per outcome and step in time, how many had ended. */
  ended: Map<Outcome, Float64Array>;
  working: Float64Array;
}

export function curve(record: Record): Curve | null {
  const { table, core } = record;
  const [started, ended, outcome] = ["started_at", "ended_at", "outcome"].map((name) => table.find(name));
  if (!started?.loaded || !ended?.loaded || !outcome?.loaded || core.run.started_at === null) return null;
  const from = core.run.started_at;
  let until = core.run.ended_at ?? from;
  const [starts, ends, outcomes] = [started.keys(), ended.keys(), outcome.keys()];
  for (const value of ends.values) if (typeof value === "number" && value > until) until = value;
  for (const value of starts.values) if (typeof value === "number" && value > until) until = value;
  if (until <= from) return null;
  const bin = (at: number) => Math.min(STEPS, Math.max(0, Math.ceil(((at - from) / (until - from)) * STEPS)));
  const per = new Map(STACK.map((outcome) => [outcome, new Float64Array(STEPS + 1)]));
  const working = new Float64Array(STEPS + 1);
  for (let row = 0; row < core.hosts; row++) {
    const start = starts.values[starts.of[row] as number];
    const end = ends.values[ends.of[row] as number];
    if (typeof start === "number") working[bin(start)]! += 1;
    if (typeof end !== "number") continue;
    if (typeof start === "number") working[bin(end)]! -= 1;
    const counts = per.get(outcomes.values[outcomes.of[row] as number] as Outcome);
    if (counts) counts[bin(end)]! += 1;
  }
  for (const counts of [...per.values(), working]) for (let at = 1; at <= STEPS; at++) counts[at]! += counts[at - 1] as number;
  return { from, until, ended: per, working };
}

export function Progress({ record }: { record: Record }) {
  const drawn = useMemo(() => curve(record), [record]);
  const svg = useRef<SVGSVGElement>(null);
  const [at, setAt] = useState<number | null>(null);
  if (!drawn) return <Nothing>No host was worked on: there is no progress to draw.</Nothing>;
  const { from, until, ended, working } = drawn;
  const most = Math.max(1, record.core.hosts);
  const x = (step: number) => BOX.left + (step / STEPS) * (WIDTH - BOX.left - BOX.right);
  const y = (n: number) => HEIGHT - BOX.bottom - (n / most) * (HEIGHT - BOX.top - BOX.bottom);
  const there = STACK.filter((outcome) => (ended.get(outcome)?.[STEPS] ?? 0) > 0);

  const base = new Float64Array(STEPS + 1);
  const areas = there.map((outcome) => {
    const counts = ended.get(outcome) as Float64Array;
    const lower = base.slice();
    for (let step = 0; step <= STEPS; step++) base[step]! += counts[step] as number;
    let path = `M${x(0)} ${y(base[0] as number).toFixed(1)}`;
    for (let step = 1; step <= STEPS; step++) path += `L${x(step).toFixed(1)} ${y(base[step] as number).toFixed(1)}`;
    for (let step = STEPS; step >= 0; step--) path += `L${x(step).toFixed(1)} ${y(lower[step] as number).toFixed(1)}`;
    return { outcome, path: `${path}Z` };
  });
  let inWork = "";
  for (let step = 0; step <= STEPS; step++) inWork += `${step === 0 ? "M" : "L"}${x(step).toFixed(1)} ${y(working[step] as number).toFixed(1)}`;

  const time = (step: number) => from + (step / STEPS) * (until - from);
  const reached = (share: number) => {
    for (let step = 0; step <= STEPS; step++) if ((base[step] as number) >= share * most) return hours(time(step));
    return null;
  };
  const told = [0.5, 0.9, 1].map((share) => [share, reached(share)] as const).filter(([, when]) => when !== null)
    .map(([share, when]) => `${share * 100} % by ${when}`).join(", ");
  const move = (event: PointerEvent) => {
    const box = svg.current?.getBoundingClientRect();
    if (!box) return;
    const step = Math.round((((event.clientX - box.left) / box.width) * WIDTH - BOX.left) / (WIDTH - BOX.left - BOX.right) * STEPS);
    setAt(step >= 0 && step <= STEPS ? step : null);
  };
  const byKey = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1, PageDown: 10, PageUp: -10 }[event.key];
    if (by !== undefined) setAt(Math.min(STEPS, Math.max(0, (at ?? (by > 0 ? -1 : STEPS)) + by)));
    else if (event.key === "Escape") setAt(null);
    else return;
    event.preventDefault();
  };
  return (
    <div class="chart" tabIndex={0} role="group" aria-label={`Progress. Hosts ended: ${told || "none yet"}. Left and right arrows read it off.`}
      onKeyDown={byKey} onBlur={() => setAt(null)}>
      <svg ref={svg} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" onPointerMove={move} onPointerLeave={() => setAt(null)}>
        {ticks(most, 4).map((n) => (
          <g key={n}><line class="grid" x1={BOX.left} x2={WIDTH - BOX.right} y1={y(n)} y2={y(n)} /><text class="tick" x={BOX.left - 6} y={y(n) + 3.5} text-anchor="end">{count(n)}</text></g>
        ))}
        {timeTicks(from, until, 7).map((when) => {
          const here = x(((when - from) / (until - from)) * STEPS);
          return <text key={when} class="tick" x={here} y={HEIGHT - 6} text-anchor="middle">{hours(when)}</text>;
        })}
        {areas.map(({ outcome, path }) => <path key={outcome} class={`area of-${outcome}`} d={path} />)}
        <path class="in-work" d={inWork} />
        {at !== null && <line class="cursor" x1={x(at)} x2={x(at)} y1={BOX.top} y2={HEIGHT - BOX.bottom} />}
      </svg>
      <div class="reading" aria-live="polite">
        {at === null
          ? <><span class="key line"><i />in work at once</span>{there.map((outcome) => <span key={outcome} class={`key of-${outcome}`}><i />{LOOKS[outcome].title}</span>)}</>
          : <><b>{hours(time(at), true)}</b><span>{count(base[at] as number)} ended ({percent(base[at] as number, most)})</span><span>{count(working[at] as number)} in work</span>
            {there.filter((outcome) => outcome !== "success" && (ended.get(outcome)?.[at] ?? 0) > 0).map((outcome) => <span key={outcome} class={`key of-${outcome}`}><i />{count(ended.get(outcome)?.[at] ?? 0)} {LOOKS[outcome].title.toLowerCase()}</span>)}</>}
      </div>
    </div>
  );
}

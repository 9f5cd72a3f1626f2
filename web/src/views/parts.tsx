// Small things that several views show.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Outcome, RunHead, Tally } from "../data/format";
import { LOOKS, OUTCOMES, isOutcome, sum } from "../outcomes";
import { count, line, percent } from "../text";
import { OutcomeSign } from "./signs";

const STATUS: { [status: number]: string } = { 200: "ok", 202: "running", 206: "partial", 500: "failed" };

export function StatusPill({ run }: { run: RunHead }) {
  return (
    <span class={`pill status-${STATUS[run.status] ?? "failed"}`}>
      {line(run.verdict)}<span class="code">{run.status}</span>
    </span>
  );
}

export function OutcomeBadge({ outcome }: { outcome: string }) {
  if (!isOutcome(outcome)) return <span class="badge">{line(outcome)}</span>;
  const look = LOOKS[outcome];
  return <span class={`badge of-${outcome}`} title={look.means}><OutcomeSign outcome={outcome} />{look.title}</span>;
}

/** Shares of a whole as one bar. What it shows is told in words to those who cannot see it. */
export function OutcomeBar({ tally, onPick, label }: { tally: Tally; onPick?: (outcome: Outcome) => void; label: string }) {
  const total = sum(tally);
  const there = OUTCOMES.filter((outcome) => (tally[outcome] ?? 0) > 0);
  const told = there.map((outcome) => `${count(tally[outcome] ?? 0)} ${LOOKS[outcome].title.toLowerCase()}`).join(", ");
  return (
    <div class="outcome-bar" role="img" aria-label={`${label}: ${told || "no hosts"}`}>
      {there.map((outcome) => {
        const here = tally[outcome] ?? 0;
        return (
          <span key={outcome} class={`part of-${outcome}`} style={{ flexGrow: here / total, flexShrink: 1, flexBasis: 0 }}
            title={`${LOOKS[outcome].title}: ${count(here)} (${percent(here, total)})`}
            onClick={onPick && (() => onPick(outcome))} />
        );
      })}
    </div>
  );
}

export function Panel({ title, note, children, wide, class: kind }: {
  title: string; note?: ComponentChildren; children: ComponentChildren; wide?: boolean; class?: string;
}) {
  const id = `panel-${title.toLowerCase().replace(/[^a-z]+/g, "-")}`;
  const section = useRef<HTMLElement>(null);
  const [scrolls, setScrolls] = useState(false);
  useEffect(() => {
    const element = section.current;
    if (!element) return;
    // What scrolls has to be reachable from the keyboard; what does not would only be in the way.
    const measured = new ResizeObserver(() => setScrolls(element.scrollWidth > element.clientWidth + 1));
    measured.observe(element);
    return () => measured.disconnect();
  }, []);
  return (
    <section ref={section} tabIndex={scrolls ? 0 : undefined} class={`panel${wide ? " wide" : ""}${kind ? ` ${kind}` : ""}`} aria-labelledby={id}>
      <header><h2 id={id}>{title}</h2>{note !== undefined && <span class="note">{note}</span>}</header>
      {children}
    </section>
  );
}

export function Nothing({ children }: { children: ComponentChildren }) {
  return <p class="nothing">{children}</p>;
}

/** A short name and what it stands for. */
export function Facts({ of }: { of: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {of.map(([label, value]) => <div key={label}><dt>{label}</dt><dd>{value}</dd></div>)}
    </dl>
  );
}

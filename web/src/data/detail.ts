// One host's details, unpacked for reading.

import type { DetailBlock } from "./format";

export interface Step {
  name: string;
  undo: boolean;
  attempt: number;
  start: number;
  end: number | null;
  outcome: string;
  code: string | null;
  message: string | null;
  handle: string | null;
}

export interface Detail {
  steps: Step[];
  checks: { phase: string; name: string; result: string; text: string | null }[];
  changes: { kind: string; weight: string; what: string; before: string | null; after: string | null }[];
  patches: { title: string; kb: string; classification: string; severity: string; state: string; installedAt: number | null; cves: string }[];
  patchesIncomplete: string | null;
  counts: { label: string; before: string | null; after: string | null }[];
  outputs: { taken: string; file: string }[];
}

/** Host `at` of a block; `from` is the run's start, which its times count from. */
export function unpacked(block: DetailBlock, at: number, from: number): Detail {
  const text = (index: number) => block.x[index] ?? "";
  const maybe = (index: number | null) => (index === null ? null : text(index));
  const host = block.hosts[at];
  if (!host) return { steps: [], checks: [], changes: [], patches: [], patchesIncomplete: null, counts: [], outputs: [] };
  return {
    steps: host.s.map(([name, undo, attempt, start, end, outcome, code, message, handle]) => ({
      name: text(name), undo: undo === 1, attempt, start: from + start, end: end === null ? null : from + end,
      outcome: text(outcome), code: maybe(code), message: maybe(message), handle: maybe(handle),
    })),
    checks: (host.k ?? []).map(([phase, name, result, said]) => ({ phase: text(phase), name: text(name), result: text(result), text: maybe(said) })),
    changes: (host.c ?? []).map(([kind, weight, what, before, after]) => ({ kind: text(kind), weight: text(weight), what: text(what), before: maybe(before), after: maybe(after) })),
    patches: (host.p ?? []).map(([title, kb, classification, severity, state, installedAt, cves]) => ({
      title: text(title), kb: text(kb), classification: text(classification), severity: text(severity), state: text(state), installedAt, cves: maybe(cves) ?? "",
    })),
    patchesIncomplete: maybe(host.pi ?? null),
    counts: (host.n ?? []).map(([label, before, after]) => ({ label: text(label), before: maybe(before), after: maybe(after) })),
    outputs: (host.o ?? []).map(([taken, file]) => ({ taken: text(taken), file: text(file) })),
  };
}


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
  said: { label: string; text: string }[];
  findings: { check: string; subject: string | null; severity: string; observed: string; limit: string; action: string }[];
  changes: { kind: string; weight: string; subject: string; before: string; after: string }[];
  patches: { title: string; kb: string; classification: string; severity: string; state: string; installedAt: number | null; cves: string }[];
  patchesIncomplete: string | null;
  counts: { label: string; before: string | null; after: string | null }[];
  outputs: { taken: string; file: string; key: string }[];
}

/** Host `at` of a block; `from` is the run's start, which its times count from. */
export function unpacked(block: DetailBlock, at: number, from: number): Detail {
  const text = (index: number) => block.x[index] ?? "";
  const maybe = (index: number | null) => (index === null ? null : text(index));
  const host = block.hosts[at];
  if (!host) return { steps: [], said: [], findings: [], changes: [], patches: [], patchesIncomplete: null, counts: [], outputs: [] };
  return {
    steps: host.s.map(([name, undo, attempt, start, end, outcome, code, message, handle]) => ({
      name: text(name), undo: undo === 1, attempt, start: from + start, end: end === null ? null : from + end,
      outcome: text(outcome), code: maybe(code), message: maybe(message), handle: maybe(handle),
    })),
    said: (host.f ?? []).map(([label, said]) => ({ label: text(label), text: text(said) })),
    findings: (host.k ?? []).map(([check, subject, severity, observed, limit, action]) => ({
      check: text(check), subject: maybe(subject), severity: text(severity), observed: text(observed), limit: text(limit), action: text(action),
    })),
    changes: (host.c ?? []).map(([kind, weight, subject, before, after]) => ({ kind: text(kind), weight: text(weight), subject: text(subject), before: text(before), after: text(after) })),
    patches: (host.p ?? []).map(([title, kb, classification, severity, state, installedAt, cves]) => ({
      title: text(title), kb: text(kb), classification: text(classification), severity: text(severity), state: text(state), installedAt, cves: maybe(cves) ?? "",
    })),
    patchesIncomplete: maybe(host.pi ?? null),
    counts: (host.n ?? []).map(([label, before, after]) => ({ label: text(label), before: maybe(before), after: maybe(after) })),
    outputs: (host.o ?? []).map(([taken, file]) => ({ taken: text(taken), file: text(file), key: `${text(taken)}/${text(host.od ?? -1)}/${text(file)}` })),
  };
}


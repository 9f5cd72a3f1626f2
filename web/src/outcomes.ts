// How a host can end, as people see it.

import type { Outcome, Tally } from "./data/format";

/** Best first, as reports list them. */
export const OUTCOMES: readonly Outcome[] = [
  "success", "partial", "skipped", "not_ready", "unreachable", "rolled_back", "failed", "stuck", "open",
];

/** Worst first: what a reader wants to see. */
export const WORST_FIRST: readonly Outcome[] = [
  "stuck", "failed", "unreachable", "not_ready", "rolled_back", "partial", "open", "skipped", "success",
];

export const LOOKS: Record<Outcome, { title: string; means: string }> = {
  success: { title: "Success", means: "Everything was done, and nothing is left to look at." },
  partial: { title: "Partial", means: "Worked on and in service; something is left to look at." },
  skipped: { title: "Skipped", means: "Left as it is." },
  not_ready: { title: "Not ready", means: "A check kept it from being patched." },
  unreachable: { title: "Unreachable", means: "Its agent does not answer." },
  rolled_back: { title: "Rolled back", means: "Put back to its image." },
  failed: { title: "Failed", means: "A step failed." },
  stuck: { title: "Stuck", means: "A person has to look." },
  open: { title: "Open", means: "The run has not ended for it." },
};

export const isOutcome = (text: string): text is Outcome => text in LOOKS;

/** Best first in the order of trouble: what sorts by outcome sorts by this. */
export const BY_TROUBLE: readonly Outcome[] = [...WORST_FIRST].reverse();

/** Those that a person should look at. */
export const TROUBLE: readonly Outcome[] = ["stuck", "failed", "unreachable", "not_ready", "rolled_back", "partial"];

export function sum(tally: Tally, of: readonly Outcome[] = OUTCOMES): number {
  return of.reduce((total, outcome) => total + (tally[outcome] ?? 0), 0);
}

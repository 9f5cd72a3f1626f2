// Signs beside words, drawn here: which signs a system's fonts have is anybody's guess.

import type { Outcome } from "../data/format";

const DRAWN = {
  check: <path d="m2.5 6.4 2.4 2.4 4.6-5.4" />,
  half: <><circle cx="6" cy="6" r="4" /><path d="M6 2a4 4 0 0 1 0 8Z" class="solid" /></>,
  dash: <path d="M2.8 6h6.4" />,
  diamond: <path d="m6 1.8 4.2 4.2L6 10.2 1.8 6Z" />,
  broken: <path d="M1.5 6h2.2l1-2.6M10.5 6H8.3l-1 2.6" />,
  back: <path d="M4.6 2.4 2.2 4.8l2.4 2.4M2.4 4.8h4.4a2.5 2.5 0 0 1 0 5H5" />,
  cross: <path d="m3 3 6 6M9 3 3 9" />,
  mark: <><path d="M6 2v4.6" /><circle cx="6" cy="9.4" r=".9" class="solid" /></>,
  dots: <><circle cx="2.4" cy="6" r=".9" class="solid" /><circle cx="6" cy="6" r=".9" class="solid" /><circle cx="9.6" cy="6" r=".9" class="solid" /></>,
  again: <path d="M9.6 6a3.6 3.6 0 1 1-1.2-2.7M9.7 1.6v2.2H7.5" />,
  triangle: <path d="M6 2.2 10.4 9.8H1.6Z" />,
  question: <><path d="M4.2 4.3a1.9 1.9 0 1 1 2.7 1.8c-.6.3-.9.6-.9 1.2" /><circle cx="6" cy="9.7" r=".8" class="solid" /></>,
  dot: <circle cx="6" cy="6" r="1.6" class="solid" />,
  sun: <><circle cx="6" cy="6" r="2.2" /><path d="M6 1v1M6 10v1M1 6h1M10 6h1M2.5 2.5l.7.7M8.8 8.8l.7.7M9.5 2.5l-.7.7M3.2 8.8l-.7.7" /></>,
  moon: <path d="M9.8 7.3A4.2 4.2 0 0 1 4.7 2.2 4.2 4.2 0 1 0 9.8 7.3Z" />,
};
export type SignName = keyof typeof DRAWN;

export function Sign({ name }: { name: SignName }) {
  return <svg class="sign" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">{DRAWN[name]}</svg>;
}

const OF_OUTCOME: { [outcome in Outcome]: SignName } = {
  success: "check", partial: "half", skipped: "dash", not_ready: "diamond", unreachable: "broken",
  rolled_back: "back", failed: "cross", stuck: "mark", open: "dots",
};
export function OutcomeSign({ outcome }: { outcome: Outcome }) {
  return <Sign name={OF_OUTCOME[outcome]} />;
}

const OF_RESULT: { [result: string]: SignName } = {
  succeeded: "check", passed: "check", pass: "check", ok: "check", failed: "cross", fail: "cross", block: "cross", blocks: "cross", worse: "cross",
  retried: "again", skipped: "dash", in_flight: "dots", warn: "triangle", warning: "triangle", unknown: "question", not_evaluated: "question",
};
/** Of a step, a check or a comparison. */
export function ResultSign({ result }: { result: string }) {
  return <Sign name={OF_RESULT[result] ?? "dot"} />;
}

// What the file carries: the packed record of one run. Written by crates/domain/report/src/html.
// Times are seconds since 1970 (UTC). Every text is untrusted.

export const FORMAT = "fleetwright.report-html/2";

export type Outcome =
  | "success" | "partial" | "skipped" | "not_ready" | "unreachable"
  | "rolled_back" | "failed" | "stuck" | "open";

export type Tally = Partial<Record<Outcome, number>>;

/** The part that is needed for the first picture: block `core`. */
export interface Core {
  format: string;
  run: RunHead;
  /** How many hosts the record has. */
  hosts: number;
  /** How many hosts each detail block has: host `h` is in block `detail-${floor(h / chunk)}`. */
  chunk: number;
  waves: Wave[];
  gates: Gate[];
  freezes: Freeze[];
  steps: StepFigures[];
  errors: Cause[];
  gaps: Gap[];
  left_out: LeftOut[];
  calls: Call[];
  cleanups: Cleanup[];
  trend: TrendPoint[];
  compliance: Compliance;
  /** Every column of the table of hosts, in the order of `instances.csv`. */
  columns: ColumnHead[];
  /** The data of the columns whose `block` is 0, by name. */
  data: Record<string, Packed>;
}

/** The rest of the columns, by name: block `rest`. */
export type Rest = Record<string, Packed>;

export interface RunHead {
  name: string;
  digest: string;
  fleetwright: string;
  started_at: number | null;
  ended_at: number | null;
  /** 200 complete, 206 partial, 202 not ended, 500 failed. */
  status: number;
  exit: number;
  /** One word or two: how it ended. */
  verdict: string;
  code: string | null;
  reason: string | null;
  next_step: string | null;
  /** Label and text, in order: who, why, parent, phases, policy, audit head … */
  facts: [string, string][];
}

export interface Wave {
  name: string;
  started_at: number | null;
  ended_at: number | null;
  hosts: number;
  outcomes: Tally;
  canary: boolean;
  /** Failures allowed in it; null stops never. */
  max_failures: number | null;
}

export interface Gate {
  stage: string;
  kind: "approval" | "checks";
  /** The wave it belongs to, where there is one: an approval stands before it, checks after it. */
  wave: string | null;
  reached_at: number | null;
  decided_at: number | null;
  state: "open" | "ahead" | "waiting" | "approved" | "rejected" | "expired" | "closed" | "passed" | "failed";
  /** The rule in words, e.g. `2 of operators, within 4 h`. */
  rule: string | null;
  decisions: { at: number | null; by: string | null; decision: string; comment: string | null; basis: string | null }[];
  checks: { name: string; place: string; result: string; text: string | null }[];
}

export interface Freeze { from: number; until: number | null; by: string; reason: string | null }

export interface StepFigures {
  name: string;
  hosts: number;
  failed: number;
  skipped: number;
  attempts: number;
  /** Seconds. */
  p50: number; p90: number; max: number; total: number;
}

export interface Cause {
  code: string; title: string;
  /** host, left_out or gap: what it concerns. */
  subject: string;
  class: string | null;
  /** Failed attempts, those included that were tried again. */
  attempts: number;
  /** Hosts that met it, and those of them it decided about. */
  hosts: number; decided: number;
  meaning: string; next_step: string;
  example: string | null;
}
export interface Gap { zone: string | null; region: string | null; subject: string; code: string; message: string }
export interface LeftOut { instance_id: string; name: string | null; zone: string; region: string; codes: string[]; detail: string | null }
export interface Call { action: string; sent: number; throttled: number }
export interface TrendPoint { run: string; at: number; hosts: number; succeeded: number; judged: number; compliant: number; patches_missing: number }
/** Compliance after patching: baselines with most open patches first. */
export interface Compliance {
  baselines: { name: string; hosts: number; judged: number; compliant: number; open: number }[];
  /** Patches that are missing or failed, and on how many hosts. */
  severities: { name: string; hosts: number; open: number }[];
}
export interface Cleanup { zone: string; region: string; outcome: string; text: string | null }

export type ColumnType =
  | "text" | "code" | "timestamp" | "integer" | "number" | "boolean" | "list" | "tags" | "seconds";

export interface ColumnHead {
  name: string;
  type: ColumnType;
  /** What it tells, for people. */
  doc: string;
  /** The phase it belongs to: inventory, outcome, backup, precheck, patch, reboot, verify, validate, rollback. */
  group: string;
  block: 0 | 1;
}

/** `null` is none; `"not_checked"` could not be read. A list is an array of texts. */
export type Cell = string | number | boolean | null | string[];

/** Either distinct values and an index per host, or, where no two hosts share one, a value per host. */
export type Packed = { d: Cell[]; i: number[] } | { v: Cell[] };

/** Texts of a detail block are told once; a number `t` is an index of `x`. */
export interface DetailBlock {
  x: string[];
  hosts: PackedHost[];
}

/** One host's details, as compact as JSON gets. Times are seconds since the run's start. */
export interface PackedHost {
  /** step, direction (0 do, 1 undo), attempt, start, end or null, outcome, code or null, message or null, handle or null */
  s: [number, 0 | 1, number, number, number | null, number, number | null, number | null, number | null][];
  /** what checks said as a whole: label, text */
  f?: [number, number][];
  /** findings of the precheck: check, subject or null, severity, observed, limit, action */
  k?: [number, number | null, number, number, number, number][];
  /** what differs from before: kind, weight, subject, before, after */
  c?: [number, number, number, number, number][];
  /** title, KB or package, classification, severity, state, installed at (seconds since 1970) or null, CVEs or null */
  p?: [number, number, number, number, number, number | null, number | null][];
  /** why there may be more patches than these */
  pi?: number;
  /** patches before and after: label, before or null, after or null */
  n?: [number, number | null, number | null][];
  /** files kept: when it was taken (pre, post), file */
  o?: [number, number][];
  /** the directory of these below pre or post */
  od?: number;
}

// Numbers, times and untrusted text as people read them.

let local = false;

/** Times are shown in UTC unless the reader asks for their own zone. */
export function useLocalTime(yes: boolean): void {
  local = yes;
}

export function zoneName(): string {
  return local ? Intl.DateTimeFormat().resolvedOptions().timeZone || "local" : "UTC";
}

function parts(at: number) {
  const date = new Date(at * 1000);
  return local
    ? { y: date.getFullYear(), mo: date.getMonth() + 1, d: date.getDate(), h: date.getHours(), mi: date.getMinutes(), s: date.getSeconds() }
    : { y: date.getUTCFullYear(), mo: date.getUTCMonth() + 1, d: date.getUTCDate(), h: date.getUTCHours(), mi: date.getUTCMinutes(), s: date.getUTCSeconds() };
}

const two = (n: number) => String(n).padStart(2, "0");

/** `2026-11-21 02:14:07` */
export function clock(at: number): string {
  const { y, mo, d, h, mi, s } = parts(at);
  return `${y}-${two(mo)}-${two(d)} ${two(h)}:${two(mi)}:${two(s)}`;
}

/** `02:14`, or `02:14:07` where seconds matter. */
export function hours(at: number, withSeconds = false): string {
  const { h, mi, s } = parts(at);
  return `${two(h)}:${two(mi)}${withSeconds ? `:${two(s)}` : ""}`;
}

/** `21 Nov` */
export function day(at: number): string {
  const { mo, d } = parts(at);
  return `${d} ${["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][mo - 1]}`;
}

/** `2 h 5 min`, `3 min 20 s`, `45 s` */
export function seconds(length: number): string {
  const whole = Math.max(0, Math.round(length));
  if (whole < 60) return `${length < 10 && length % 1 !== 0 ? Math.max(0, length).toFixed(1) : whole} s`;
  const [d, h, m, s] = [Math.floor(whole / 86400), Math.floor((whole % 86400) / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  if (d > 0) return h > 0 ? `${d} d ${h} h` : `${d} d`;
  if (h > 0) return m > 0 ? `${h} h ${m} min` : `${h} h`;
  return s > 0 && m < 10 ? `${m} min ${s} s` : `${m} min`;
}

/** `12,345` */
export function count(n: number): string {
  const [whole, fraction] = String(n).split(".");
  const grouped = (whole ?? "").replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return fraction ? `${grouped}.${fraction}` : grouped;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** `99.2 %`; never rounded up to a whole that is not there. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return "–";
  const share = (part / whole) * 100;
  if (part !== whole && share > 99.9) return "99.9 %";
  if (part !== 0 && share < 0.1) return "0.1 %";
  return `${share >= 99.95 || share === 0 ? share.toFixed(0) : share.toFixed(1)} %`;
}

// Control characters and the marks that turn the direction of writing could hide what a name really is.
const HARMFUL = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Untrusted text for one line. */
export function line(text: string): string {
  return text.replace(HARMFUL, "\ufffd");
}

/** Untrusted text of several lines: line breaks and tabs stay. */
export function block(text: string): string {
  return text.replace(/\r\n/g, "\n").replace(HARMFUL, (c) => (c === "\n" || c === "\t" ? c : "\ufffd"));
}

/** `rolled_back` → `rolled back`, `stop-again` → `stop again` */
export function words(name: string): string {
  return name.replace(/[_-]/g, " ");
}

/** Even steps in time for an axis: seconds between ticks, for about `wanted` of them. */
export function timeTicks(from: number, until: number, wanted: number): number[] {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];
  const span = Math.max(1, until - from);
  const step = steps.find((step) => span / step <= wanted) ?? Math.ceil(span / wanted / 604800) * 604800;
  const shift = local ? new Date(from * 1000).getTimezoneOffset() * 60 : 0;
  const first = Math.ceil((from - shift) / step) * step + shift;
  const ticks: number[] = [];
  for (let at = first; at <= until; at += step) ticks.push(at);
  return ticks;
}

/** Round numbers from 0 for an axis. */
export function ticks(most: number, wanted: number): number[] {
  if (most <= 0) return [0];
  const raw = most / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = Math.max(1, [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw) ?? 10 * power);
  const out: number[] = [];
  for (let n = 0; n <= most; n += step) out.push(n);
  return out;
}

/** `timeline` → `Timeline` */
export function titleOfTab(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

// The frame: who and what this is, where one can go, and how it looks.

import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import type { Record } from "./record";
import { HOME, type Route, TABS, type Tab, format, parse } from "./route";
import { count, line, useLocalTime, words, zoneName } from "./text";
import { Overview } from "./views/overview";
import { Hosts } from "./views/hosts";
import { Waves } from "./views/waves";
import { Causes } from "./views/causes";
import { RecordPage } from "./views/record_page";
import { Drawer } from "./views/drawer";
import { Printed } from "./views/printed";
import { StatusPill } from "./views/parts";
import { Sign } from "./views/signs";
import type { Query } from "./data/query";

export interface Going {
  to: (change: Partial<Route>) => void;
  /** The hosts that have this value, in the table. */
  hostsWith: (column: string, ...values: string[]) => void;
  open: (host: string | null) => void;
}

const THEMES = ["system", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];

/** A file opened from a mail may have no storage; then nothing is remembered. */
function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Not remembered, then.
  }
}

export function App({ record }: { record: Record }) {
  const [route, setRoute] = useState<Route>(() => parse(location.hash));
  const [theme, setTheme] = useState<Theme>(() => THEMES.find((name) => name === remembered("fleetwright.theme")) ?? "system");
  const [localTime, setLocalTime] = useState(false);
  const [printing, setPrinting] = useState(false);
  useLocalTime(localTime);

  useEffect(() => {
    const moved = () => setRoute(parse(location.hash));
    const before = () => setPrinting(true);
    const after = () => setPrinting(false);
    addEventListener("hashchange", moved);
    addEventListener("beforeprint", before);
    addEventListener("afterprint", after);
    return () => {
      removeEventListener("hashchange", moved);
      removeEventListener("beforeprint", before);
      removeEventListener("afterprint", after);
    };
  }, []);

  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    remember("fleetwright.theme", theme);
  }, [theme]);

  const to = useCallback((change: Partial<Route>) => {
    setRoute((route) => {
      const next = { ...route, ...change };
      const hash = format(next);
      // A new view is a step one can go back from; a changed filter is not.
      if (hash !== location.hash) history[next.tab === route.tab ? "replaceState" : "pushState"](null, "", hash);
      return next;
    });
  }, []);
  const going: Going = useMemo(() => ({
    to,
    open: (host) => to({ host }),
    hostsWith: (column, ...values) => {
      const query: Query = { ...HOME.query, facets: new Map([[column, new Set(values)]]) };
      to({ tab: "hosts", query, host: null });
      scrollTo(0, 0);
    },
  }), [to]);

  if (printing) return <Printed record={record} />;

  const { run, hosts } = record.core;
  const title: { [tab in Tab]: string } = { overview: "Overview", hosts: "Hosts", waves: "Waves and approvals", causes: "Causes", record: "Record" };
  const number: { [tab in Tab]?: number } = { hosts, causes: record.core.errors.length };
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>Skip to the report</a>
      <header class="top">
        <div class="identity">
          <Mark />
          <div class="names">
            <h1>{line(run.name)}</h1>
            <span class="by">fleetwright {line(run.fleetwright)}</span>
          </div>
          <StatusPill run={run} />
        </div>
        <nav aria-label="Parts of the report">
          {TABS.map((tab) => (
            <a key={tab} href={format({ ...HOME, tab })} aria-current={route.tab === tab ? "page" : undefined}
              onClick={(event) => { if (!event.metaKey && !event.ctrlKey) { event.preventDefault(); to({ tab, host: null }); scrollTo(0, 0); } }}>
              {title[tab]}{number[tab] !== undefined && <span class="number">{count(number[tab])}</span>}
            </a>
          ))}
        </nav>
        <div class="tools">
          <button type="button" class="quiet" aria-pressed={localTime} title="Show times in UTC or in your own time zone" onClick={() => setLocalTime(!localTime)}>{zoneName()}</button>
          <button type="button" class="quiet" title="Colours: as the system, light, or dark" onClick={() => setTheme(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] as Theme)}>
            <Sign name={({ system: "half", light: "sun", dark: "moon" } as const)[theme]} /><span class="label"> {words(theme)}</span>
          </button>
          <button type="button" class="quiet print-button" onClick={() => print()}>Print</button>
        </div>
      </header>
      <main id="main" tabIndex={-1} data-tab={route.tab}>
        {route.tab === "overview" && <Overview record={record} going={going} />}
        {route.tab === "hosts" && <Hosts record={record} going={going} route={route} />}
        {route.tab === "waves" && <Waves record={record} going={going} />}
        {route.tab === "causes" && <Causes record={record} going={going} />}
        {route.tab === "record" && <RecordPage record={record} />}
      </main>
      {route.host !== null && <Drawer record={record} going={going} host={route.host} />}
    </>
  );
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
      <rect x="1" y="1" width="22" height="22" rx="6" class="mark-back" />
      <path d="M6.5 8h11M6.5 12h8M6.5 16h5" class="mark-lines" />
      <circle cx="16.8" cy="15.8" r="2.2" class="mark-dot" />
    </svg>
  );
}

// One host, closely: how it ended and what to do, what was done to it and when, what was found before and after.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Going } from "../app";
import { type Detail, unpacked } from "../data/detail";
import { detail } from "../data/unpack";
import type { Record } from "../record";
import { clock, line, seconds, titleOfTab } from "../text";
import { Facts, OutcomeBadge } from "./parts";
import { Steps, Checks, Changes, Patches, Outputs, Inventory, Decisions } from "./drawer_parts";

const PARTS = ["timeline", "checks", "patches", "outputs", "approvals", "inventory"] as const;
type Part = (typeof PARTS)[number];

export function Drawer({ record, going, host }: { record: Record; going: Going; host: string }) {
  const { table, core } = record;
  const panel = useRef<HTMLDivElement>(null);
  const [part, setPart] = useState<Part>("timeline");
  const [read, setRead] = useState<{ host: string; detail: Detail } | { failed: string } | null>(null);
  const [, setWhole] = useState(false);
  const row = useMemo(() => {
    const ids = table.find("instance_id");
    for (let row = 0; ids && row < table.hosts; row++) if (ids.cell(row) === host) return row;
    return -1;
  }, [table, host]);

  useEffect(() => {
    if (row < 0) return;
    let wanted = true;
    detail(Math.floor(row / core.chunk)).then(
      (block) => { if (wanted) setRead({ host, detail: unpacked(block, row % core.chunk, core.run.started_at ?? 0) }); },
      (cause) => { if (wanted) setRead({ failed: cause instanceof Error ? cause.message : String(cause) }); },
    );
    void record.whole().then(() => { if (wanted) setWhole(true); });
    return () => { wanted = false; };
  }, [row, host, core, record]);

  const before = useRef<Element | null>(null);
  useEffect(() => {
    before.current = document.activeElement;
    // From the keyboard one goes on in the table; the drawer follows.
    if (!(before.current instanceof HTMLElement && before.current.classList.contains("grid"))) panel.current?.focus();
    const escape = (event: KeyboardEvent) => { if (event.key === "Escape" && !event.defaultPrevented) going.open(null); };
    addEventListener("keydown", escape);
    return () => {
      removeEventListener("keydown", escape);
      if (before.current instanceof HTMLElement && before.current.isConnected) before.current.focus({ preventScroll: true });
    };
  }, []);

  const text = (name: string) => { const column = table.find(name); return column && row >= 0 ? column.text(row) : ""; };
  const cell = (name: string) => (row >= 0 ? table.find(name)?.cell(row) ?? null : null);
  const shown = read && "detail" in read && read.host === host ? read.detail : null;
  const wave = text("wave");
  return (
    <div class="drawer" ref={panel} tabIndex={-1} role="dialog" aria-labelledby="drawer-name">
      <div class="drawer-head">
        <div class="title">
          <h2 id="drawer-name">{line(text("name")) || line(host)}</h2>
          <code>{line(host)}</code>
        </div>
        <button type="button" class="quiet close" aria-label="Close" title="Close (Esc)" onClick={() => going.open(null)}>×</button>
      </div>
      {row < 0 ? <p class="nothing">This record has no host of that name.</p> : (
        <>
          <div class="summary">
            <OutcomeBadge outcome={String(cell("outcome") ?? "open")} />
            <Facts of={[
              ["Where", line([text("landing_zone"), text("account_id"), text("region")].filter(Boolean).join(" · "))],
              ...(wave ? [["Wave", line(wave)] as [string, string]] : []),
              ["Began", typeof cell("started_at") === "number" ? clock(cell("started_at") as number) : "not begun"],
              ["Took", typeof cell("seconds") === "number" ? seconds(cell("seconds") as number) : "–"],
            ]} />
            {text("code") && (
              <div class="reason">
                <p><code>{line(text("code"))}</code>{text("step") && <span class="dim"> at {line(text("step"))}</span>}</p>
                {text("reason") && <p>{line(text("reason"))}</p>}
                {text("message") && <p class="said">{line(text("message"))}</p>}
                {text("next_step") && <p class="next"><span>Next</span>{line(text("next_step"))}</p>}
              </div>
            )}
          </div>
          <div class="tabs" role="tablist" aria-label="Details" onKeyDown={(event) => {
            const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
            if (by === undefined) return;
            event.preventDefault();
            const next = PARTS[(PARTS.indexOf(part) + by + PARTS.length) % PARTS.length] as Part;
            setPart(next);
            panel.current?.querySelector<HTMLElement>(`#tab-${next}`)?.focus();
          }}>
            {PARTS.map((name) => (
              <button type="button" key={name} id={`tab-${name}`} role="tab" aria-selected={part === name} aria-controls="part" tabIndex={part === name ? 0 : -1} onClick={() => setPart(name)}>
                {titleOfTab(name)}{shown && <Number part={name} detail={shown} />}
              </button>
            ))}
          </div>
          <div class="part" id="part" role="tabpanel" aria-labelledby={`tab-${part}`} tabIndex={0}>
            {read && "failed" in read ? <p class="nothing" role="alert">{read.failed}</p>
              : part === "inventory" ? <Inventory record={record} row={row} />
              : part === "approvals" ? <Decisions record={record} wave={wave} />
              : !shown ? <p class="nothing">Unpacking…</p>
              : part === "timeline" ? <Steps detail={shown} />
              : part === "checks" ? <><Checks detail={shown} /><Changes detail={shown} /></>
              : part === "patches" ? <Patches detail={shown} />
              : <Outputs detail={shown} run={core.run.name} />}
          </div>
        </>
      )}
    </div>
  );
}

function Number({ part, detail }: { part: Part; detail: Detail }) {
  const n = { timeline: detail.steps.length, checks: detail.findings.length + detail.changes.length, patches: detail.patches.length, outputs: detail.outputs.length, approvals: 0, inventory: 0 }[part];
  return n > 0 ? <span class="number">{n}</span> : null;
}

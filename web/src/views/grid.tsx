// A table that draws only the rows in sight: fifty thousand hosts scroll like fifty.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Group, Query } from "../data/query";
import type { Column } from "../data/table";
import { NOT_CHECKED } from "../data/table";
import { TROUBLE, sum } from "../outcomes";
import { count, line, percent, seconds } from "../text";
import { OutcomeBadge, OutcomeBar } from "./parts";

const ROW = 34;
/** Rows drawn beyond the edges, so that a quick scroll does not show a gap. */
const BEYOND = 10;
/** Browsers cannot make an element taller than this; longer tables are scrolled in proportion. */
const TALLEST = 8_000_000;

const WIDTHS: { [name: string]: number } = {
  instance_id: 184, name: 190, outcome: 140, code: 138, landing_zone: 150, region: 120, application: 130, wave: 100,
  seconds: 104, message: 340, next_step: 340, tags: 340,
};
const BY_TYPE: { [type: string]: number } = { timestamp: 164, integer: 90, number: 90, boolean: 90, seconds: 104, list: 200, tags: 320, code: 140, text: 160 };
/** Wide enough for what it holds, and for its own title. */
const width = (column: Column) => Math.max(WIDTHS[column.name] ?? BY_TYPE[column.type] ?? 150, column.title.length * 7 + 42);
const numeric = (column: Column) => ["integer", "number", "seconds"].includes(column.type);

type Item = { row: number } | { group: Group };

export function Grid({ columns, found, groups, opened, setOpened, sort, onSort, selected, onOpen, idColumn }: {
  columns: Column[];
  found: Uint32Array;
  groups: Group[] | null;
  opened: ReadonlySet<string>;
  setOpened: (keys: ReadonlySet<string>) => void;
  sort: Query["sort"];
  onSort: (sort: Query["sort"]) => void;
  selected: string | null;
  onOpen: (host: string | null) => void;
  idColumn: Column | undefined;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const [active, setActive] = useState(-1);

  const layout = useMemo(() => lay(found, groups, opened), [found, groups, opened]);
  const total = layout.length;
  const full = total * ROW;
  const tall = Math.min(full, TALLEST);
  const view = Math.max(ROW, height - ROW);
  const scale = tall > view && full > tall ? (full - view) / (tall - view) : 1;
  const offset = top * scale;
  const first = Math.max(0, Math.floor(offset / ROW) - BEYOND);
  const last = Math.min(total, Math.ceil((offset + view) / ROW) + BEYOND);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const measured = new ResizeObserver(() => setHeight(element.clientHeight));
    measured.observe(element);
    return () => measured.disconnect();
  }, []);
  useLayoutEffect(() => {
    // Another question has another answer: begin at its top.
    if (box.current) box.current.scrollTop = 0;
    setTop(0);
    setActive(-1);
  }, [found, groups]);

  const id = (row: number) => String(idColumn?.cell(row) ?? row);
  const reveal = (at: number) => {
    const element = box.current;
    if (!element) return;
    const above = at * ROW;
    const shown = element.scrollTop * scale;
    if (above < shown) element.scrollTop = above / scale;
    else if (above + ROW > shown + view) element.scrollTop = (above + ROW - view) / scale;
  };
  const go = (at: number) => {
    const to = Math.min(total - 1, Math.max(0, at));
    setActive(to);
    reveal(to);
    // While a host is looked at, moving in the table moves through the hosts.
    const item = layout.at(to);
    if (selected !== null && item && "row" in item) onOpen(id(item.row));
  };
  const toggle = (key: string, open: boolean) => {
    const next = new Set(opened);
    if (open) next.add(key);
    else next.delete(key);
    setOpened(next);
  };
  const activate = (at: number) => {
    const item = layout.at(at);
    if (!item) return;
    if ("row" in item) onOpen(id(item.row));
    else toggle(item.group.key, !opened.has(item.group.key));
  };
  const byKey = (event: KeyboardEvent) => {
    if (event.target !== box.current) return;
    const page = Math.max(1, Math.floor(view / ROW) - 1);
    const item = active >= 0 ? layout.at(active) : undefined;
    switch (event.key) {
      case "ArrowDown": go(active + 1); break;
      case "ArrowUp": go(active - 1); break;
      case "PageDown": go(active + page); break;
      case "PageUp": go(active - page); break;
      case "Home": go(0); break;
      case "End": go(total - 1); break;
      case "ArrowRight": if (item && "group" in item) toggle(item.group.key, true); else return; break;
      case "ArrowLeft": if (item && "group" in item) toggle(item.group.key, false); else return; break;
      case "Enter": case " ": if (active >= 0) activate(active); break;
      case "Escape": if (selected !== null) onOpen(null); else return; break;
      default: return;
    }
    event.preventDefault();
  };
  const template = columns.map((column, at) => (at === columns.length - 1 ? `minmax(${width(column)}px, 1fr)` : `${width(column)}px`)).join(" ");
  const wide = columns.reduce((total, column) => total + width(column), 0);
  const turned = (column: Column) => {
    if (sort?.column !== column.name) return onSort({ column: column.name, down: numeric(column) });
    if (sort.down === numeric(column)) return onSort({ column: column.name, down: !sort.down });
    onSort(null);
  };

  const drawn = [];
  for (let at = first; at < last; at++) {
    const item = layout.at(at);
    if (!item) continue;
    const place = { transform: `translateY(${at * ROW - (offset - top)}px)`, gridTemplateColumns: template };
    if ("group" in item) {
      const { group } = item;
      const trouble = sum(group.outcomes, TROUBLE);
      drawn.push(
        <div key={`g${group.key}`} id={`row-${at}`} role="row" aria-rowindex={at + 2} aria-level={1} aria-expanded={opened.has(group.key)}
          class={`line group${at === active ? " active" : ""}`} style={{ transform: place.transform }}
          onClick={() => { setActive(at); toggle(group.key, !opened.has(group.key)); }}>
          <div role="gridcell" aria-colspan={columns.length} class="group-cell">
            <span class={`twist${opened.has(group.key) ? " open" : ""}`} aria-hidden="true" />
            <b>{line(group.key)}</b>
            <span class="n">{count(group.rows.length)}</span>
            <span class="bar-box"><OutcomeBar tally={group.outcomes} label={line(group.key)} /></span>
            <span class={trouble > 0 ? "attention" : "dim"}>{trouble > 0 ? `${count(trouble)} to look at` : `${percent(group.outcomes.success ?? 0, group.rows.length)} success`}</span>
          </div>
        </div>,
      );
    } else {
      const { row } = item;
      const name = id(row);
      drawn.push(
        <div key={row} id={`row-${at}`} role="row" aria-rowindex={at + 2} aria-selected={name === selected} {...(groups ? { "aria-level": 2 } : {})}
          class={`line${at % 2 ? " odd" : ""}${at === active ? " active" : ""}${name === selected ? " selected" : ""}`} style={place}
          onClick={() => { setActive(at); onOpen(name); }}>
          {columns.map((column) => <Cell key={column.name} column={column} row={row} />)}
        </div>,
      );
    }
  }

  return (
    <div class="grid" ref={box} role={groups ? "treegrid" : "grid"} aria-label="Hosts" aria-rowcount={total + 1} aria-colcount={columns.length} tabIndex={0}
      aria-activedescendant={active >= first && active < last ? `row-${active}` : undefined}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)} onKeyDown={byKey}>
      <div class="sheet" role="presentation" style={{ minWidth: `${wide}px`, height: `${tall + ROW}px` }}>
        <div class="head" role="rowgroup"><div class="line" role="row" aria-rowindex={1} style={{ gridTemplateColumns: template }}>
          {columns.map((column) => {
            const turn = sort?.column === column.name ? (sort.down ? "descending" : "ascending") : "none";
            return (
              <div role="columnheader" aria-sort={turn} key={column.name} class={`cell${numeric(column) ? " n" : ""}`} title={column.doc}>
                <button type="button" tabIndex={0} onClick={() => turned(column)}>{column.title}<span class={`turn ${turn}`} aria-hidden="true" /></button>
              </div>
            );
          })}
        </div></div>
        <div class="body" role="rowgroup">
          {total === 0 ? <div role="row" class="line empty"><div role="gridcell" aria-colspan={columns.length}>No host matches.</div></div> : drawn}
        </div>
      </div>
    </div>
  );
}

function Cell({ column, row }: { column: Column; row: number }) {
  const cell = column.cell(row);
  const text = column.name === "seconds" && typeof cell === "number" ? seconds(cell) : column.text(row);
  const kind = cell === NOT_CHECKED ? " dim" : column.type === "code" || column.name === "instance_id" ? " mono" : "";
  return (
    <div role="gridcell" class={`cell${numeric(column) ? " n" : ""}${kind}`} title={text.length > 18 ? line(text) : undefined}>
      {column.name === "outcome" && typeof cell === "string" ? <OutcomeBadge outcome={cell} /> : line(text) || <span class="dim">–</span>}
    </div>
  );
}

interface Layout { length: number; at: (place: number) => Item | undefined }

/** What stands at each place: a group's head, or a host. */
function lay(found: Uint32Array, groups: Group[] | null, opened: ReadonlySet<string>): Layout {
  if (!groups) return { length: found.length, at: (place) => (place < found.length && place >= 0 ? { row: found[place] as number } : undefined) };
  const starts: number[] = [];
  let length = 0;
  for (const group of groups) {
    starts.push(length);
    length += 1 + (opened.has(group.key) ? group.rows.length : 0);
  }
  return {
    length,
    at: (place) => {
      if (place < 0 || place >= length) return undefined;
      let [low, high] = [0, starts.length - 1];
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((starts[middle] as number) <= place) low = middle;
        else high = middle - 1;
      }
      const group = groups[low] as Group;
      const within = place - (starts[low] as number);
      return within === 0 ? { group } : { row: group.rows[within - 1] as number };
    },
  };
}

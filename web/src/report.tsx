// The report's entry: reads the record out of the page and shows it.

import { render } from "preact";
import { App } from "./app";
import { type Column, Table } from "./data/table";
import { Haystack } from "./data/query";
import * as unpack from "./data/unpack";
import type { Record } from "./record";

async function begin(): Promise<void> {
  const root = document.getElementById("app") as HTMLElement;
  try {
    const core = await unpack.core();
    const table = new Table(core.columns, core.hosts);
    table.fill(core.data);
    // The core's columns are in the table now; holding them twice helps nobody.
    core.data = {};
    const haystack = new Haystack(table);
    const record: Record = { core, table, haystack, whole: () => whole(table, haystack) };
    document.title = `${core.run.name} · fleetwright`;
    root.replaceChildren();
    render(<App record={record} />, root);
    root.dataset.ready = String(Math.round(performance.now()));
    gather(haystack);
  } catch (cause) {
    const message = document.createElement("p");
    message.className = "unreadable";
    message.setAttribute("role", "alert");
    message.textContent = cause instanceof unpack.Unreadable ? cause.message : `This report cannot be shown: ${String(cause)}`;
    root.replaceChildren(message);
  }
}

let filled: Promise<Column[]> | undefined;

/** Every column, those included that were not needed at first. */
function whole(table: Table, haystack: Haystack): Promise<Column[]> {
  filled ??= unpack.rest().then((rest) => {
    table.fill(rest);
    gather(haystack);
    return table.columns;
  });
  return filled;
}

/** Readies the search before somebody searches: a column at a time, so that whatever else is asked comes between. */
function gather(haystack: Haystack): void {
  setTimeout(() => { if (haystack.gather()) gather(haystack); }, 5);
}

void begin();

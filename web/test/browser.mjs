// A browser for the tests: one Chromium, pages that note everything they should not do.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const wanted = (name, what) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: ${what}. \`cargo xtask test --only web\` sets it.`);
  return resolve(value);
};

/** The reports that `made_up_runs` wrote. */
export const REPORTS = wanted("FLEETWRIGHT_REPORTS", "the directory of the reports to test");
/** Where screenshots and figures are kept. */
export const KEPT = process.env.FLEETWRIGHT_SHOTS ? resolve(process.env.FLEETWRIGHT_SHOTS) : join(REPORTS, "kept");
mkdirSync(KEPT, { recursive: true });

const CANDIDATES = [process.env.FLEETWRIGHT_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export async function launch() {
  const executablePath = CANDIDATES.find((path) => path && existsSync(path));
  assert(executablePath, "no Chromium: install the package chromium, or name one in FLEETWRIGHT_CHROMIUM");
  return chromium.launch({
    executablePath,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"],
  });
}

export const path = (name) => join(REPORTS, `${name}.html`);

/** A time no healthy machine needs; what is really needed is measured, not tested. */
const PATIENCE = 120_000;

/**
 * Opens a report. `page.faults()` is everything it should not have done: console messages, errors, requests, dialogs.
 */
export async function open(browser, name, { hash = "", file = path(name), url = pathToFileURL(file).href, width = 1440, height = 900, colours = "light", ready = true } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: colours, acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const faults = [];
  page.on("console", (message) => faults.push(`console ${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => { faults.push(`dialog: ${dialog.message()}`); void dialog.dismiss(); });
  page.on("popup", () => faults.push("a window opened"));
  page.on("request", (request) => { if (!/^(data|blob):/.test(request.url()) && request.url() !== url) faults.push(`request: ${request.url()}`); });
  page.faults = () => faults;
  await page.goto(url + hash, { timeout: PATIENCE });
  if (ready) await page.waitForSelector("#app[data-ready]", { timeout: PATIENCE });
  return page;
}

export const readyMs = async (page) => Number(await page.getAttribute("#app", "data-ready"));

/** Serves one file and notes everything that is asked for. */
export async function serve(file) {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(readFileSync(file));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${server.address().port}/`, asked, close: () => server.close() };
}

const AXE = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** What the accessibility check finds, in a line each. */
export async function accessibility(page) {
  await page.evaluate(`${AXE};0`);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, {
    runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] },
  }));
  return violations.map((it) => `${it.id}: ${it.help} (${it.nodes.length}×, e.g. ${it.nodes[0].html.slice(0, 160)})`);
}

/** The text of the status line: how many hosts are shown. */
export const shown = async (page) => Number((await page.textContent(".state [role=status] b")).replaceAll(",", ""));

/** Waits until so many hosts are shown. */
export const showing = (page, hosts) => page.waitForFunction(
  (hosts) => Number(document.querySelector(".state [role=status] b")?.textContent.replaceAll(",", "")) === hosts, hosts);

/** A CSV as RFC 4180 has it. */
export function parsed(csv) {
  const rows = [[]];
  let cell = "", quoted = false;
  for (let at = 0; at < csv.length; at++) {
    const c = csv[at];
    if (quoted) {
      if (c !== '"') cell += c;
      else if (csv[at + 1] === '"') { cell += '"'; at++; }
      else quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === ",") { rows.at(-1).push(cell); cell = ""; }
    else if (c === "\n") { rows.at(-1).push(cell); cell = ""; rows.push([]); }
    else cell += c;
  }
  assert(!quoted && cell === "", "the CSV ends within a row");
  rows.pop();
  return rows;
}

/** Presses the button and reads what is downloaded. */
export async function downloaded(page) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("text=Download CSV")]);
  const [head, ...rows] = parsed(readFileSync(await download.path(), "utf8"));
  return { name: download.suggestedFilename(), head, rows, records: rows.map((row) => Object.fromEntries(head.map((name, at) => [name, row[at]]))) };
}

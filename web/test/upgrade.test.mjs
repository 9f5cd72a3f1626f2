// The page of a run of upgrades: it opens without a word, is read on any window and in both colours, and says in words
// how every step stands.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { KEPT, accessibility, launch, open, path, serve } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

const WORDS = ["waits", "under way", "done", "so already", "failed", "left"];
const opened = (name, options = {}) => open(browser, name, { ...options, ready: false });

for (const [name, verdict, clusters] of [
  ["upgrade-done", /^done$/, 1],
  ["upgrade-failed", /^FW-[A-Z]\d+ /, 3],
  ["upgrade-waiting", /^FW-[A-Z]\d+ /, 1],
  ["upgrade-hostile", /^FW-[A-Z]\d+ /, 2],
]) {
  test(`${name}: opens without a word on the console or a request, and is accessible in both colours on every window`, async () => {
    for (const [window, width] of [["wide", 1440], ["half", 980], ["narrow", 390], ["narrowest", 320]]) {
      const page = await opened(name, { width });
      assert.match(await page.textContent(".verdict"), verdict);
      assert.equal((await page.$$("section:has(h2[id^=cluster-])")).length, clusters);
      for (const colours of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme: colours });
        assert.deepEqual(await accessibility(page), [], `${window}, ${colours}`);
        const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert(wider <= 0, `${window}: ${wider} px too wide`);
        await page.screenshot({ path: join(KEPT, `${name}-${window}-${colours}.png`), fullPage: true });
      }
      assert.deepEqual(page.faults(), []);
      await page.context().close();
    }
  });
}

test("headings lead from the run to its clusters, and every table is named by one", async () => {
  const page = await opened("upgrade-failed");
  const levels = await page.$$eval("h1, h2, h3", (heads) => heads.map((head) => Number(head.tagName[1])));
  assert.deepEqual(levels, [1, 2, 2, 2, 2]);
  for (const table of await page.$$("table")) {
    const named = await table.evaluate((it) => document.getElementById(it.getAttribute("aria-labelledby"))?.tagName);
    assert.equal(named, "H2");
  }
  await page.click("a[href='#cluster-1']");
  assert.match(await page.textContent("h2:target"), /^shop-production-eu-central-1-1 /);
  await page.context().close();
});

test("a table keeps its rows, headers and cells for screen readers also where a narrow window shows them as a list", async () => {
  for (const width of [1440, 390]) {
    const page = await opened("upgrade-failed", { width });
    const table = page.getByRole("table").nth(1);
    assert.equal(await table.getByRole("columnheader").count(), 9, `${width}`);
    const rows = await table.getByRole("row").count();
    assert.equal(await table.getByRole("rowheader").count(), rows - 1, `${width}: a header for each step`);
    assert(rows > 5);
    await page.context().close();
  }
});

test("how a step stands is a word, and a failed one says why", async () => {
  const page = await opened("upgrade-failed");
  const standings = await page.$$eval("td[data-column=Standing]", (cells) => cells.map((cell) => cell.textContent));
  assert(standings.length > 15);
  const clusters = ["failed", "not begun"];
  assert.deepEqual(standings.filter((word) => !WORDS.includes(word) && !clusters.includes(word)), []);
  const failed = page.getByRole("row").filter({ has: page.locator("span.failed") }).filter({ hasText: "FW-X0012" });
  assert.match(await failed.textContent(), /PodDisruptionBudget shop\/web allows no eviction \(3 healthy, 3 wanted\)/);
  await page.context().close();
});

test("on a wide window no word of a standing or a column is broken", async () => {
  const page = await opened("upgrade-failed", { width: 1280 });
  const broken = await page.$$eval("th[scope=col], td[data-column=Standing] span", (cells) => cells.filter((cell) => {
    const words = cell.textContent.trim().split(" ").length;
    const range = document.createRange();
    range.selectNodeContents(cell);
    return new Set([...range.getClientRects()].map((line) => Math.round(line.top))).size > words;
  }).map((cell) => cell.textContent));
  assert.deepEqual(broken, []);
  await page.context().close();
});

test("in a narrow window every cell says which column it is of, and empty ones are gone", async () => {
  const page = await opened("upgrade-failed", { width: 390 });
  const label = await page.$eval("td[data-column=Began]:not(:empty)", (cell) => getComputedStyle(cell, "::before").content);
  assert.match(label, /Began/);
  const shown = await page.$$eval("td:empty", (cells) => cells.filter((cell) => cell.offsetParent !== null).length);
  assert.equal(shown, 0);
  await page.context().close();
});

test("names and messages of others stay text, and nobody is asked for anything", async () => {
  const server = await serve(path("upgrade-hostile"));
  const page = await opened("upgrade-hostile", { url: server.url });
  assert.equal(await page.$("script, img, iframe, object, form, [onerror]"), null);
  assert.match(await page.textContent("h2#cluster-0"), /<script>alert\(1\)<\/script>/);
  assert.deepEqual(server.asked, ["/"]);
  assert.deepEqual(page.faults(), []);
  await page.context().close();
  server.close();
});

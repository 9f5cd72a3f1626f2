// What people do with a report: find, narrow, group, sort, look closely, take away, send on.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { downloaded, launch, open, showing, shown } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

const texts = (page, selector) => page.$$eval(selector, (found) => found.map((it) => it.textContent));
const column = (page, name) => page.evaluate((name) => {
  const heads = [...document.querySelectorAll(".grid [role=columnheader]")].map((head) => head.textContent);
  const lines = [...document.querySelectorAll(".grid .body .line")].sort((a, b) => a.getAttribute("aria-rowindex") - b.getAttribute("aria-rowindex"));
  return lines.map((line) => line.children[heads.indexOf(name)].textContent);
}, name);

test("the table, its filters and the download tell the same", async () => {
  const page = await open(browser, "mixed", { hash: "#/hosts" });
  const all = await downloaded(page);
  assert.equal(all.rows.length, 1200);
  assert.equal(all.name, "run-20261101T020300Z-hosts.csv");
  assert.deepEqual(all.head.slice(0, 3), ["instance_id", "name", "platform"]);
  assert(all.rows.every((row) => row.length === all.head.length));
  const failed = all.records.filter((host) => host.outcome === "failed");
  assert(failed.length > 3);

  await page.click('.toolbar button:has-text("Outcome")');
  await page.click('.panel-under label:has-text("Failed")');
  await showing(page, failed.length);
  assert.deepEqual(new Set(await column(page, "Outcome")), new Set(["Failed"]));
  assert.equal(await page.textContent('.panel-under label:has-text("Failed") .n'), String(failed.length));
  await page.keyboard.press("Escape");
  assert.equal(await page.$(".panel-under"), null);

  const region = failed[0].region;
  const both = failed.filter((host) => host.region === region);
  await page.fill(".search input", `region:${region}`);
  await showing(page, both.length);
  const some = await downloaded(page);
  assert.deepEqual(some.records.map((host) => host.instance_id).sort(), both.map((host) => host.instance_id).sort());

  await page.click(".chip");
  await showing(page, all.records.filter((host) => host.region === region).length);
  await page.click('.state button:has-text("Clear")');
  await showing(page, 1200);
  await page.fill(".search input", "ledger prod");
  await showing(page, all.records.filter((host) => /ledger/.test(JSON.stringify(host)) && host.environment === "prod").length);
  assert.deepEqual(page.faults(), []);
  await page.context().close();
});

test("unless one sorts, what needs a look comes first; a heading sorts up, down, and not", async () => {
  const page = await open(browser, "mixed", { hash: "#/hosts" });
  assert.equal((await column(page, "Outcome"))[0], "Stuck");
  const names = (await downloaded(page)).records.map((host) => host.name).sort();
  const heading = '.grid [role=columnheader] button:has-text("Name")';
  await page.click(heading);
  assert.equal((await column(page, "Name"))[0], names[0]);
  await page.click(heading);
  assert.equal((await column(page, "Name"))[0], names.at(-1));
  await page.click(heading);
  assert.equal((await column(page, "Outcome"))[0], "Stuck");
  await page.context().close();
});

test("groups count their hosts, open and close", async () => {
  const page = await open(browser, "mixed", { hash: "#/hosts" });
  const { records } = await downloaded(page);
  await page.selectOption(".select select", "wave");
  await page.waitForSelector(".grid .line.group");
  const groups = Object.fromEntries(await page.$$eval(".grid .line.group", (lines) => lines.map((line) => [line.querySelector("b").textContent, Number(line.querySelector(".n").textContent.replaceAll(",", ""))])));
  const counted = {};
  for (const { wave } of records) counted[wave] = (counted[wave] ?? 0) + 1;
  assert.deepEqual(groups, counted);
  await page.click('.grid .line.group:has-text("canary")');
  await page.waitForSelector('.grid .line:not(.group)');
  assert.equal((await page.$$(".grid .line:not(.group)[aria-level]")).length, counted.canary);
  await page.focus(".grid");
  await page.keyboard.press("ArrowLeft");
  await page.waitForFunction(() => !document.querySelector(".grid .body .line:not(.group)"));
  assert.deepEqual(page.faults(), []);
  await page.context().close();
});

test("a host is looked at closely: what was done, found, changed, kept, and who let it go on", async () => {
  const page = await open(browser, "mixed", { hash: "#/hosts?is.outcome=rolled_back" });
  await page.click(".grid .body .line >> nth=0");
  await page.waitForSelector(".drawer .steps");
  assert.deepEqual(await texts(page, ".drawer .steps b"), ["backup", "precheck", "patch", "reboot", "verify", "validate", "restore", "validate restored"]);
  assert.match(await page.textContent(".drawer .steps li:nth-child(6) pre"), /nginx\.service active before, failed now/);
  assert.match(await page.textContent(".drawer .reason"), /FW-H0016.*Next/s);
  await page.click("#tab-checks");
  assert.match(await page.textContent(".drawer .changes .is-worse"), /nginx\.service.*active.*failed/);
  await page.click("#tab-patches");
  assert.match(await page.textContent(".drawer .counts"), /Missing/);
  await page.click("#tab-outputs");
  assert.match(await page.textContent(".drawer .outputs"), /pre\/account-\d{12}\/region-[\w-]+\/\w+\/i-\w+\/survey\.txt/);
  await page.click("#tab-approvals");
  assert.match(await page.textContent(".drawer .gates"), /jane@example\.com/);
  await page.click("#tab-inventory");
  assert.match(await page.textContent(".drawer .tags"), /cost-centre/);
  assert.deepEqual(page.faults(), []);
  await page.context().close();
});

test("single patches are shown where something is open", async () => {
  const page = await open(browser, "mixed", { hash: "#/hosts?is.outcome=partial" });
  await page.click(".grid .body .line >> nth=0");
  await page.click("#tab-patches");
  assert.match(await page.textContent(".drawer .patches"), /openssl-libs.*CVE-2026-.*Critical.*missing/s);
  await page.context().close();
});

test("everything can be done from the keyboard, and focus comes back to where it was", async () => {
  const page = await open(browser, "mixed");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.focus('nav a[href^="#/hosts"]');
  await page.keyboard.press("Enter");
  await page.waitForSelector(".grid");
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.type), "search");
  await page.keyboard.type("gateway");
  await page.waitForFunction(() => document.querySelector(".state b").textContent !== "1,200");
  await page.focus(".grid");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.waitForSelector('.grid[aria-activedescendant="row-1"]');
  await page.keyboard.press("Enter");
  await page.waitForSelector(".drawer .steps");
  const first = await page.textContent(".drawer-head code");
  await page.keyboard.press("ArrowDown");
  await page.waitForFunction((first) => document.querySelector(".drawer-head code").textContent !== first, first);
  await page.focus("#tab-timeline");
  await page.keyboard.press("ArrowRight");
  await page.waitForSelector('#tab-checks[aria-selected="true"]');
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.querySelector(".drawer"));
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("role")), "grid");

  await page.focus('.toolbar button:has-text("Outcome")');
  await page.keyboard.press("Enter");
  await page.waitForSelector(".panel-under input");
  await page.keyboard.press("Space");
  await page.waitForSelector(".chip");
  await page.keyboard.press("Escape");
  assert.match(await page.evaluate(() => document.activeElement.textContent), /^Outcome/);
  assert.deepEqual(page.faults(), []);
  await page.context().close();
});

test("the address says where one is, and takes a colleague there", async () => {
  const page = await open(browser, "mixed");
  await page.click('.legend button:has-text("Failed")');
  await page.waitForSelector(".grid");
  const failed = await shown(page);
  await page.click(".grid .body .line >> nth=0");
  await page.waitForSelector(".drawer .steps");
  const [hash, host] = await page.evaluate(() => [location.hash, document.querySelector(".drawer-head code").textContent]);
  assert.match(hash, /^#\/hosts\?is\.outcome=failed&host=i-/);
  const colleague = await open(browser, "mixed", { hash });
  await colleague.waitForSelector(".drawer .steps");
  assert.equal(await shown(colleague), failed);
  assert.equal(await colleague.textContent(".drawer-head code"), host);
  await page.goBack();
  await page.waitForSelector("main[data-tab=overview]");
  for (const it of [page, colleague]) await it.context().close();
});

test("hostile names are text, wherever they stand", async () => {
  const page = await open(browser, "hostile");
  const pwned = () => page.evaluate(() => ({ pwned: window.pwned, injected: document.querySelectorAll("#app img, #app script, #app iframe, #app b script").length }));
  for (const tab of ["overview", "hosts", "waves", "causes", "record"]) {
    await page.click(`nav a[href^="#/${tab}"]`);
    assert.deepEqual(await pwned(), { pwned: undefined, injected: 0 }, tab);
  }
  await page.click('nav a[href^="#/hosts"]');
  for (const word of ["<script>", "__proto__", "constructor", "onerror", "${window"]) {
    await page.fill(".search input", word);
    await page.waitForFunction((word) => document.querySelector(".grid .body .line:not(.empty)")?.textContent.length > 0 && document.querySelector(".search input").value === word, word);
    await page.click(".grid .body .line >> nth=0");
    await page.waitForSelector(".drawer .part > *");
    for (const part of ["timeline", "checks", "patches", "outputs", "approvals", "inventory"]) {
      await page.click(`#tab-${part}`);
      assert.deepEqual(await pwned(), { pwned: undefined, injected: 0 }, `${word}, ${part}`);
    }
    await page.keyboard.press("Escape");
  }
  await page.fill(".search input", "");
  await showing(page, 300);
  for (const facet of ["Application", "Wave"]) {
    await page.click(`.toolbar .popover button:has-text("${facet}")`);
    assert.match(await page.textContent(".panel-under"), /<script>window\.pwned=1<\/script>/);
    await page.keyboard.press("Escape");
  }
  await page.selectOption(".select select", "application");
  await page.waitForSelector(".grid .line.group");
  assert.deepEqual(await pwned(), { pwned: undefined, injected: 0 });
  const visible = await page.evaluate(() => document.body.innerText);
  assert.doesNotMatch(visible, /[\u0000\u001b\u202e]/, "characters that hide or turn text are shown as such");

  const { records } = await downloaded(page);
  assert.equal(records.length, 300);
  for (const record of records) for (const [name, cell] of Object.entries(record)) {
    assert.doesNotMatch(cell, /^[=+\-@\t\r\n]/, `${name} would be a formula`);
  }
  assert(records.some((host) => host.name.startsWith("'=HYPERLINK")));
  assert.deepEqual(page.faults(), []);
  await page.context().close();
});

// Every report opens, tells the truth in its first line, and asks nobody for anything.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { KEPT, accessibility, launch, open, path, readyMs, serve } from "./browser.mjs";

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

const TABS = ["overview", "hosts", "waves", "causes", "record"];

for (const [name, headline, status] of [
  ["empty", /^No host was in this run\.$/, "200"],
  ["one", /^All 1 host ended well\.$/, "200"],
  ["mixed", /^\d+ hosts of 1,200 need a look\.$/, "500"],
  ["failed", /^\d+ hosts of 600 need a look\.$/, "500"],
  ["under-way", /^\d+ of 800 hosts ended; \d+ still open\.$/, "202"],
  ["hostile", /^\d+ hosts? of 300 needs? a look\.$/, "206"],
]) {
  test(`${name}: every part opens without a word on the console, a request, or an accessibility fault`, async () => {
    const page = await open(browser, name);
    assert.match(await page.textContent(".headline"), headline);
    assert.equal(await page.textContent(".top .pill .code"), status);
    for (const colours of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: colours });
      for (const tab of TABS) {
        await page.click(`nav a[href^="#/${tab}"]`);
        await page.waitForSelector(`main[data-tab=${tab}]`);
        assert.deepEqual(await accessibility(page), [], `${tab}, ${colours}`);
        await page.screenshot({ path: join(KEPT, `${name}-${tab}-${colours}.png`) });
      }
    }
    assert.deepEqual(page.faults(), []);
    await page.context().close();
  });
}

test("compliance is told by baseline, and what is open by severity", async () => {
  const page = await open(browser, "mixed");
  const panel = await page.textContent('section:has(> header h2:text-is("Compliance"))');
  const { known, compliant } = await page.evaluate(() => {
    const [row] = document.querySelectorAll('section[aria-labelledby="panel-compliance"] tbody tr');
    const [bad, , good] = [...row.querySelectorAll("td")].map((cell) => Number(cell.textContent.split(" ")[0].replace("–", "0").replaceAll(",", "")));
    return { known: good + bad, compliant: good };
  });
  assert(compliant > 1_000 && known > compliant, panel);
  assert.match(panel, /pb-default/);
  assert.match(panel, /Open by severity: .*Critical \d+ on \d+ hosts/);
  await page.context().close();
  const empty = await open(browser, "empty");
  assert.equal(await empty.$('section[aria-labelledby="panel-compliance"]'), null);
  await empty.context().close();
});

test("a host's drawer is accessible in both colours", async () => {
  const page = await open(browser, "mixed", { hash: "#/hosts" });
  await page.click(".grid .body .line >> nth=0");
  await page.waitForSelector(".drawer .steps");
  for (const colours of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: colours });
    for (const part of ["timeline", "checks", "patches", "outputs", "approvals", "inventory"]) {
      await page.click(`#tab-${part}`);
      assert.deepEqual(await accessibility(page), [], `${part}, ${colours}`);
      await page.screenshot({ path: join(KEPT, `drawer-${part}-${colours}.png`) });
    }
  }
  assert.deepEqual(page.faults(), []);
  await page.context().close();
});

test("on a telephone nothing is wider than the window, and the parts are accessible", async () => {
  const page = await open(browser, "mixed", { width: 390, height: 800 });
  for (const tab of TABS) {
    await page.click(`nav a[href^="#/${tab}"]`);
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert(wider <= 0, `${tab} is ${wider} px too wide`);
    assert.deepEqual(await accessibility(page), [], tab);
    await page.screenshot({ path: join(KEPT, `narrow-${tab}.png`), fullPage: true });
  }
  await page.context().close();
});

test("from a server, the file itself is all that is asked for", async () => {
  const server = await serve(path("mixed"));
  const page = await open(browser, "mixed", { url: server.url });
  for (const tab of TABS) await page.click(`nav a[href^="#/${tab}"]`);
  assert.deepEqual(server.asked, ["/"]);
  assert.deepEqual(page.faults(), []);
  await page.context().close();
  server.close();
});

test("the policy in the file keeps scripts, markup and connections out even where a fault would let them in", async () => {
  const page = await open(browser, "one");
  const server = await serve(path("one"));
  const refused = await page.evaluate(async (url) => {
    const outcome = async (what) => { try { await what(); return "allowed"; } catch (cause) { return cause.name; } };
    return {
      markup: await outcome(() => { document.body.innerHTML = "<b>x</b>"; }),
      script: await outcome(() => { const it = document.createElement("script"); it.text = "window.pwned = 1"; document.body.append(it); }),
      fetch: await outcome(() => fetch(url)),
    };
  }, server.url);
  assert.deepEqual(refused, { markup: "TypeError", script: "TypeError", fetch: "TypeError" });
  await page.evaluate(() => {
    const it = document.createElement("button");
    try { it.setAttribute("onclick", "window.pwned = 1"); } catch { /* refused sooner still */ }
    document.body.append(it);
    it.click();
  });
  assert.equal(await page.evaluate(() => window.pwned), undefined);
  assert.deepEqual(server.asked, []);
  await page.context().close();
  server.close();
});

test("a file that was cut off or damaged says so", async () => {
  const whole = readFileSync(path("one"), "utf8");
  const damaged = whole.replace(/(id="core">.{60}).{8}/, "$1AAAAAAAA");
  assert.notEqual(damaged, whole);
  for (const [name, text] of [["damaged", damaged], ["without-core", whole.replace('id="core"', 'id="other"')]]) {
    const file = join(KEPT, `${name}.html`);
    writeFileSync(file, text);
    const page = await open(browser, name, { file, ready: false });
    await page.waitForSelector("#app [role=alert]");
    assert.match(await page.textContent("#app [role=alert]"), /part “core” of this file is (damaged|missing)/);
    await page.context().close();
  }
});

test("paper has the decisions, the causes and the hosts to look at", async () => {
  const page = await open(browser, "mixed", { hash: "#/hosts" });
  await page.pdf({ path: join(KEPT, "mixed.pdf"), preferCSSPageSize: true, printBackground: true });
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  await page.waitForSelector("main.printed");
  const titles = await page.$$eval(".printed h2", (heads) => heads.map((head) => head.textContent));
  assert.deepEqual(titles, ["Run", "Waves", "Gates and approvals", "Progress", "Step durations", "Causes", "Hosts to look at"]);
  await page.emulateMedia({ media: "print" });
  await page.screenshot({ path: join(KEPT, "print.png"), fullPage: true });
  await page.evaluate(() => dispatchEvent(new Event("afterprint")));
  await page.waitForSelector("main[data-tab=hosts]");
  assert.deepEqual(page.faults(), []);
  await page.context().close();
});

test("fifty thousand hosts: a few dozen rows are drawn, whatever is asked", async () => {
  const page = await open(browser, "fleet", { hash: "#/hosts" });
  const figures = { hosts: 50_000, ready_ms: await readyMs(page) };
  const drawn = () => page.$$eval(".grid .body .line", (lines) => lines.length);
  assert.equal(await page.getAttribute(".grid", "aria-rowcount"), "50001");
  assert(await drawn() < 80, `${await drawn()} rows`);
  await page.waitForFunction(() => document.querySelector(".grid"));
  figures.filter_ms = {};
  for (const word of ["ledger", "application:ledger", "10.0.12", "prod check"]) {
    const took = await page.evaluate(async (word) => {
      const field = document.querySelector(".search input");
      const start = performance.now();
      field.value = word;
      field.dispatchEvent(new InputEvent("input", { bubbles: true }));
      await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
      return performance.now() - start;
    }, word);
    figures.filter_ms[word] = Math.round(took);
    assert(await drawn() < 80);
  }
  await page.fill(".search input", "");
  await page.press(".grid", "End");
  await page.waitForSelector('.grid .line[aria-rowindex="50001"]');
  assert(await drawn() < 80);
  figures.sort_ms = await page.evaluate(async () => {
    const start = performance.now();
    [...document.querySelectorAll(".grid .head button")].find((button) => button.textContent === "Name").click();
    await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
    return Math.round(performance.now() - start);
  });
  assert.equal(await page.getAttribute('.grid [role=columnheader]:has-text("Name")', "aria-sort"), "ascending");
  await page.screenshot({ path: join(KEPT, "fleet-hosts.png") });
  assert.deepEqual(page.faults(), []);
  writeFileSync(join(KEPT, "figures.json"), `${JSON.stringify(figures, null, 2)}\n`);
  console.log(JSON.stringify(figures));
  await page.context().close();
});

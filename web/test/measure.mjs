// How soon reports are there and how quickly they answer, as `cargo xtask bench web` asks: the middle of five
// rounds; of actions of one kind, the middle of all of them.

import { launch, open, readyMs } from "./browser.mjs";

const ROUNDS = 5;
const middle = (times) => Math.round([...times].sort((a, b) => a - b)[Math.floor(times.length / 2)]);

/** Does something in the page, and waits until the answer is on the screen. */
const timed = (page, act, argument) => page.evaluate(async ([act, argument]) => {
  const acts = {
    search: (word) => {
      const field = document.querySelector(".search input");
      field.value = word;
      field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    },
    press: (label) => [...document.querySelectorAll(".toolbar button")].find((it) => it.textContent.startsWith(label)).click(),
    choose: (value) => [...document.querySelectorAll(".panel-under label")].find((it) => it.textContent.includes(value)).click(),
    sort: (title) => [...document.querySelectorAll(".grid .head button")].find((it) => it.textContent === title).click(),
    group: (name) => {
      const field = document.querySelector(".select select");
      field.value = name;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    },
  };
  const start = performance.now();
  acts[act](argument);
  await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
  return performance.now() - start;
}, [act, argument]);

const COLUMNS = ["until it can be used", "search at once", "first search later", "further searches", "filter", "sort", "group"];

const browser = await launch();
console.log(`| report | ${COLUMNS.join(" | ")} |\n|---|${"--:|".repeat(COLUMNS.length)}`);
for (const name of process.argv.slice(2)) {
  const [ready, atOnce, first, further, filter, sort, group] = COLUMNS.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    const hasty = await open(browser, name, { hash: "#/hosts" });
    atOnce.push(await timed(hasty, "search", "ledger"));
    await hasty.context().close();

    const page = await open(browser, name);
    ready.push(await readyMs(page));
    await page.click('nav a[href^="#/hosts"]');
    await page.waitForTimeout(1_500);
    first.push(await timed(page, "search", "ledger"));
    for (const word of ["ledger p", "region:eu-west-1", "10.0.12", "gateway"]) further.push(await timed(page, "search", word));
    await timed(page, "search", "");
    for (const [facet, value] of [["Outcome", "Failed"], ["Application", "ledger"]]) {
      filter.push(await timed(page, "press", facet));
      filter.push(await timed(page, "choose", value));
      await page.keyboard.press("Escape");
    }
    await page.click('.state button:has-text("Clear")');
    for (const title of ["Name", "Duration"]) sort.push(await timed(page, "sort", title));
    for (const column of ["application", "landing_zone"]) group.push(await timed(page, "group", column));
    await page.context().close();
  }
  console.log(`| ${name} | ${[ready, atOnce, first, further, filter, sort, group].map((times) => `${middle(times)} ms`).join(" | ")} |`);
}
await browser.close();

// How soon reports are there and how quickly they answer, as `cargo xtask bench web` asks: the middle of five rounds.

import { launch, open, readyMs } from "./browser.mjs";

const ROUNDS = 5;
const middle = (times) => Math.round(times.sort((a, b) => a - b)[Math.floor(times.length / 2)]);

/** Changes the search as typing does, and waits until the answer is on the screen. */
const filter = (page, word) => page.evaluate(async (word) => {
  const field = document.querySelector(".search input");
  const start = performance.now();
  field.value = word;
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
  return performance.now() - start;
}, word);

const browser = await launch();
console.log("| report | until it can be used | first search | later searches |\n|---|--:|--:|--:|");
for (const name of process.argv.slice(2)) {
  const [ready, first, later] = [[], [], []];
  for (let round = 0; round < ROUNDS; round++) {
    const page = await open(browser, name);
    ready.push(await readyMs(page));
    await page.click('nav a[href^="#/hosts"]');
    await page.waitForTimeout(1_500);
    first.push(await filter(page, "ledger"));
    for (const word of ["ledger p", "region:eu-west-1", "10.0.12", "gateway"]) later.push(await filter(page, word));
    await page.context().close();
  }
  console.log(`| ${name} | ${middle(ready)} ms | ${middle(first)} ms | ${middle(later)} ms |`);
}
await browser.close();

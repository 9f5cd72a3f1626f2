// Fails where dist/ is not what the sources make: the Rust build embeds it and has no Node to make it anew.

import { readFileSync } from "node:fs";
import { OUTPUTS } from "./build.mjs";

let stale = false;
for (const [path, make] of Object.entries(OUTPUTS)) {
  let committed = "";
  try {
    committed = readFileSync(new URL(path, import.meta.url), "utf8");
  } catch {
    // Missing is stale too.
  }
  if (committed !== await make()) {
    console.error(`web/${path} is not what the sources make: run \`npm ci && npm run build\` in web/ and commit it`);
    stale = true;
  }
}
process.exit(stale ? 1 : 0);

// Builds dist/report.html: page, style and script in one, with a content-security policy that names both by
// hash. What is not in it yet is the record, which takes the place of the comment `record`.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const here = (path) => new URL(path, import.meta.url);
const read = (path) => readFileSync(here(path), "utf8");
const SHEETS = ["base", "outcomes", "hosts", "narrow_print"];

/** The libraries that end up in the file, with the text of their licences. */
function licences() {
  return Object.keys(JSON.parse(read("package.json")).dependencies).map((name) => {
    const { version, license } = JSON.parse(read(`node_modules/${name}/package.json`));
    return `${name} ${version} (${license})\n\n${read(`node_modules/${name}/LICENSE`).trim()}\n`;
  }).join("\n");
}

/** The dark colours stand once, and hold where the system asks for them or the reader does. */
function styles() {
  const dark = read("src/styles/dark.css");
  return [
    read("src/styles/base.css").replace("/*DARK*/", () =>
      `@media screen and (prefers-color-scheme: dark) { :root:not([data-theme="light"]) { color-scheme: dark; ${dark} } }\n`
      + `@media screen { :root[data-theme="dark"] { color-scheme: dark; ${dark} } }`),
    ...SHEETS.slice(1).map((name) => read(`src/styles/${name}.css`)),
  ].join("\n");
}

async function minified(options) {
  const built = await build({ bundle: true, minify: true, write: false, charset: "utf8", target: ["chrome110", "firefox115", "safari16.4"], logLevel: "warning", ...options });
  return built.outputFiles[0].text.trim();
}

/** An inline script or style ends at the first `</script` or `</style` in it, whatever that is part of. */
function inline(text, tag) {
  if (new RegExp(`</${tag}|<!--`, "i").test(text)) throw new Error(`the ${tag} holds text that would end it early`);
  return text;
}

const hash = (text) => `sha256-${createHash("sha256").update(text).digest("base64")}`;

export async function page() {
  const notice = `/*! This file contains:\n\n${licences().replaceAll("*/", "* /")}*/\n`;
  const script = inline(notice + await minified({
    entryPoints: [here("src/report.tsx").pathname], format: "iife", jsx: "automatic", jsxImportSource: "preact", legalComments: "none",
  }), "script");
  const style = inline(await minified({ stdin: { contents: styles(), loader: "css" } }), "style");
  const parts = { "script-hash": hash(script), "style-hash": hash(style), script, style };
  return read("src/page.html").replace(/\{(script-hash|style-hash|script|style)\}/g, (_, name) => parts[name]);
}

export const OUTPUTS = { "dist/report.html": page, "dist/licences.txt": async () => licences() };

if (import.meta.url === `file://${process.argv[1]}`) {
  mkdirSync(here("dist"), { recursive: true });
  for (const [path, make] of Object.entries(OUTPUTS)) {
    const text = await make();
    writeFileSync(here(path), text);
    console.log(`${path}: ${(text.length / 1024).toFixed(1)} KiB`);
  }
}

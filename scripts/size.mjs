// What a page loads: the engine's wasm and script, the worker, the demo; minified, gzip and brotli. Fails when the engine is over
// its budget.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "./build.mjs";
import { ROOT, main, isMain } from "./lib/run.mjs";
import { setup } from "./setup.mjs";

/** The engine is what every application loads: the wasm and the library's script. */
const TARGET_GZIP_KB = 170;
/** What it may weigh until it meets the target: no commit makes it heavier than it is. Lower it with every gain. */
const ENGINE_GZIP_KB = 368;

const brotli = (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });

function measure(path) {
  const bytes = readFileSync(join(ROOT, path));
  return { path, raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotli(bytes).length };
}

const line = (name, { raw, gzip, brotli }) =>
  console.log(`${name.padEnd(34)} ${[raw, gzip, brotli].map((bytes) => (bytes / 1024).toFixed(1).padStart(9)).join(" ")}`);

const sum = (list) =>
  list.reduce((all, one) => ({ raw: all.raw + one.raw, gzip: all.gzip + one.gzip, brotli: all.brotli + one.brotli }), {
    raw: 0,
    gzip: 0,
    brotli: 0,
  });

/** Prints the sizes; throws when the engine is over its budget. */
export async function size() {
  await build();
  const engine = ["dist/js/landfall.wasm", "dist/js/index.js"].map(measure);
  const assets = readdirSync(join(ROOT, "dist/www/assets")).filter((name) => !name.endsWith(".wasm"));
  const demo = [
    ...assets.map((name) => measure(`dist/www/assets/${name}`)),
    measure("dist/www/index.html"),
    measure("dist/www/sw.js"),
  ];
  console.log(`\n${"KB".padEnd(34)} ${["minified", "gzip", "brotli"].map((word) => word.padStart(9)).join(" ")}`);
  for (const part of engine) line(part.path, part);
  line("the engine", sum(engine));
  for (const part of demo) line(part.path, part);
  line("the demo's own, engine's script in it", sum(demo));
  const kb = sum(engine).gzip / 1024;
  if (kb > ENGINE_GZIP_KB) throw new Error(`the engine has ${kb.toFixed(1)} KB gzip, ${ENGINE_GZIP_KB} are the most`);
  const verdict = kb > TARGET_GZIP_KB ? `misses its target of ${TARGET_GZIP_KB} KB` : `meets its target of ${TARGET_GZIP_KB} KB`;
  console.log(`the engine: ${kb.toFixed(1)} KB gzip, ${verdict} (${ENGINE_GZIP_KB} KB are the most for now)`);
}

if (isMain(import.meta.url)) {
  main(async () => {
    await setup(["start"]);
    await size();
  });
}

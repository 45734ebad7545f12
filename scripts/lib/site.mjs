// Builds the demo: hashed files under dist/www/assets, the page that names them, the worker with the list of what to keep for
// offline use. It decides file names; what is cached how is decided in sw/.
import { createHash } from "node:crypto";
import { copyFileSync, cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { COMMON } from "./library.mjs";
import { ROOT } from "./run.mjs";

const OUT = join(ROOT, "dist", "www");
const hashOf = (bytes) => createHash("sha256").update(bytes).digest("hex").slice(0, 10);

/** Copies a file under a name that changes with its content; its address on the site. */
function hashed(file, name = basename(file)) {
  const bytes = readFileSync(file);
  const end = extname(name);
  const address = `assets/${basename(name, end)}-${hashOf(bytes)}${end}`;
  writeFileSync(join(OUT, address), bytes);
  return `/${address}`;
}

/** Bundles the pages' scripts and their style; their addresses. */
async function bundlePage(define) {
  const { build } = await import("esbuild");
  const entryPoints = ["www/main.ts", "www/device.ts", "www/main.css"];
  const page = { entryPoints, outdir: OUT, entryNames: "assets/[name]-[hash]", metafile: true };
  const { metafile } = await build({ ...COMMON, ...page, define });
  const made = Object.keys(metafile.outputs).map((path) => `/assets/${basename(path)}`);
  const find = (start, end) => made.find((path) => path.startsWith(`/assets/${start}-`) && path.endsWith(end));
  return { main: find("main", ".js"), device: find("device", ".js"), style: find("main", ".css") };
}

/** Fills the page's `{{name}}` marks; a mark without a value is a fault of the build. */
function fill(text, values) {
  return text.replace(/\{\{(\w+)\}\}/g, (mark, name) => {
    if (!(name in values)) throw new Error(`a page of www/ asks for ${mark}, which nothing makes`);
    return values[name];
  });
}

/** What the worker keeps: every file but itself; hashed names need no revision. */
function precacheList() {
  const paths = readdirSync(OUT, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "sw.js")
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  return paths.sort().map((path) => {
    const url = path.slice(OUT.length);
    return { url, revision: url.startsWith("/assets/") ? null : hashOf(readFileSync(path)) };
  });
}

/** Bundles the service worker with its list put in. */
async function bundleWorker(define) {
  const { build } = await import("esbuild");
  const list = JSON.stringify(precacheList());
  const marks = { ...define, "self.__WB_MANIFEST": list, "process.env.NODE_ENV": '"production"' };
  await build({ ...COMMON, entryPoints: ["sw/sw.ts"], outfile: join(OUT, "sw.js"), define: marks });
}

export async function buildSite() {
  rmSync(OUT, { recursive: true, force: true });
  mkdirSync(join(OUT, "assets"), { recursive: true });
  const wasm = hashed(join(ROOT, "dist/pkg/landfall_bg.wasm"), "landfall.wasm");
  const define = { __LANDFALL_WASM__: JSON.stringify(wasm) };
  const page = await bundlePage(define);
  cpSync(join(ROOT, "www/public"), OUT, { recursive: true });
  mkdirSync(join(OUT, "schemas"), { recursive: true });
  for (const name of ["dcmms", "goalflow"]) copyFileSync(join(ROOT, `schemas/${name}.json`), join(OUT, `schemas/${name}.json`));
  for (const name of ["index.html", "device.html"]) {
    writeFileSync(join(OUT, name), fill(readFileSync(join(ROOT, "www", name), "utf8"), { ...page, wasm }));
  }
  await bundleWorker(define);
}

// Builds what another application installs from npm: dist/js, one minified ES module per entry and the wasm beside them.
import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./run.mjs";

/** What esbuild is always told. */
export const COMMON = {
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome111", "firefox115", "safari16.4"],
  legalComments: "none",
  logLevel: "warning",
  absWorkingDir: ROOT,
};

export async function buildLibrary() {
  const { build } = await import("esbuild");
  const out = join(ROOT, "dist", "js");
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const entries = { index: "js/index.ts", sw: "js/sw.ts" };
  const entryPoints = Object.entries(entries).flatMap(([name, file]) =>
    existsSync(join(ROOT, file)) ? [{ in: file, out: name }] : [],
  );
  await build({ ...COMMON, entryPoints, outdir: out, sourcemap: true });
  copyFileSync(join(ROOT, "dist/pkg/landfall_bg.wasm"), join(out, "landfall.wasm"));
}

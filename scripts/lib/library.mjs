// Builds what another application installs from npm: dist/js, one minified ES module per entry and the wasm beside them; and
// dist/types, their declarations, since sources would be checked by their user's compiler with their user's settings.
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, must } from "./run.mjs";

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
  const entries = { index: "js/index.ts", sw: "js/sw.ts", react: "js/react/index.ts", elements: "js/elements/index.ts" };
  const entryPoints = Object.entries(entries).flatMap(([name, file]) =>
    existsSync(join(ROOT, file)) ? [{ in: file, out: name }] : [],
  );
  await build({ ...COMMON, entryPoints, outdir: out, sourcemap: true, external: ["react", "lit"] });
  copyFileSync(join(ROOT, "dist/pkg/landfall_bg.wasm"), join(out, "landfall.wasm"));
  await buildTypes(join(ROOT, "dist", "types"));
}

/** The page's and the worker's declarations differ in the globals they may name, so each has its own run of the compiler. */
async function buildTypes(out) {
  rmSync(out, { recursive: true, force: true });
  for (const project of ["scripts/tsconfig.types.json", "scripts/tsconfig.types-worker.json"])
    await must("tsc", ["--project", project]);
  // js/ names the engine's declarations by where they are built. Without `Symbol.dispose`, which only the newest `lib` knows:
  // what an application compiles with is its own affair.
  const engine = readFileSync(join(ROOT, "dist/pkg/landfall.d.ts"), "utf8").replace(/^\s*\[Symbol\.dispose\]\(\): void;\n/gm, "");
  mkdirSync(join(out, "dist", "pkg"), { recursive: true });
  writeFileSync(join(out, "dist", "pkg", "landfall.d.ts"), engine);
}

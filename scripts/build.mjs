// Builds all that a browser loads: the engine as wasm (dist/pkg), the library (dist/js), the demo with its service worker
// (dist/www). Parts whose inputs did not change are left as they are. It installs nothing; setup does.
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { unlessFresh } from "./lib/inputs.mjs";
import { buildLibrary } from "./lib/library.mjs";
import { CARGO_HOME, ROOT, TARGET, main, must, step, isMain } from "./lib/run.mjs";
import { buildSite } from "./lib/site.mjs";

const ENGINE = ["src", "Cargo.toml", "Cargo.lock"];
const SCRIPTS = ["js", "sw", "package-lock.json", "scripts/lib", "tsconfig.json"];
const DECLARATIONS = ["scripts/tsconfig.types.json", "scripts/tsconfig.types-worker.json"];
/** What rustc emits for wasm32 by default; wasm-opt has to know. */
const FEATURES = ["bulk-memory", "mutable-globals", "nontrapping-float-to-int", "sign-ext", "reference-types", "multivalue"];

/**
 * The engine: compiled for wasm32, bound for the web, and made small. cargo is asked for the wasm alone: while it also makes a
 * Rust library of the same crate (as it would for wasm-pack) it optimises nothing across crates.
 */
async function buildEngine() {
  const out = join(ROOT, "dist", "pkg");
  rmSync(out, { recursive: true, force: true });
  // Places in the sources of packages, which are in the messages of panics, begin behind the folder of whoever built this.
  const env = { CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS: `--remap-path-prefix=${CARGO_HOME}=` };
  await must("cargo", ["rustc", "--lib", "--release", "--target", "wasm32-unknown-unknown", "--crate-type", "cdylib"], { env });
  const made = join(TARGET, "wasm32-unknown-unknown", "release", "landfall.wasm");
  // A worker is a classic script, in which `import.meta` is a syntax error; and js/ makes a new instance after a fault.
  const binding = ["--omit-default-module-path", "--experimental-reset-state-function"];
  await must("wasm-bindgen", [made, "--target", "web", "--out-dir", "dist/pkg", "--out-name", "landfall", ...binding]);
  const wasm = join(out, "landfall_bg.wasm");
  // A function with one caller stays a function: put into it, it would be less like the others, and gzip finds 4 KB less.
  const options = ["-Oz", "--one-caller-inline-max-function-size=0"];
  await must("wasm-opt", [wasm, "-o", wasm, ...options, ...FEATURES.map((feature) => `--enable-${feature}`)]);
}

/** Builds what is not fresh; says what was built. */
export async function build() {
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  const built = [];
  const part = async (name, rules, work) => {
    if (await unlessFresh(rules, () => step(name, work))) built.push(name);
  };
  await part(
    "the engine as wasm (about a minute the first time)",
    { stamp: "dist/.engine", inputs: ENGINE, made: ["dist/pkg/landfall_bg.wasm", "dist/pkg/landfall.js"] },
    buildEngine,
  );
  await part(
    "the library",
    {
      stamp: "dist/.library",
      inputs: ["dist/.engine", ...SCRIPTS, ...DECLARATIONS],
      made: ["dist/js/index.js", "dist/types/js/index.d.ts"],
    },
    buildLibrary,
  );
  await part(
    "the demo",
    {
      stamp: "dist/.site",
      inputs: ["dist/.library", "www", "schemas", ...SCRIPTS],
      made: ["dist/www/index.html", "dist/www/sw.js"],
    },
    buildSite,
  );
  if (built.length === 0) console.log("✓ built: nothing changed");
  return built;
}

/** The server for the demo is built to be ready soon, not to be the fastest: that takes twice as long. */
const SOON = ["--config", "profile.release.lto=false", "--config", "profile.release.codegen-units=16"];

/** Builds the server; `profile` is cargo's. The path of the binary. */
export async function buildServer(profile) {
  const args = ["build", "--package", "landfall-server", ...(profile === "debug" ? [] : ["--profile", profile, ...SOON])];
  await step(`the server (${profile}; two to three minutes the first time)`, () => must("cargo", args));
  const binary = join(TARGET, profile, "landfall-server");
  if (!existsSync(binary)) throw new Error(`cargo built no ${binary}`);
  return binary;
}

if (isMain(import.meta.url)) {
  main(build);
}

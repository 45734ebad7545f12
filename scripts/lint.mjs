// Form and suspicion: rustfmt, clippy for both targets with warnings as errors, TypeScript's types, prettier. `--write` mends
// what can be mended by itself.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { build } from "./build.mjs";
import { ROOT, main, run, step, isMain } from "./lib/run.mjs";
import { setup } from "./setup.mjs";

const CLIPPY = ["clippy", "--quiet", "--all-targets"];
const WARNINGS = ["--", "-D", "warnings"];
const PRETTY = [
  "js",
  "sw",
  "www",
  "scripts",
  "tests/e2e",
  "tests/types",
  "bin",
  "bench",
  "package.json",
  "tsconfig.json",
  "webdriver.json",
];

function checks(write) {
  const pretty = PRETTY.filter((path) => existsSync(join(ROOT, path)));
  return [
    ["rustfmt", "cargo", ["fmt", "--all", ...(write ? [] : ["--check"])]],
    ["clippy, native", "cargo", [...CLIPPY, "--workspace", ...WARNINGS]],
    [
      "clippy, wasm32",
      "cargo",
      ["clippy", "--quiet", "--package", "landfall", "--lib", "--target", "wasm32-unknown-unknown", ...WARNINGS],
    ],
    ["types, page", "tsc", ["--noEmit", "--project", "tsconfig.json"]],
    ["types, worker", "tsc", ["--noEmit", "--project", "scripts/tsconfig.worker.json"]],
    ["prettier", "prettier", ["--log-level", "warn", write ? "--write" : "--check", ...pretty]],
  ];
}

/** Runs every check, all of them even if one fails; throws with the names of those that did. */
export async function lint({ write = false } = {}) {
  await build();
  const failed = [];
  for (const [name, program, args] of checks(write)) {
    const { code } = await step(name, () => run(program, args));
    if (code !== 0) failed.push(name);
  }
  if (failed.length > 0) throw new Error(`lint: ${failed.join(", ")}`);
}

if (isMain(import.meta.url)) {
  main(async () => {
    await setup(["start", "lint"]);
    await lint({ write: process.argv.includes("--write") });
  });
}

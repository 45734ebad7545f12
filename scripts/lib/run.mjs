// Runs other programs: decides how their output is shown and what a failure looks like. Every script uses it.
import { spawn, spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { homedir } from "node:os";

/** The root of the project. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Where cargo keeps its programs and the sources of packages. */
export const CARGO_HOME = process.env.CARGO_HOME ?? join(homedir(), ".cargo");

/** The environment of every program: cargo's and npm's programs on PATH, and no browser downloads. */
export const ENV = {
  ...process.env,
  PATH: [join(ROOT, "node_modules", ".bin"), join(CARGO_HOME, "bin"), process.env.PATH].join(delimiter),
  PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: "1",
  CARGO_TERM_COLOR: process.stdout.isTTY ? "always" : "never",
};

/** Where cargo builds. */
export const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");

/** What a program prints, trimmed, or `undefined` if it is not there or fails. */
export function ask(program, args) {
  const done = spawnSync(program, args, { cwd: ROOT, env: ENV, encoding: "utf8" });
  return done.status === 0 ? done.stdout.trim() : undefined;
}

/**
 * Runs a program with its output shown (and collected, if `collect`); resolves to {code, output}.
 * Rejects only if it cannot be started at all.
 */
export function run(program, args, { env = {}, collect = false, cwd = ROOT } = {}) {
  return new Promise((resolve, reject) => {
    const stdio = ["ignore", collect ? "pipe" : "inherit", collect ? "pipe" : "inherit"];
    const child = spawn(program, args, { cwd, env: { ...ENV, ...env }, stdio });
    let output = "";
    for (const [stream, out] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      stream?.on("data", (part) => {
        output += part;
        out.write(part);
      });
    }
    child.on("error", (error) => reject(new Error(`${program} cannot be started: ${error.message}`)));
    child.on("close", (code, signal) => resolve({ code: code ?? (signal ? 1 : 0), output }));
  });
}

/** Runs a program and throws if it fails. */
export async function must(program, args, options) {
  const { code } = await run(program, args, options);
  if (code !== 0) throw new Error(`failed (${code}): ${program} ${args.join(" ")}`);
}

/** Prints what is being done, does it, and prints how long it took. */
export async function step(what, work) {
  const from = performance.now();
  console.log(`\n▸ ${what}`);
  const result = await work();
  console.log(`✓ ${what}: ${((performance.now() - from) / 1000).toFixed(1)} s`);
  return result;
}

/** Whether a script was started itself, and not imported by another. */
export const isMain = (url) => process.argv[1] !== undefined && url === pathToFileURL(process.argv[1]).href;

/** Runs the main function of a script; an error becomes one line and exit code 1. */
export function main(work) {
  work().catch((error) => {
    console.error(`\n✗ ${error.message}`);
    process.exitCode = 1;
  });
}

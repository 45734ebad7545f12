// Gets what a command needs: checks first, installs only what is missing, says what it does and how long it took. What it
// cannot install it names, with the command that would. Words: start, test, lint, browsers; without one: start and test.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, ask, main, run, step, isMain } from "./lib/run.mjs";

const GECKODRIVER = "0.37.1";

/** The version of a crate in Cargo.lock: the tool of the same name must have exactly this one. */
function locked(crate) {
  const lock = readFileSync(join(ROOT, "Cargo.lock"), "utf8");
  const version = lock.match(new RegExp(`name = "${crate}"\\nversion = "([^"]+)"`))?.[1];
  if (!version) throw new Error(`Cargo.lock names no ${crate}`);
  return version;
}

const has = (program, args = ["--version"]) => ask(program, args) !== undefined;
const hasVersion = (program, version) => (ask(program, ["--version"]) ?? "").split(/\s+/).includes(version);

/** A program of Debian: its package, and how to see that it is there. */
function debian(name, there, packages = [name]) {
  const args = ["apt-get", "install", "-y", "--no-install-recommends", ...packages];
  return { name, there, time: "up to a minute", by: "apt", args, hand: `sudo ${args.join(" ")}` };
}

/** A program that cargo builds. */
function cargo(name, version, { there = () => hasVersion(name, version), time, args = [] }) {
  const all = ["install", name.endsWith("driver") ? name : `${name}-cli`, "--version", version, ...args];
  return { name: `${name} ${version}`, there, time, by: "cargo", args: all, hand: `cargo ${all.join(" ")}` };
}

const LOCK_STAMP = join(ROOT, "node_modules", ".landfall-lock");
const lockHash = () =>
  createHash("sha256")
    .update(readFileSync(join(ROOT, "package-lock.json")))
    .digest("hex");
const npmCi = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];

/** Everything there is to install, in order, with the commands that need it. */
function parts() {
  const display = () => existsSync("/usr/bin/xvfb-run") && existsSync("/usr/bin/xauth");
  return [
    { for: "start", name: "Rust", there: () => has("cargo"), hand: "the installer at https://rustup.rs, then a new shell" },
    { for: "start", ...debian("C compiler", () => has("cc"), ["build-essential"]) },
    {
      for: "start",
      name: "Rust's wasm32 target",
      there: () => existsSync(join(ask("rustc", ["--print", "sysroot"]) ?? "", "lib/rustlib/wasm32-unknown-unknown/lib")),
      time: "seconds",
      by: "rustup",
      args: ["target", "add", "wasm32-unknown-unknown"],
      hand: "rustup target add wasm32-unknown-unknown",
    },
    { for: "start", ...cargo("wasm-bindgen", locked("wasm-bindgen"), { time: "3 minutes, once" }) },
    {
      for: "start",
      name: "npm packages",
      there: () => existsSync(LOCK_STAMP) && readFileSync(LOCK_STAMP, "utf8") === lockHash(),
      time: "seconds",
      by: "npm",
      args: npmCi,
      after: () => writeFileSync(LOCK_STAMP, lockHash()),
      hand: `npm ${npmCi.join(" ")}`,
    },
    {
      for: "lint",
      name: "rustfmt and clippy",
      there: () => has("cargo", ["fmt", "--version"]) && has("cargo", ["clippy", "--version"]),
      time: "seconds",
      by: "rustup",
      args: ["component", "add", "rustfmt", "clippy"],
      hand: "rustup component add rustfmt clippy",
    },
    { for: "test", ...debian("Chromium", () => existsSync("/usr/bin/chromium"), ["chromium"]) },
    { for: "test", ...debian("chromedriver", () => existsSync("/usr/bin/chromedriver"), ["chromium-driver"]) },
    { for: "browsers", ...debian("Firefox", () => existsSync("/usr/bin/firefox-esr"), ["firefox-esr"]) },
    { for: "browsers", ...debian("WebKitGTK's driver", () => existsSync("/usr/bin/WebKitWebDriver"), ["webkit2gtk-driver"]) },
    { for: "browsers", ...debian("a display without a screen", display, ["xvfb", "xauth"]) },
    { for: "browsers", ...cargo("geckodriver", GECKODRIVER, { time: "4 minutes, once", args: ["--locked"] }) },
  ];
}

/** How to run an installer here: as it is, by sudo without a question, or not at all. */
function command(part) {
  if (!part.by) return undefined;
  if (part.by !== "apt") return has(part.by) ? [part.by, part.args] : undefined;
  if (!has("apt-get")) return undefined;
  if (process.getuid?.() === 0) return [part.args[0], part.args.slice(1)];
  return has("sudo", ["-n", "true"]) ? ["sudo", ["-n", ...part.args]] : undefined;
}

let listsAreFresh = false;

/** Debian's package lists are brought up to date once, and only when something is missing. */
async function refreshLists(how) {
  if (listsAreFresh) return;
  listsAreFresh = true;
  const prefix = how[0] === "sudo" ? ["sudo", ["-n", "apt-get", "update"]] : ["apt-get", ["update"]];
  await run(...prefix, { env: { DEBIAN_FRONTEND: "noninteractive" } });
}

async function install(part) {
  const how = command(part);
  if (!how) return false;
  return step(`${part.name}: installing (${part.time})`, async () => {
    if (part.by === "apt") await refreshLists(how);
    const { code } = await run(...how, { env: { DEBIAN_FRONTEND: "noninteractive" } });
    if (code === 0) part.after?.();
    return code === 0 && part.there();
  });
}

/** Gets everything the named commands need; throws with the commands for what it could not get. */
export async function setup(needs) {
  const from = performance.now();
  const missing = [];
  const wanted = parts().filter((part) => needs.includes(part.for));
  for (const part of wanted) {
    if (!part.there() && !(await install(part))) missing.push(part);
  }
  if (missing.length > 0) {
    const list = missing.map((part) => `  ${part.name}: ${part.hand}`).join("\n");
    throw new Error(`not installed, and it could not be done from here; please run:\n${list}`);
  }
  console.log(`✓ set up: ${wanted.length} parts checked in ${((performance.now() - from) / 1000).toFixed(1)} s`);
}

if (isMain(import.meta.url)) {
  const words = process.argv.slice(2);
  main(() => setup(words.length > 0 ? words : ["start", "test"]));
}

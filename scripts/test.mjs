// Runs the named suites one after the other, all of them even if one fails, and ends with one line: N passed, N failed.
// `node scripts/test.mjs [rust] [sim] [wasm] [e2e] [lint] [size] [firefox] [webkit]`; each suite's set-up is done first.
// `npm run test:sim -- --seeds 100000` runs more of the simulation than the fixed part.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { build, buildServer } from "./build.mjs";
import { lint } from "./lint.mjs";
import { ROOT, main, run } from "./lib/run.mjs";
import { setup } from "./setup.mjs";
import { size } from "./size.mjs";

const manifest = readFileSync(join(ROOT, "Cargo.toml"), "utf8");
/** Test programs that Cargo.toml names, whose name fits. */
const named = (pattern) =>
  [...manifest.matchAll(/\[\[test\]\]\s+name = "([^"]+)"/g)].map((match) => match[1]).filter((name) => pattern.test(name));
const only = (names) => names.flatMap((name) => ["--test", name]);

/**
 * The wasm suites (page, dedicated worker, service worker) in the browser of a driver. Only they are compiled for wasm32: the
 * unit tests run natively.
 */
function wasm(driver, path, before = []) {
  const args = ["test", "--target", "wasm32-unknown-unknown", ...only(named(/^browser_/))];
  const env = {
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER: "wasm-bindgen-test-runner",
    [driver]: path,
    WASM_BINDGEN_TEST_TIMEOUT: "300",
    WASM_BINDGEN_TEST_DRIVER_TIMEOUT: "60",
  };
  const [program, ...rest] = [...before, "cargo", ...args];
  return run(program, rest, { collect: true, env });
}

async function endToEnd() {
  await build();
  const env = { LANDFALL_SERVER: await buildServer("debug") };
  const files = readdirSync(join(ROOT, "tests/e2e"), { recursive: true }).filter((name) => name.endsWith(".test.mjs"));
  const paths = files.sort().map((name) => join("tests/e2e", name));
  return run("node", ["--test", "--test-reporter=spec", "--test-concurrency=1", ...paths], { collect: true, env });
}

/** `--seeds N`, `--from N` choose other seeds than the fixed ones; `--seed LINE` runs one and prints its trace. */
function simulation() {
  const words = process.argv.slice(2);
  const chosen = ["seeds", "from", "seed"].filter((name) => words.includes(`--${name}`));
  const env = Object.fromEntries(chosen.map((name) => [name.toUpperCase(), words[words.indexOf(`--${name}`) + 1] ?? ""]));
  const args = ["test", "--profile", "sim", ...only(named(/^sim/)), "--", "--nocapture"];
  return run("cargo", args, { collect: true, env });
}

/** A check without tests of its own counts as one. */
const counted = (work) => async () => {
  try {
    await work();
    return { code: 0, output: "test result: ok. 1 passed; 0 failed" };
  } catch (error) {
    console.error(`✗ ${error.message}`);
    return { code: 1, output: "test result: FAILED. 0 passed; 1 failed" };
  }
};

const SUITES = {
  rust: { needs: ["start"], work: () => run("cargo", ["test", "--workspace", "--no-fail-fast"], { collect: true }) },
  sim: { needs: ["start"], work: simulation },
  wasm: { needs: ["start", "test"], work: () => wasm("CHROMEDRIVER", "/usr/bin/chromedriver") },
  e2e: { needs: ["start", "test"], work: endToEnd },
  lint: { needs: ["start", "lint"], work: counted(lint) },
  size: { needs: ["start"], work: counted(size) },
  firefox: { needs: ["start", "browsers"], work: () => wasm("GECKODRIVER", program("geckodriver")) },
  webkit: {
    needs: ["start", "browsers"],
    work: () => wasm("SAFARIDRIVER", "/usr/bin/WebKitWebDriver", ["xvfb-run", "-a"]),
  },
};

/** Where a program of cargo's is. */
function program(name) {
  const places = (process.env.CARGO_HOME ? [process.env.CARGO_HOME] : [join(process.env.HOME ?? "", ".cargo")]).map((home) =>
    join(home, "bin", name),
  );
  return [...places, `/usr/local/bin/${name}`, `/usr/bin/${name}`].find((path) => existsSync(path)) ?? name;
}

/** Adds up what the suites' own closing lines say: cargo's and wasm-bindgen's, and node's. */
export function count(output) {
  const sum = (pattern) => [...output.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);
  const passed = sum(/test result: \S+ (\d+) passed/g) + sum(/^\S* ?pass (\d+)$/gm);
  return { passed, failed: sum(/test result: .*? (\d+) failed/g) + sum(/^\S* ?fail (\d+)$/gm) };
}

async function suite(name) {
  const from = performance.now();
  console.log(`\n━━ ${name} ━━`);
  const { code, output } = await SUITES[name].work();
  const { passed, failed } = count(output.replace(/\u001b\[[0-9;]*m/g, ""));
  const result = { name, passed, failed: code !== 0 && failed === 0 ? 1 : failed, seconds: (performance.now() - from) / 1000 };
  if (code === 0 && passed === 0) result.failed = 1;
  return result;
}

main(async () => {
  const names = process.argv.slice(2).filter((name) => name in SUITES);
  if (names.length === 0) throw new Error(`name suites: ${Object.keys(SUITES).join(", ")}`);
  await setup([...new Set(names.flatMap((name) => SUITES[name].needs))]);
  const results = [];
  for (const name of names) {
    results.push(await suite(name).catch((error) => ({ name, passed: 0, failed: 1, seconds: 0, error: error.message })));
  }
  console.log("");
  for (const { name, passed, failed, seconds, error } of results) {
    console.log(
      `${failed ? "✗" : "✓"} ${name}: ${passed} passed, ${failed} failed, ${seconds.toFixed(0)} s${error ? ` (${error})` : ""}`,
    );
  }
  const total = (key) => results.reduce((sum, result) => sum + result[key], 0);
  console.log(`${total("passed")} passed, ${total("failed")} failed`);
  if (total("failed") > 0) process.exitCode = 1;
});

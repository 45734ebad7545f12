//! The house rules as a test: length, imports by rank, banned calls, module openings, names of requirements. It decides
//! nothing that a compiler or clippy decides already, and it never changes a file. It is run with every `cargo test`, and
//! each complaint names the place and what to do instead.
#![cfg(not(target_arch = "wasm32"))]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

const LINES_MAX: usize = 400;
const COLUMNS_MAX: usize = 130;
/// Written by hand and read by people; everything else is data or produced.
const SOURCES: &[&str] = &["rs", "ts", "tsx", "js", "mjs", "css", "sql", "sh"];
const FOLDERS: &[&str] = &["src", "server", "js", "sw", "www", "tests", "bench", "scripts", "schemas", ".ci"];
const NOT_OURS: &[&str] = &["target", "node_modules", "dist", "pkg"];

/// Rooms by rank (design.md). A room imports only its own rank and lower ones.
const RANKS: &[(&str, u8)] = &[
    ("error", 0),
    ("limits", 0),
    ("time", 0),
    ("id", 0),
    ("plain", 0),
    ("hlc", 1),
    ("schema", 1),
    ("record", 1),
    ("merge", 2),
    ("queue", 2),
    ("space", 2),
    ("wire", 2),
    ("store", 3),
    ("authority", 3),
    ("dialect", 3),
    ("sync", 4),
    ("browser", 5),
    ("bindings", 6),
];
const FOR_SERVER: &[&str] = &["error", "limits", "time", "id", "plain", "hlc", "schema", "record", "merge", "wire", "authority"];

/// How many requirements each family has (requirements.md); a test may name no others.
const REQUIREMENTS: &[(&str, u32)] = &[
    ("APP", 2),
    ("STO", 11),
    ("QUE", 12),
    ("SYN", 17),
    ("IDS", 4),
    ("CON", 11),
    ("SPC", 9),
    ("ATT", 3),
    ("SEC", 11),
    ("SW", 5),
    ("UIX", 12),
    ("SRV", 10),
    ("OBS", 5),
    ("TST", 2),
];

/// What may not be written, where, and what to write instead.
struct Ban {
    what: &'static str,
    within: fn(&Source) -> bool,
    instead: &'static str,
}

const BANS: &[Ban] = &[
    Ban { what: "todo!", within: rust, instead: "build it, or leave the whole part out" },
    Ban { what: "unimplemented!", within: rust, instead: "build it, or leave the whole part out" },
    Ban { what: "unsafe ", within: rust, instead: "safe code; the workspace forbids it" },
    Ban { what: "dbg!", within: rust, instead: "an assertion, or an event" },
    Ban { what: "#[ignore", within: rust, instead: "a test that runs, or none" },
    Ban { what: "thread::sleep", within: rust, instead: "time as an input (tests: virtual time, or wait for the effect)" },
    Ban { what: "SystemTime", within: pure, instead: "`now` as a parameter (law 10)" },
    Ban { what: "Instant::now", within: pure, instead: "`now` as a parameter (law 10)" },
    Ban { what: "HashMap", within: pure, instead: "BTreeMap: its order is the same in every run (law 10)" },
    Ban { what: "HashSet", within: pure, instead: "BTreeSet: its order is the same in every run (law 10)" },
    Ban { what: "rand::", within: pure, instead: "random bytes as an input (law 10)" },
    Ban { what: "getrandom", within: pure, instead: "random bytes as an input (law 10)" },
    Ban { what: "new_v4(", within: pure, instead: "`id`, fed with time and random bytes (law 10)" },
    Ban { what: "now_v7(", within: pure, instead: "`id`, fed with time and random bytes (law 10)" },
    Ban { what: "@ts-ignore", within: script, instead: "a type that is true" },
    Ban { what: "@ts-nocheck", within: script, instead: "a type that is true" },
    Ban { what: "as any", within: script, instead: "`unknown` and a check" },
    Ban { what: "eslint-disable", within: script, instead: "code that needs no exception" },
    Ban { what: "test.skip(", within: script, instead: "a test that runs, or none" },
    Ban { what: "it.skip(", within: script, instead: "a test that runs, or none" },
    Ban { what: "describe.skip(", within: script, instead: "a test that runs, or none" },
    Ban { what: "test.only", within: script, instead: "all tests" },
    Ban { what: "it.only", within: script, instead: "all tests" },
    Ban { what: "waitForTimeout", within: script, instead: "waiting for the effect" },
    Ban { what: ".innerHTML", within: script, instead: "textContent and elements (Trusted Types)" },
    Ban { what: "document.write", within: script, instead: "elements" },
    Ban { what: "eval(", within: script_of_page, instead: "a function" },
    Ban { what: "localStorage", within: engine_script, instead: "IndexedDB: data and tokens never go there (STO-1)" },
    Ban { what: "window.", within: engine_script, instead: "globalThis: the same code runs in the worker" },
];

/// Parts of paths that only exist on somebody's machine.
const MACHINE_PATHS: &[&str] = &["/root/", "/home/", "/tmp/"];

struct Source {
    /// From the root of the project, with `/`.
    path: String,
    text: String,
}

fn rust(source: &Source) -> bool {
    source.path.ends_with(".rs")
}

fn script(source: &Source) -> bool {
    [".ts", ".tsx", ".js", ".mjs"].iter().any(|end| source.path.ends_with(end))
}

fn script_of_page(source: &Source) -> bool {
    script(source) && !source.path.starts_with("tests/") && !source.path.starts_with("scripts/")
}

fn engine_script(source: &Source) -> bool {
    script(source) && (source.path.starts_with("js/") || source.path.starts_with("sw/")) && !source.path.contains("/elements/")
}

/// A room that must give the same bytes for the same inputs: all of src/ but the executors at its edge.
fn pure(source: &Source) -> bool {
    rust(source) && room(&source.path).is_some_and(|room| !matches!(room, "browser" | "bindings" | "lib"))
}

/// The room a file of src/ belongs to: `src/store/write.rs` → `store`.
fn room(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("src/")?;
    Some(rest.split('/').next().unwrap_or(rest).trim_end_matches(".rs"))
}

fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("tests.rs")
}

/// The code of a Rust file as the rules see it: without comments, and without its unit tests.
fn code_of(source: &Source) -> String {
    let text = source.text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).fold(String::new(), |sum, line| sum + line + "\n")
}

/// The modules named directly after `root::`, also in a list: `crate::{error::Code, wire}` → error, wire.
fn imports(code: &str, root: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(root) {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + root.len()..];
        match rest.strip_prefix('{') {
            Some(list) => found.extend(top_names(list)),
            None => found.extend(name_at(rest)),
        }
    }
    found
}

fn name_at(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// The first name of each entry of a braced list, up to its closing brace.
fn top_names(list: &str) -> Vec<String> {
    let (mut depth, mut names, mut entry) = (0, Vec::new(), String::new());
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.extend(name_at(std::mem::take(&mut entry).trim())),
            _ => {}
        }
        if depth == 0 && c != ',' {
            entry.push(c);
        }
    }
    names.extend(name_at(entry.trim()));
    names
}

fn rank(room: &str) -> Option<u8> {
    RANKS.iter().find(|(name, _)| *name == room).map(|(_, rank)| *rank)
}

/// Why `room` may not import `other`, if it may not.
fn import_fault(room: &str, other: &str) -> Option<String> {
    let (Some(own), Some(its)) = (rank(room), rank(other)) else { return None };
    if room == other {
        return None;
    }
    let sides = ["store", "authority", "dialect"];
    if sides.contains(&room) && sides.contains(&other) {
        return Some(format!("`{room}` imports `{other}`: store, authority and dialect know nothing of each other"));
    }
    if other == "authority" {
        return Some(format!("`{room}` imports `authority`: only the server and tests may"));
    }
    (its > own).then(|| format!("`{room}` (rank {own}) imports `{other}` (rank {its}): move what both need downwards"))
}

fn check_imports(source: &Source, out: &mut Vec<String>) {
    if !rust(source) || is_test(&source.path) {
        return;
    }
    let code = code_of(source);
    if let Some(room) = room(&source.path).filter(|room| *room != "lib") {
        if rank(room).is_none() {
            out.push(format!("{}: the room `{room}` has no rank: give it one in tests/tidy.rs and in lib.rs", source.path));
        }
        let faults = imports(&code, "crate::").into_iter().filter_map(|other| import_fault(room, &other));
        out.extend(faults.map(|fault| format!("{}: {fault}", source.path)));
    }
    if source.path.starts_with("server/src/") {
        for other in imports(&code, "landfall::").iter().filter(|other| !FOR_SERVER.contains(&other.as_str())) {
            out.push(format!("{}: the server imports `{other}`: it uses {} only", source.path, FOR_SERVER.join(", ")));
        }
    }
}

fn check_size(source: &Source, out: &mut Vec<String>) {
    let lines = source.text.lines().count();
    if lines > LINES_MAX {
        out.push(format!("{}: {lines} lines, {LINES_MAX} are the most: one idea per file", source.path));
    }
    // Messages in tests stay readable as one piece.
    let quoted = |line: &str| is_test(&source.path) && line.contains("r#\"");
    let long = |line: &str| line.chars().count() > COLUMNS_MAX && !quoted(line);
    for (at, line) in source.text.lines().enumerate().filter(|(_, line)| long(line)) {
        out.push(format!("{}:{}: {} columns, {COLUMNS_MAX} are the most", source.path, at + 1, line.chars().count()));
    }
}

fn check_bans(source: &Source, out: &mut Vec<String>) {
    let unit_tests_from = source.text.find("#[cfg(test)]").unwrap_or(source.text.len());
    let mut offset = 0;
    for (at, line) in source.text.lines().enumerate() {
        let bare = line.split("//").next().unwrap_or_default();
        let in_tests = is_test(&source.path) || offset >= unit_tests_from;
        offset += line.len() + 1;
        for ban in BANS.iter().filter(|ban| (ban.within)(source) && bare_or_marker(ban, line, bare)) {
            if !(in_tests && allowed_in_tests(ban)) {
                out.push(format!("{}:{}: `{}`; instead: {}", source.path, at + 1, ban.what.trim(), ban.instead));
            }
        }
        for path in MACHINE_PATHS.iter().filter(|path| line.contains(**path)) {
            out.push(format!(
                "{}:{}: the machine's path `{path}`; instead: a relative one, or the system's own",
                source.path,
                at + 1
            ));
        }
    }
}

/// Words that work from inside a comment (`@ts-ignore`) are looked for there too.
fn bare_or_marker(ban: &Ban, line: &str, bare: &str) -> bool {
    if ban.what.starts_with('@') || ban.what.starts_with("eslint") { line.contains(ban.what) } else { word_in(bare, ban.what) }
}

/// Whether `what` stands in `line` and is not the end of a longer word (`no_todo!`, `retrieval(`).
fn word_in(line: &str, what: &str) -> bool {
    let starts_word = what.starts_with(|c: char| c.is_alphanumeric());
    line.match_indices(what)
        .any(|(at, _)| !(starts_word && line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.')))
}

/// Unit tests may use a clock-free map for counting; everything else holds there as well.
fn allowed_in_tests(ban: &Ban) -> bool {
    matches!(ban.what, "HashMap" | "HashSet")
}

fn check_opening(source: &Source, out: &mut Vec<String>) {
    if rust(source) && !source.path.ends_with("/tests.rs") && !source.text.starts_with("//!") {
        out.push(format!("{}: opens without `//!`: say what it decides, what it never does, who calls it", source.path));
    }
}

fn check_requirements(source: &Source, out: &mut Vec<String>) {
    for (family, most) in REQUIREMENTS {
        let mark = format!("{family}-");
        for (at, _) in source.text.match_indices(&mark) {
            let before = source.text[..at].chars().next_back();
            let number: String = source.text[at + mark.len()..].chars().take_while(char::is_ascii_digit).collect();
            let stands_alone = !before.is_some_and(|c| c.is_alphanumeric() || c == '-');
            if stands_alone && number.parse::<u32>().is_ok_and(|number| number == 0 || number > *most) {
                out.push(format!("{}: {mark}{number} is no requirement; the last one is {mark}{most}", source.path));
            }
        }
    }
}

fn check_worker(source: &Source, out: &mut Vec<String>) {
    if !source.path.starts_with("sw/") || !script(source) {
        return;
    }
    for line in source.text.lines() {
        let Some((_, from)) = line.split_once(" from \"") else { continue };
        if !["../js/", "./", "workbox-"].iter().any(|start| from.starts_with(start)) {
            out.push(format!("{}: imports {from}: the worker is a shim over js/ and Workbox", source.path));
        }
    }
}

/// Everything that is wrong with one file.
fn faults(source: &Source) -> Vec<String> {
    let mut out = Vec::new();
    check_size(source, &mut out);
    check_imports(source, &mut out);
    check_opening(source, &mut out);
    check_worker(source, &mut out);
    if source.path != "tests/tidy.rs" {
        check_bans(source, &mut out);
        check_requirements(source, &mut out);
    }
    out
}

fn collect(folder: &Path, root: &Path, out: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() {
            if !NOT_OURS.contains(&name.as_str()) {
                collect(&path, root, out);
            }
        } else if path.extension().map_or(name == "run", |end| SOURCES.contains(&end.to_string_lossy().as_ref())) {
            let text = fs::read_to_string(&path).unwrap();
            out.push(Source { path: path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/"), text });
        }
    }
}

#[test]
fn every_file_keeps_the_house_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for folder in FOLDERS {
        collect(&root.join(folder), root, &mut sources);
    }
    assert!(sources.iter().any(|source| source.path == "src/error.rs"), "the sources were not found");
    let found: Vec<String> = sources.iter().flat_map(faults).collect();
    let list = found.iter().fold(String::new(), |mut list, fault| {
        let _ = writeln!(list, "  {fault}");
        list
    });
    assert!(found.is_empty(), "{} faults:\n{list}", found.len());
}

#[test]
fn each_rule_finds_a_planted_fault() {
    let finds = |path: &str, text: &str, words: &str| {
        let found = faults(&Source { path: path.to_owned(), text: text.to_owned() });
        assert!(found.iter().any(|fault| fault.contains(words)), "{path}: {words:?} not among {found:?}");
    };
    finds("src/merge/field.rs", "//! x\nuse crate::store::key;\n", "(rank 2) imports `store` (rank 3)");
    finds("src/store/write.rs", "//! x\nuse crate::{error::{Code, Error}, authority};\n", "know nothing of each other");
    finds("src/sync/push.rs", "//! x\nfn a() { crate::authority::decide(); }\n", "only the server and tests may");
    finds("src/wire/a.rs", "//! x\nuse std::collections::HashMap;\n", "BTreeMap");
    finds("src/attic/a.rs", "//! x\n", "has no rank");
    finds("src/store/a.rs", "//! x\nfn a() { todo!() }\n", "todo!");
    finds("src/store/a.rs", "fn a() {}\n", "opens without");
    finds("src/store/a.rs", &"//! x\n".repeat(LINES_MAX + 1), "lines");
    finds("src/store/a.rs", &format!("//! {}\n", "x".repeat(COLUMNS_MAX)), "columns");
    finds("server/src/a.rs", "//! x\nuse landfall::queue::Op;\n", "the server imports `queue`");
    finds("js/a.ts", "// @ts-ignore\n", "@ts-ignore");
    finds("www/a.ts", "const p = '/home/me/x';\n", "machine's path");
    finds("tests/e2e/a.mjs", "// STO-12\n", "no requirement");
    finds("tests/e2e/a.mjs", "test.only('x', () => {});\n", "all tests");
    finds("sw/worker.ts", "import { html } from \"lit\";\n", "shim");
}

#[test]
fn what_is_allowed_is_not_complained_about() {
    let clean = |path: &str, text: &str| {
        let found = faults(&Source { path: path.to_owned(), text: text.to_owned() });
        assert!(found.is_empty(), "{found:?}");
    };
    clean("src/sync/push.rs", "//! x\nuse crate::{store::port::Tx, wire::push};\n// todo! is only a word here\n");
    clean("src/sync/tests.rs", "use crate::authority::decide; // SYN-17\n");
    clean("src/browser/a.rs", "//! x\nuse crate::sync::port::Input;\n");
    clean("server/src/a.rs", "//! x\nuse landfall::{authority::decide, wire};\nuse std::time::SystemTime;\n");
    clean("js/a.ts", "const retrieval = medieval(x);\n");
}

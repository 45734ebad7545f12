//! Keeps the three lists of errors equal: `Code::ALL` in Rust, the table of ERRORS.md, and the union in js/errors.ts. It
//! decides nothing about a code, and never repairs a list. It is run with every `cargo test`.
#![cfg(not(target_arch = "wasm32"))]

use landfall::error::{Code, Retry};

const SURVEY: &str = include_str!("../ERRORS.md");

const SCRIPT: &str = include_str!("../js/errors.ts");

/// One row of the survey, cell by cell.
fn rows() -> Vec<Vec<&'static str>> {
    let from = SURVEY.find("| Code | Retry | HTTP |").expect("ERRORS.md has its table");
    let rows = SURVEY[from..].lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

fn retry_word(retry: Retry) -> String {
    serde_json::to_string(&retry).unwrap().trim_matches('"').to_owned()
}

#[test]
fn the_survey_has_one_row_for_each_code_in_the_same_order() {
    let written: Vec<&str> = rows().iter().map(|row| row[0]).collect();
    let known: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(written, known);
}

#[test]
fn the_survey_names_the_retry_class_and_the_status_of_each_code() {
    for (row, code) in rows().iter().zip(Code::ALL) {
        assert_eq!(row[1], retry_word(code.retry()), "{code}");
        let status = if code.status() == 0 { "–".to_owned() } else { code.status().to_string() };
        assert_eq!(row[2], status, "{code}");
    }
}

#[test]
fn no_row_ends_in_silence() {
    for row in rows() {
        assert_eq!(row.len(), 9, "{} has {} cells", row[0], row.len());
        assert!(row.iter().all(|cell| !cell.is_empty()), "{} has an empty cell", row[0]);
        assert!(row.iter().all(|cell| !cell.to_lowercase().contains("only logged")), "{} is only logged", row[0]);
        let says_a_code = row[6].contains("{code") || row[6].contains("event") || row[6].contains("rejects");
        assert!(says_a_code || row[6].contains("db.conflicts"), "{}: a developer sees nothing", row[0]);
        let words = row[7];
        assert!(words.contains('"') || words.starts_with("nothing:"), "{}: a user reads nothing", row[0]);
    }
}

#[test]
fn each_retry_class_is_explained_once() {
    let classes = [Retry::Later, Retry::AfterAuth, Retry::AfterEdit, Retry::Mended, Retry::Never];
    for class in classes {
        assert_eq!(SURVEY.matches(&format!("\n| `{}` |", retry_word(class))).count(), 1, "{class:?}");
    }
}

#[test]
fn codes_without_a_status_never_travel() {
    for (row, code) in rows().iter().zip(Code::ALL).filter(|(_, code)| code.status() == 0) {
        let travels = row[4].to_lowercase();
        assert!(travels.contains("never") || travels.contains("nothing usable"), "{code}: {travels}");
    }
}

/// The quoted words between two marks of the TypeScript file.
fn words_between(from: &str, to: &str) -> Vec<&'static str> {
    let start = SCRIPT.find(from).unwrap_or_else(|| panic!("js/errors.ts has no {from:?}"));
    let list = &SCRIPT[start + from.len()..];
    let end = list.find(to).expect("the list ends");
    list[..end].split('"').skip(1).step_by(2).collect()
}

#[test]
fn typescript_has_the_same_codes_in_the_same_order() {
    let known: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(words_between("export const CODES = [", "]"), known);
    assert!(SCRIPT.contains("export type Code = (typeof CODES)[number];"), "the type is made from the list");
}

#[test]
fn typescript_has_the_same_retry_classes() {
    let mut known: Vec<String> = Code::ALL.iter().map(|code| retry_word(code.retry())).collect();
    known.sort();
    known.dedup();
    let mut written = words_between("export type Retry =", ";");
    written.sort_unstable();
    assert_eq!(written, known);
}

// SYN-13
#[test]
fn typescript_advises_the_same() {
    let start = SCRIPT.find("export const ACTIONS = {").expect("js/errors.ts has its table");
    let table = SCRIPT[start..].lines().skip(1).take_while(|line| line.starts_with("  "));
    let written: Vec<(&str, String)> = table
        .filter_map(|line| line.trim().trim_end_matches(',').split_once(": "))
        .map(|(code, action)| (code, action.trim_matches('"').replace('_', "")))
        .collect();
    let known: Vec<(&str, String)> =
        Code::ALL.iter().map(|code| (code.as_str(), format!("{:?}", code.handling().action).to_lowercase())).collect();
    assert_eq!(written, known);
}

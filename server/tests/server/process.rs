//! The program itself: it says where it listens, ends when it is asked to, and loses nothing it has acknowledged when it is
//! killed.

use crate::world::{create, push, schemas};
use landfall_server::db::Db;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    address: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        // By its own id, whatever state the test left it in; a process that has ended already is no fault.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(data: &Path) -> Running {
    let mut child = Command::new(env!("CARGO_BIN_EXE_landfall-server"))
        .args(["--listen", "127.0.0.1:0", "--dev", "--rate-per-s", "1000000", "--data"])
        .arg(data)
        .arg("--schemas")
        .arg(schemas())
        .env("RUST_LOG", "warn")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap_or_else(|| panic!("{line:?}")).to_owned();
    Running { child, out, address }
}

fn request(path: &str, token: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         authorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Sends a request and reads the answer; none when the connection breaks before it is whole.
fn send(address: &str, bytes: &[u8]) -> Option<Value> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(bytes).ok()?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text).ok()?;
    let text = String::from_utf8(text).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") { unchunked(body)? } else { body.to_owned() };
    let answer = serde_json::from_str(&body).ok()?;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}\n{answer}");
    Some(answer)
}

fn unchunked(mut body: &str) -> Option<String> {
    let mut whole = String::new();
    loop {
        let (size, rest) = body.split_once("\r\n")?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(whole);
        }
        whole.push_str(rest.get(..size)?);
        body = rest.get(size + 2..)?;
    }
}

fn login(address: &str) -> String {
    let reply = send(address, &request("/auth/dev", "", &json!({"app": "shop", "tenant": "t", "user": "ann"}))).unwrap();
    let token = reply["access_token"].as_str().unwrap().to_owned();
    send(address, &request("/shop/api/v1/sync/devices", &token, &json!({"device_id": "d1"}))).unwrap();
    token
}

/// Numbers that look random and are the same in every run (a multiplicative congruential generator).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn ops(batch: u64) -> Vec<Value> {
    (0..20).map(|n| create(&format!("op-{batch}-{n}"), &format!("{batch}-{n}"))).collect()
}

// scenario 22; SRV-5, I3, I7
#[test]
fn killed_at_any_moment_it_loses_nothing_acknowledged_and_doubles_nothing() {
    const LIVES: u64 = 24;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.db");
    let mut dice = Dice(0x5eed);
    let (mut next, mut acknowledged, mut cut) = (0, BTreeSet::new(), 0);
    for life in 0..LIVES {
        let mut server = start(&data);
        let token = login(&server.address);
        let body = |no: u64, batch: u64| {
            let mut body = push("d1", no, &ops(batch));
            body["incarnation"] = json!(format!("life {life}"));
            request("/shop/api/v1/sync/push", &token, &body)
        };
        // What was cut off before is sent again, with the same ids, and so is one that was acknowledged.
        let mut no = 1;
        let again = send(&server.address, &body(no, dice.below(next + 1).min(next))).unwrap();
        assert_eq!(again["success"], true, "{again}");
        for _ in 0..dice.below(6) + 1 {
            no += 1;
            let answer = send(&server.address, &body(no, next)).unwrap();
            assert_eq!(answer["success"], true, "{answer}");
            acknowledged.insert(next);
            next += 1;
        }
        // The last push of this life, killed while it arrives, while it is being committed, or as soon as it is answered.
        let bytes = body(no + 1, next);
        let moment = dice.below(4);
        let part = if moment == 0 { dice.below(bytes.len() as u64) as usize } else { bytes.len() };
        let log = || std::fs::metadata(data.with_extension("db-wal")).map_or(0, |log| log.len());
        let before = log();
        let address = server.address.clone();
        let sending = std::thread::spawn(move || send(&address, &bytes[..part]));
        let grown = |log: u64| moment != 3 && log > before;
        while moment > 0 && !sending.is_finished() && !grown(log()) {
            std::hint::spin_loop();
        }
        (0..dice.below(1_000) * moment).for_each(|_| std::hint::spin_loop());
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        match sending.join().unwrap() {
            Some(answer) => {
                assert_eq!(answer["success"], true);
                acknowledged.insert(next);
                next += 1;
            }
            None => cut += 1,
        }
        check(&data, &acknowledged);
    }
    assert!(cut > 0, "no push was cut off: the test did not test");
    assert!(acknowledged.len() as u64 >= LIVES);
}

/// Every acknowledged op has its answer and its effect; no answer is without effect and no effect without answer.
#[tokio::main(flavor = "current_thread")]
async fn check(data: &Path, acknowledged: &BTreeSet<u64>) {
    let db = Db::open(data).await.unwrap();
    let mut tx = db.read().await.unwrap();
    let answers: Vec<(String, i64, String)> =
        sqlx::query_as("SELECT id, number, answer ->> 'entity_id' FROM answers ORDER BY number")
            .fetch_all(&mut *tx)
            .await
            .unwrap();
    let records: Vec<(String, i64, i64)> =
        sqlx::query_as("SELECT id, number, version FROM records ORDER BY number").fetch_all(&mut *tx).await.unwrap();
    let counter: Option<i64> = sqlx::query_scalar("SELECT counter FROM tenants").fetch_optional(&mut *tx).await.unwrap();
    drop(tx);
    db.close().await;
    assert_eq!(answers.len(), records.len());
    for ((op, number, entity), (id, of, version)) in answers.iter().zip(&records) {
        assert_eq!((op, number, entity, *version), (&format!("op-{id}"), of, id, 1));
    }
    let numbers: Vec<i64> = records.iter().map(|(_, number, _)| *number).collect();
    assert_eq!(numbers, (1..=counter.unwrap_or(0)).collect::<Vec<_>>(), "each number once, none without its row");
    let ids: BTreeSet<&str> = records.iter().map(|(id, _, _)| id.as_str()).collect();
    for batch in acknowledged {
        for n in 0..20 {
            assert!(ids.contains(format!("{batch}-{n}").as_str()), "{batch}-{n} was acknowledged and is gone");
        }
    }
    assert_eq!(ids.len() % 20, 0, "a push is whole or not there");
}

#[test]
fn it_ends_when_asked_to_even_with_a_stream_open() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.db");
    let mut server = start(&data);
    let token = login(&server.address);
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let head = "GET /shop/api/v1/sync/events HTTP/1.1\r\nhost: localhost\r\n";
    stream.write_all(format!("{head}authorization: Bearer {token}\r\n\r\n").as_bytes()).unwrap();
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        lines.read_line(&mut line).unwrap();
    }
    send(&server.address, &request("/shop/api/v1/sync/push", &token, &push("d1", 1, &ops(0)))).unwrap();
    while !line.starts_with("data:") {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the stream ended without a notice");
    }
    assert_eq!(line, "data: {\"number\":20}\n");
    let id = server.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(server.child.wait().unwrap().success());
    let mut rest = String::new();
    server.out.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "one line and no more");
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["data.db"], "the log is folded into the file");
}

#[test]
fn a_wrong_start_says_why() {
    let run = |arguments: &[&str]| {
        let program = env!("CARGO_BIN_EXE_landfall-server");
        Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap()
    };
    for (arguments, told) in [
        (&["--nonsense"] as &[&str], "VALIDATION_ERROR"),
        (&["--schemas", "no/such/folder"], "INVALID_SCHEMA"),
        (&["--schemas", env!("CARGO_MANIFEST_DIR")], "INVALID_SCHEMA"),
    ] {
        let output = run(arguments);
        assert!(!output.status.success() && output.stdout.is_empty());
        assert!(String::from_utf8_lossy(&output.stderr).contains(told), "{arguments:?}: {output:?}");
    }
    let output = run(&["--help"]);
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("--seed-file"));
}

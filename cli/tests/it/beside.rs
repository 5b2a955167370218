//! Beside a server, a command does what it does without one: the same output, files and exit codes.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::run::{Place, Ran};
use crate::served::Served;

const SOON: Duration = Duration::from_secs(20);

const BOOK: &str = r#"{"customers":[{"id":"c1","name":"One"},{"id":"c2","name":"Two"}],"plans":[],"invoices":[
  {"id":"i1","customer_id":"c1","type":"one-time","invoice_date":"2024-01-01","amount":100,"currency":"USD"}]}"#;

/// Commands after one another, each with its input.
const COMMANDS: [(&[&str], &str); 18] = [
    (&["import", "book.json"], ""),
    (&["import", "book.json", "--json"], ""),
    (&["import", "-", "--dry-run"], r#"{"customers":[{"id":"c9","name":"Nine"}]}"#),
    (
        &["import", "customers", "-", "--source", "other", "--map", "email=name"],
        "{\"id\":\"c1\",\"email\":\"a@b.c\"}\n",
    ),
    (&["import", "customers", "bad.csv", "--rejects", "rejects.ndjson"], ""),
    (
        &[
            "import",
            "customers",
            "bad.csv",
            "--on-error",
            "skip",
            "--rejects",
            "rejects.ndjson",
            "--json",
        ],
        "",
    ),
    (&["import", "customers", "bad.csv", "--map", "name=shoe_size"], ""),
    (&["import", "customers", "bad.csv", "--rejects", "bad.csv"], ""),
    (&["import", "nowhere.json"], ""),
    (
        &["push", "customers", "-", "--batch", "1"],
        "{\"id\":\"c3\",\"name\":\"Three\"}\n{\"id\":\"c4\",\"name\":\"\"}\n{\"id\":\"c1\",\"name\":\"One\"}\n",
    ),
    (&["push", "invoices", "invoices.ndjson"], ""),
    (&["delete", "invoices", "i2", "i9"], ""),
    (&["delete", "customers", "c2"], ""),
    (&["sources", "reset", "nowhere"], ""),
    (&["sources", "reset", "other"], ""),
    (&["sql", "-c", "select data_source, id, name from customers order by 1, 2"], ""),
    (&["sql", "-c", "select id, customer_id, amount from invoices order by 1"], ""),
    (&["sources", "delete", "default", "--with-data"], ""),
];

fn place() -> Place {
    let place = Place::new();
    place.file("book.json", BOOK);
    place.file("bad.csv", "id,name\nc5,Five\nc6,\nc7,Seven\n");
    let invoice = r#"{"id":"i2","customer_id":"c2","type":"one-time","invoice_date":"2024-02-01","amount":7,"currency":"USD","plan_id":"p"}"#;
    place.file("invoices.ndjson", format!("{invoice}\n"));
    place
}

/// How all commands ended, and what they wrote.
fn ran(place: &Place) -> Vec<(Ran, String)> {
    let ran = |(args, input): (&[&str], &str)| {
        let mut ran = place.run_with_input(args, input.as_bytes());
        // Numbers that an import reserved and did not use are free again for the next process only.
        ran.out = without_sequences(&ran.out);
        ran.err = ran
            .err
            .replace(&place.dir.path().canonicalize().unwrap().display().to_string(), "PLACE");
        let rejects = place.dir.path().join("rejects.ndjson");
        let written = std::fs::read_to_string(&rejects).unwrap_or_default();
        let _ = std::fs::remove_file(rejects);
        (ran, written)
    };
    COMMANDS.into_iter().map(ran).collect()
}

fn without_sequences(text: &str) -> String {
    let mut parts = text.split("\"sequence\":");
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |text, part| {
        text + part.trim_start_matches(|digit: char| digit.is_ascii_digit())
    })
}

#[test]
fn a_command_beside_a_server_does_what_it_does_without() {
    let (without, with) = (place(), place());
    let server = Served::start(&with, &[]);
    let beside = ran(&with);
    for (at, ((alone, its_rejects), (beside, rejects))) in
        ran(&without).iter().zip(&beside).enumerate()
    {
        let command = COMMANDS[at].0;
        assert_eq!((alone.code, &alone.err), (beside.code, &beside.err), "{command:?}");
        assert_eq!(alone.out, beside.out, "{command:?}");
        assert_eq!(its_rejects, rejects, "{command:?}");
    }
    let codes: Vec<_> = beside.iter().map(|(ran, _)| ran.code).collect();
    assert_eq!(codes, [0, 0, 0, 0, 3, 3, 2, 2, 2, 3, 0, 1, 0, 1, 0, 0, 0, 0]);

    let compacted = with.run(&["compact"]);
    assert_eq!(compacted.code, 0, "{}", compacted.err);
    assert!(compacted.err.contains("files that nobody needs were removed"), "{}", compacted.err);
    with.ok(&["settings", "set", "timezone", "Europe/Vienna"]);
    server.stop();
    with.ok(&["verify"]);
}

#[test]
fn an_open_stream_is_acknowledged_row_by_row() {
    let place = place();
    let server = Served::start(&place, &[]);
    let mut command =
        place.command(&["push", "customers", "-", "--batch", "1", "--input-format", "ndjson"]);
    let mut push = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, output) = (push.stdin.take().unwrap(), push.stdout.take().unwrap());
    let mut acknowledged = BufReader::new(output).lines();
    for id in ["a", "b", "c"] {
        writeln!(input, r#"{{"id":"{id}","name":"{id}"}}"#).unwrap();
        let line = acknowledged.next().unwrap().unwrap();
        assert!(line.contains(&format!(r#""id":"{id}","status":"created""#)), "{line}");
    }
    // A server that stops does not wait for input that nobody sends, and what was acknowledged
    // stays.
    server.stop();
    let output = push.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("the server is stopping; run the command again"), "{told}");
    assert!(place.ok(&["sql", "-c", "select count(*) as n from customers"]).contains("{\"n\":3}"));
}

#[test]
fn an_import_whose_command_is_killed_stores_nothing() {
    let place = place();
    let server = Served::start(&place, &[]);
    let mut command = place.command(&["import", "customers", "-"]);
    let mut import =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut input = import.stdin.take().unwrap();
    for row in 0..20_000 {
        writeln!(input, r#"{{"id":"c{row}","name":"n"}}"#).unwrap();
    }
    import.kill().unwrap();
    import.wait().unwrap();
    drop(input);
    let staging = place.dir.path().join("mrrow-data/staging");
    let began = Instant::now();
    while std::fs::read_dir(&staging).unwrap().count() > 0 {
        assert!(began.elapsed() < SOON, "the import goes on");
        std::thread::sleep(Duration::from_millis(20));
    }
    place.ok(&["import", "book.json"]);
    server.stop();
    assert!(place.ok(&["sql", "-c", "select count(*) as n from customers"]).contains("{\"n\":2}"));
}

#[test]
fn what_a_killed_server_has_left_is_in_nobodys_way() {
    let place = place();
    let socket = place.dir.path().join("mrrow-data/server.sock");
    let mut server = Served::start(&place, &[]);
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    server.kill();
    assert!(socket.exists());
    place.ok(&["import", "book.json"]);
    let server = Served::start(&place, &[]);
    place.ok(&["delete", "customers", "c2"]);
    server.stop();
    assert!(!socket.exists());
    assert!(place.ok(&["sql", "-c", "select count(*) as n from customers"]).contains("{\"n\":1}"));
}

#[test]
fn a_long_path_is_no_hindrance() {
    let place = place();
    let data = place.dir.path().join("d".repeat(120));
    let data = ["--data", data.to_str().unwrap()];
    let server = Served::start(&place, &data);
    let import = place.run(&[&["import", "book.json"], &data[..]].concat());
    assert_eq!(import.code, 0, "{}", import.err);
    let second = place.run(&[&["serve", "--listen", "127.0.0.1:0"], &data[..]].concat());
    assert_eq!(second.code, 1);
    assert!(second.err.contains("is being written by process"), "{}", second.err);
    server.stop();
}

#[test]
fn limits_are_set_by_the_file_and_the_command_line() {
    let place = place();
    place.file("mrrow.toml", "[serve.limits]\nbody_mib = 1\nconnections = 9\n");
    let server = Served::start(&place, &["--limit", "connections=5"]);
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(1 << 20));
    assert!(server.ask(413, "POST", "/v1/data-sources", &large).contains("too_large"));
    server.stop();
    place.file("mrrow.toml", "[serve.limits]\nbody_mb = 1\n");
    let refused = place.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.err.contains("\"body_mb\" is not a limit; the limits are connections,"),
        "{}",
        refused.err
    );
}

#[test]
fn no_secret_is_in_any_log() {
    let place = place();
    let server = Served::start(&place, &["--log", "trace"]);
    let secret = "mrrow_secretsecretsecretsecretsecretsecretsec";
    server.ask(200, "GET", "/v1/data-sources", "");
    for request in [
        format!(
            "GET /v1/data-sources?api_key={secret} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        ),
        format!(
            "GET /v1/data-sources HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {secret}\r\nconnection: close\r\n\r\n"
        ),
        format!(
            "GET /v1/data-sources HTTP/1.1\r\nhost: x\r\nauthorization: Basic {secret}\r\nx-api-key: {secret}\r\nconnection: close\r\n\r\n"
        ),
    ] {
        assert!(server.say(&request).starts_with("HTTP/1.1 401"));
    }
    let answer = server.ask(201, "POST", "/v1/keys", r#"{"name":"viewer","role":"viewer"}"#);
    let made = answer.split("\"key\":\"").nth(1).unwrap().split('"').next().unwrap().to_string();
    server.ask(400, "POST", &format!("/v1/keys?key={secret}"), &format!("{{\"name\":\"{secret}\""));
    place.ok(&["import", "book.json"]);
    let known = server.first_key.clone().unwrap();
    let log = server.stop();
    assert!(
        log.contains("\"path\":\"/v1/data-sources\"") && log.contains("\"key\":\"key_"),
        "{log}"
    );
    for secret in [known.as_str(), secret, &made] {
        assert!(
            !log.contains(secret),
            "a secret is logged: {}",
            log.lines().find(|line| line.contains(secret)).unwrap_or_default()
        );
    }
    let files = files_with(place.dir.path(), &known);
    assert!(files.is_empty(), "a key is in {files:?}");
}

/// The files under a directory that have a text in them.
fn files_with(dir: &std::path::Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in dir.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if let Ok(mut file) = std::fs::File::open(&path) {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

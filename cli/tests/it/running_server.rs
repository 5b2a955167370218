//! While a server holds the data directory, commands have the same output, files and exit codes as
//! without a server.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::server_process::ServerProcess;
use crate::test_dir::{CommandOutput, TestDir};
use crate::wait::wait_for;

const BOOK: &str = "{\"customers\":[{\"id\":\"c1\",\"name\":\"One\"},{\"id\":\"c2\",\
     \"name\":\"Two\"}],\"plans\":[],\"invoices\":[\n  {\"id\":\"i1\",\"customer_id\":\"c1\",\
     \"type\":\"one-time\",\"invoice_date\":\"2024-01-01\",\"amount\":100,\"currency\":\"USD\"}]}";

/// Commands in order, each with its standard input.
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
        "{\"id\":\"c3\",\"name\":\"Three\"}\n{\"id\":\"c4\",\"name\":\"\"}\n{\"id\":\"c1\",\
         \"name\":\"One\"}\n",
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

fn test_dir() -> TestDir {
    let dir = TestDir::new();
    dir.file("book.json", BOOK);
    dir.file("bad.csv", "id,name\nc5,Five\nc6,\nc7,Seven\n");
    let invoice = "{\"id\":\"i2\",\"customer_id\":\"c2\",\"type\":\"one-time\",\
         \"invoice_date\":\"2024-02-01\",\"amount\":7,\"currency\":\"USD\",\"plan_id\":\"p\"}";
    dir.file("invoices.ndjson", format!("{invoice}\n"));
    dir
}

/// Runs all commands. Returns the output of each, and its rejects file.
fn run_all(dir: &TestDir) -> Vec<(CommandOutput, String)> {
    let run = |(args, input): (&[&str], &str)| {
        let mut output = dir.run_with_input(args, input.as_bytes());
        // An import reserves sequences, and those unused are free again only in the next process.
        output.out = without_sequences(&output.out);
        output.err =
            output.err.replace(&dir.path().canonicalize().unwrap().display().to_string(), "DIR");
        let rejects = dir.path().join("rejects.ndjson");
        let written = std::fs::read_to_string(&rejects).unwrap_or_default();
        let _ = std::fs::remove_file(rejects);
        (output, written)
    };
    COMMANDS.into_iter().map(run).collect()
}

fn without_sequences(text: &str) -> String {
    let mut parts = text.split("\"sequence\":");
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |text, part| {
        text + part.trim_start_matches(|digit: char| digit.is_ascii_digit())
    })
}

#[test]
fn commands_have_equal_results_with_and_without_a_server() {
    let (without, with) = (test_dir(), test_dir());
    let server = ServerProcess::start(&with, &[]);
    let with_server = run_all(&with);
    for (at, ((expected, expected_rejects), (found, rejects))) in
        run_all(&without).iter().zip(&with_server).enumerate()
    {
        let command = COMMANDS[at].0;
        assert_eq!((expected.code, &expected.err), (found.code, &found.err), "{command:?}");
        assert_eq!(expected.out, found.out, "{command:?}");
        assert_eq!(expected_rejects, rejects, "{command:?}");
    }
    let codes: Vec<_> = with_server.iter().map(|(output, _)| output.code).collect();
    assert_eq!(codes, [0, 0, 0, 0, 3, 3, 2, 2, 2, 3, 0, 1, 0, 1, 0, 0, 0, 0]);

    let compacted = with.run(&["compact"]);
    assert_eq!(compacted.code, 0, "{}", compacted.err);
    assert!(compacted.err.contains("unused files"), "{}", compacted.err);
    with.ok(&["settings", "set", "timezone", "Europe/Vienna"]);
    server.stop();
    with.ok(&["verify"]);
}

#[test]
fn open_stream_is_acknowledged_row_by_row() {
    let dir = test_dir();
    let server = ServerProcess::start(&dir, &[]);
    let mut command =
        dir.command(&["push", "customers", "-", "--batch", "1", "--input-format", "ndjson"]);
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
    // A stopping server does not wait for more input, and keeps the acknowledged rows.
    server.stop();
    let output = push.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("the server is stopping; run the command again"), "{stderr}");
    assert!(dir.ok(&["sql", "-c", "select count(*) as n from customers"]).contains("{\"n\":3}"));
}

#[test]
fn import_of_a_killed_command_stores_nothing() {
    let dir = test_dir();
    let server = ServerProcess::start(&dir, &[]);
    let mut command = dir.command(&["import", "customers", "-"]);
    let mut import =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut input = import.stdin.take().unwrap();
    for row in 0..20_000 {
        writeln!(input, r#"{{"id":"c{row}","name":"n"}}"#).unwrap();
    }
    import.kill().unwrap();
    import.wait().unwrap();
    drop(input);
    let staging = dir.path().join("mrrow-data/staging");
    wait_for("the server drops the import", || {
        (std::fs::read_dir(&staging).unwrap().count() == 0).then_some(())
    });
    dir.ok(&["import", "book.json"]);
    server.stop();
    assert!(dir.ok(&["sql", "-c", "select count(*) as n from customers"]).contains("{\"n\":2}"));
}

#[test]
fn socket_of_a_killed_server_does_not_block_the_next_one() {
    let dir = test_dir();
    let socket = dir.path().join("mrrow-data/server.sock");
    let mut server = ServerProcess::start(&dir, &[]);
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    server.kill();
    assert!(socket.exists());
    dir.ok(&["import", "book.json"]);
    let server = ServerProcess::start(&dir, &[]);
    dir.ok(&["delete", "customers", "c2"]);
    server.stop();
    assert!(!socket.exists());
    assert!(dir.ok(&["sql", "-c", "select count(*) as n from customers"]).contains("{\"n\":1}"));
}

#[test]
fn socket_works_in_a_directory_with_a_long_path() {
    let dir = test_dir();
    let data = dir.path().join("d".repeat(120));
    let data = ["--data", data.to_str().unwrap()];
    let server = ServerProcess::start(&dir, &data);
    let import = dir.run(&[&["import", "book.json"], &data[..]].concat());
    assert_eq!(import.code, 0, "{}", import.err);
    let second = dir.run(&[&["serve", "--listen", "127.0.0.1:0"], &data[..]].concat());
    assert_eq!(second.code, 1);
    assert!(second.err.contains("is being written by process"), "{}", second.err);
    server.stop();
}

#[test]
fn limits_come_from_the_file_and_the_command_line() {
    let dir = test_dir();
    dir.file("mrrow.toml", "[serve.limits]\nbody_mib = 1\nconnections = 9\n");
    let server = ServerProcess::start(&dir, &["--limit", "connections=5"]);
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(1 << 20));
    assert!(server.request(413, "POST", "/v1/data-sources", &large).contains("too_large"));
    server.stop();
    dir.file("mrrow.toml", "[serve.limits]\nbody_mb = 1\n");
    let refused = dir.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.err.contains("\"body_mb\" is not a limit; the limits are connections,"),
        "{}",
        refused.err
    );
}

#[test]
fn no_secret_is_logged_or_stored() {
    let dir = test_dir();
    let server = ServerProcess::start(&dir, &["--log", "trace"]);
    let secret = "mrrow_secretsecretsecretsecretsecretsecretsec";
    server.request(200, "GET", "/v1/data-sources", "");
    for request in [
        format!(
            "GET /v1/data-sources?api_key={secret} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        ),
        format!(
            "GET /v1/data-sources HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {secret}\r\n\
             connection: close\r\n\r\n"
        ),
        format!(
            "GET /v1/data-sources HTTP/1.1\r\nhost: x\r\nauthorization: Basic {secret}\r\n\
             x-api-key: {secret}\r\nconnection: close\r\n\r\n"
        ),
    ] {
        assert!(server.send_raw(&request).starts_with("HTTP/1.1 401"));
    }
    let response = server.request(201, "POST", "/v1/keys", r#"{"name":"viewer","role":"viewer"}"#);
    let made = response.split("\"key\":\"").nth(1).unwrap().split('"').next().unwrap().to_string();
    server.request(
        400,
        "POST",
        &format!("/v1/keys?key={secret}"),
        &format!("{{\"name\":\"{secret}\""),
    );
    dir.ok(&["import", "book.json"]);
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
    let files = files_with(dir.path(), &known);
    assert!(files.is_empty(), "a key is in {files:?}");
}

/// The files under a directory that contain a text.
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

//! SQL over HTTP, with the real binary as server and child: answers, limits, attacks, and a server
//! that is well after each.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use mrrow_engine::arrow::ipc::reader::StreamReader;
use serde_json::{Value, json};

use crate::run::Place;
use crate::served::Served;

/// Longer than anything here may take on a busy machine, so that a server that hangs is found.
const SOON: Duration = Duration::from_secs(60);

struct Face {
    served: Served,
    place: Place,
}

struct Answer {
    status: u16,
    body: Vec<u8>,
    /// Whether all of the body came.
    whole: bool,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    fn code(&self) -> (u16, String) {
        (self.status, self.json()["code"].as_str().unwrap_or_default().to_string())
    }

    /// What was answered on a connection until it was closed.
    fn of(said: &[u8]) -> Answer {
        let head_ends =
            said.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer has a head");
        let head = String::from_utf8_lossy(&said[..head_ends]).to_ascii_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let rest = &said[head_ends + 4..];
        if !head.contains("transfer-encoding: chunked") {
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            return Answer { status, body: rest.to_vec(), whole: rest.len().to_string() == length };
        }
        let (body, whole) = unchunked(rest);
        Answer { status, body, whole }
    }
}

/// What was sent in chunks, and whether the last one, which is empty, came.
fn unchunked(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(line_ends) = rest.windows(2).position(|two| two == b"\r\n") {
        let size =
            usize::from_str_radix(std::str::from_utf8(&rest[..line_ends]).unwrap(), 16).unwrap();
        rest = &rest[line_ends + 2..];
        if size == 0 {
            return (body, true);
        }
        body.extend_from_slice(&rest[..size.min(rest.len())]);
        rest = rest.get(size + 2..).unwrap_or_default();
    }
    (body, false)
}

impl Face {
    fn start() -> Face {
        let place = Place::new();
        place.import_sample();
        let served = Served::start(&place, &[]);
        Face { served, place }
    }

    fn ask(&self, key: &str, query: &str, body: Value) -> Answer {
        let mut stream =
            TcpStream::connect(self.served.url.strip_prefix("http://").unwrap()).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let body = body.to_string();
        let length = body.len();
        let head = format!(
            "POST /v1/sql{query} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n"
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
        let mut said = Vec::new();
        // An answer that is broken off may end in a reset.
        let _ = stream.read_to_end(&mut said);
        Answer::of(&said)
    }

    fn sql_with(&self, query: &str, body: Value) -> Answer {
        self.ask(self.key(), query, body)
    }

    fn sql(&self, sql: &str) -> Answer {
        self.sql_with("", json!({"sql": sql}))
    }

    fn key(&self) -> &str {
        self.served.first_key.as_deref().unwrap()
    }

    /// A statement is answered as if nothing had happened.
    fn is_well(&self) {
        let answer = self.sql("select 1 as one");
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.json()["rows"], json!([[1]]));
    }

    /// The processes that the server has begun.
    fn children(&self) -> Vec<u32> {
        let server = self.served.pid().to_string();
        let is_child = |pid: &u32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.split(' ').nth(1) == Some(&server))
        };
        let pids = std::fs::read_dir("/proc").unwrap().flatten();
        pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_child).collect()
    }
}

const ENDLESS: &str = "select sum(a.value + b.value + c.value) from generate_series(1, 1000) a, generate_series(1, 1000) b, \
    generate_series(1, 1000000000) c";

#[test]
fn an_answer_is_columns_and_rows_and_says_of_what() {
    let face = Face::start();
    let answer = face.sql(
        "select 1 as n, 0.10 as d, date '2024-02-29' as day, cast(null as varchar) as nothing, true as yes, 'é\"' as text, \
         timestamp '2024-01-01T00:00:00Z' as t, make_array(1.50, null) as list",
    );
    assert_eq!(
        answer.json(),
        json!({
            "columns": [
                {"name": "n", "type": "integer"}, {"name": "d", "type": "decimal(2, 2)"}, {"name": "day", "type": "date"},
                {"name": "nothing", "type": "text"}, {"name": "yes", "type": "boolean"}, {"name": "text", "type": "text"},
                {"name": "t", "type": "timestamp"}, {"name": "list", "type": "decimal(3, 2)[]"}
            ],
            "rows": [[1, "0.10", "2024-02-29", null, true, "é\"", "2024-01-01T00:00:00", ["1.50", null]]],
            "row_count": 1, "truncated": false, "snapshot": 1
        })
    );
    let instants =
        face.sql("select invoice_date from invoices order by invoice_date limit 1").json();
    assert_eq!(instants["columns"][0]["type"], "timestamptz");
    assert!(instants["rows"][0][0].as_str().unwrap().ends_with('Z'), "{instants}");
    let none = face.sql("select id from customers where false").json();
    assert_eq!(
        (&none["rows"], &none["row_count"], &none["truncated"]),
        (&json!([]), &json!(0), &json!(false))
    );
}

#[test]
fn rows_are_limited_and_it_is_said() {
    let face = Face::start();
    for (sql, more, count, truncated) in [
        ("select value from generate_series(1, 10001)", json!({}), 10_000, true),
        ("select value from generate_series(1, 10000)", json!({}), 10_000, false),
        ("select value from generate_series(1, 20000)", json!({"max_rows": 20_000}), 20_000, false),
        ("select value from generate_series(1, 3)", json!({"max_rows": 2}), 2, true),
        ("select value from generate_series(1, 3)", json!({"max_rows": 0}), 0, true),
    ] {
        let mut body = json!({"sql": sql});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = face.sql_with("", body).json();
        assert_eq!(answer["rows"].as_array().unwrap().len(), count, "{sql}");
        assert_eq!(
            (&answer["row_count"], &answer["truncated"]),
            (&json!(count), &json!(truncated)),
            "{sql}"
        );
    }
    let lines = face
        .sql_with("?format=ndjson", json!({"sql": "select value from generate_series(1, 20000)"}));
    assert_eq!(
        (lines.whole, lines.body.iter().filter(|byte| **byte == b'\n').count()),
        (true, 20_000)
    );
    for (body, status, code) in [
        (json!({"sql": "select 1", "max_rows": 100_001}), 400, "invalid_request"),
        (json!({"sql": "select 1", "timeout_ms": 0}), 400, "invalid_request"),
        (json!({"sql": "select 1", "timeout_ms": 120_001}), 400, "invalid_request"),
        (json!({"sql": "select 1", "limit": 1}), 400, "invalid_request"),
        (json!({}), 400, "invalid_request"),
        (json!({"sql": " ".repeat(64 * 1024 + 1)}), 413, "sql_limit"),
        (
            json!({"sql": "select repeat('x', 1000000) from generate_series(1, 40)"}),
            413,
            "sql_limit",
        ),
        // DataFusion does not count what its functions take: the system does.
        (json!({"sql": "select length(repeat('x', 400000000))"}), 413, "sql_limit"),
    ] {
        assert_eq!(face.sql_with("", body.clone()).code(), (status, code.to_string()), "{body}");
    }
}

#[test]
fn every_form_has_all_the_rows() {
    let face = Face::start();
    let sql = json!({"sql": "select id, name from customers order by id"});
    let rows = face.sql_with("", sql.clone()).json()["row_count"].as_u64().unwrap() as usize;
    assert!(rows > 3);
    let csv = String::from_utf8(face.sql_with("?format=csv", sql.clone()).body).unwrap();
    assert_eq!((csv.lines().next(), csv.lines().count()), (Some("id,name"), rows + 1));
    let arrow = face.sql_with("?format=arrow", sql.clone()).body;
    let batches = StreamReader::try_new(arrow.as_slice(), None).unwrap();
    assert_eq!(batches.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), rows);
    let parquet = face.sql_with("?format=parquet", sql).body;
    let path = face.place.file("rows.parquet", parquet);
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(
        std::fs::File::open(path).unwrap(),
    );
    assert_eq!(reader.unwrap().metadata().file_metadata().num_rows() as usize, rows);
}

#[test]
fn what_is_no_query_is_refused() {
    let face = Face::start();
    let file = face.place.dir.path().join("mrrow-data/catalog.db");
    for (sql, code) in [
        ("create table t as select 1".to_string(), "sql_not_allowed"),
        ("drop table customers".to_string(), "sql_not_allowed"),
        ("insert into customers select * from customers".to_string(), "sql_not_allowed"),
        ("delete from customers".to_string(), "sql_not_allowed"),
        ("update customers set name = 'x'".to_string(), "sql_not_allowed"),
        ("copy customers to '/tmp/mrrow-stolen.csv'".to_string(), "sql_not_allowed"),
        ("copy (select 1) to '/tmp/mrrow-stolen.parquet'".to_string(), "sql_not_allowed"),
        ("set datafusion.execution.batch_size = 1".to_string(), "sql_not_allowed"),
        (
            "create external table t stored as csv location '/etc/passwd'".to_string(),
            "sql_not_allowed",
        ),
        ("explain select 1".to_string(), "sql_not_allowed"),
        ("/* */ explain analyze verbose select * from customers".to_string(), "sql_not_allowed"),
        ("begin".to_string(), "sql_not_allowed"),
        ("prepare p as select 1".to_string(), "sql_not_allowed"),
        ("select 1; select 2".to_string(), "sql_not_allowed"),
        ("select * into t from customers".to_string(), "sql_not_allowed"),
        (format!("select * from '{}'", file.display()), "sql_invalid"),
        ("select * from '/etc/passwd'".to_string(), "sql_invalid"),
        ("select * from read_parquet('/etc/passwd')".to_string(), "sql_invalid"),
        ("select * from refreshes".to_string(), "sql_invalid"),
        ("select _sequence from customers".to_string(), "sql_invalid"),
        ("selec 1".to_string(), "sql_invalid"),
        ("select 1/0".to_string(), "sql_invalid"),
        ("select cast(name as int) from customers".to_string(), "sql_invalid"),
        (String::new(), "sql_invalid"),
    ] {
        assert_eq!(face.sql(&sql).code(), (400, code.to_string()), "{sql}");
    }
    assert!(!std::path::Path::new("/tmp/mrrow-stolen.csv").exists());
    face.is_well();
}

#[test]
fn what_is_too_much_for_its_process_ends_it_alone() {
    let face = Face::start();
    let nested = format!("select {}1{}", "(".repeat(10_000), ")".repeat(10_000));
    let unions = vec!["select 1"; 3_000].join(" union all ");
    let added = format!("select {}", vec!["1"; 20_000].join("+"));
    let joined = format!("select {}", vec!["'a'"; 10_000].join("||"));
    for (sql, expected) in [
        (nested.as_str(), &[413][..]),
        // They plan for as long as they may, or overflow their stack, or are done: it depends on
        // the machine.
        (unions.as_str(), &[200, 408, 413]),
        (added.as_str(), &[200, 408, 413]),
        (joined.as_str(), &[200, 408, 413]),
        ("select repeat('x', 1000000000)", &[408, 413]),
        ("select lpad('x', 2000000000, 'y')", &[400, 408, 413]),
        ("select array_agg(a.value) from generate_series(1, 1000000000) a", &[408, 413]),
        (
            "select a.value from generate_series(1, 100000000) a order by a.value % 7, a.value desc",
            &[408, 413],
        ),
        (
            "select string_agg(name, repeat('z', 10000000)) from customers, generate_series(1, 100)",
            &[408, 413],
        ),
        (ENDLESS, &[408]),
        (
            "with recursive r as (select 1 as n union all select n + 1 from r) select max(n) from r",
            &[408, 413],
        ),
    ] {
        let begun = Instant::now();
        let answer = face.sql_with("", json!({"sql": sql, "timeout_ms": 3000}));
        let shown =
            String::from_utf8_lossy(&answer.body[..answer.body.len().min(300)]).into_owned();
        assert!(
            expected.contains(&answer.status),
            "{}: {} {shown}",
            &sql[..sql.len().min(60)],
            answer.status
        );
        assert!(begun.elapsed() < SOON);
        face.is_well();
    }
}

#[test]
fn a_stream_that_fails_after_it_began_is_broken_off() {
    let face = Face::start();
    let endless =
        json!({"sql": "select value from generate_series(1, 100000000000)", "timeout_ms": 1500});
    let answer = face.sql_with("?format=ndjson", endless);
    assert_eq!((answer.status, answer.whole), (200, false));
    assert!(answer.body.len() > 1000);
    let at_once = face.sql_with("?format=ndjson", json!({"sql": "select 1 / 0"}));
    assert_eq!(at_once.code(), (400, "sql_invalid".to_string()));
    face.is_well();
}

#[test]
fn a_killed_child_is_told_and_the_next_statement_has_another() {
    let face = Face::start();
    face.is_well();
    let answer = thread::scope(|scope| {
        let asking = scope.spawn(|| face.sql(ENDLESS));
        thread::sleep(Duration::from_millis(1500));
        let children = face.children();
        assert!(!children.is_empty());
        for child in children {
            std::process::Command::new("kill").args(["-9", &child.to_string()]).status().unwrap();
        }
        asking.join().unwrap()
    });
    assert_eq!(answer.code(), (413, "sql_limit".to_string()));
    face.is_well();
}

#[test]
fn clients_side_by_side_wait_for_each_other_and_are_not_turned_away() {
    let face = Face::start();
    let answers: Vec<Answer> = thread::scope(|scope| {
        let face = &face;
        let ask = |at: usize| face.sql(&format!("select {at} as at, count(*) from invoices"));
        let asking: Vec<_> = (0..8).map(|at| scope.spawn(move || ask(at))).collect();
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    });
    for (at, answer) in answers.iter().enumerate() {
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.json()["rows"][0][0], at);
    }
}

#[test]
fn a_key_restricted_to_a_source_sees_only_its_rows() {
    let face = Face::start();
    let customers = face.place.file("theirs.ndjson", "{\"id\":\"x1\",\"name\":\"Secret Ltd\"}\n");
    let other = face.place.dir.path().join("mrrow-data");
    let customers = customers.to_str().unwrap();
    face.place.ok(&[
        "--data",
        other.to_str().unwrap(),
        "import",
        "customers",
        customers,
        "--source",
        "theirs",
    ]);
    let key = face
        .place
        .ok(&["keys", "create", "--name", "one", "--role", "viewer", "--source", "theirs"]);
    let ask = |sql: &str| face.ask(key.trim(), "", json!({"sql": sql}));
    assert_eq!(
        ask("select distinct data_source, name from customers").json()["rows"],
        json!([["theirs", "Secret Ltd"]])
    );
    assert_eq!(ask("select count(*) from invoices").json()["rows"], json!([[0]]));
    assert_eq!(
        ask("select count(*) from movements where data_source <> 'theirs' or true").json()["rows"],
        json!([[0]])
    );
    let leak = ask("select id from customers where cast(name as int) > 0").json();
    assert!(
        leak["message"].as_str().unwrap().contains("Secret Ltd"),
        "of its own rows it is told: {leak}"
    );
    assert!(face.sql("select count(*) from invoices").json()["rows"][0][0].as_i64().unwrap() > 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_statements_process_can_do_little_and_goes_with_its_server() {
    let mut face = Face::start();
    face.is_well();
    let read =
        |pid: u32, file: &str| std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let (limits, environment) = thread::scope(|scope| {
        scope.spawn(|| face.sql_with("", json!({"sql": ENDLESS, "timeout_ms": 4000})));
        thread::sleep(Duration::from_millis(2000));
        let text = |pid, file: &str| String::from_utf8_lossy(&read(pid, file)).into_owned();
        let children = face.children();
        let at_work =
            children.iter().find(|pid| text(**pid, "status").contains("NoNewPrivs:\t1")).copied();
        let at_work = at_work.expect("a child is at work");
        (text(at_work, "limits"), text(at_work, "environ"))
    });
    for limit in [
        "Max file size             0 ",
        "Max core file size        0 ",
        "Max open files            1024 ",
    ] {
        assert!(limits.contains(limit), "{limit}: {limits}");
    }
    for unlimited in ["Max address space         unlimited", "Max cpu time              unlimited"]
    {
        assert!(!limits.contains(unlimited), "{limits}");
    }
    assert_eq!(environment, "MALLOC_ARENA_MAX=2\0MIMALLOC_ARENA_RESERVE=65536\0");
    let children = face.children();
    face.served.kill();
    let begun = Instant::now();
    while children.iter().any(|child| !read(*child, "cmdline").is_empty()) {
        assert!(begun.elapsed() < SOON, "a child outlives its server");
        thread::sleep(Duration::from_millis(20));
    }
}

//! Refused statements and exceeded limits.

use std::time::Instant;

use serde_json::json;

use super::{ENDLESS, SqlServer};
use crate::wait::TIMEOUT;

#[test]
fn rows_are_truncated_at_the_limit() {
    let server = SqlServer::start();
    for (sql, more, count, truncated) in [
        ("select value from generate_series(1, 10001)", json!({}), 10_000, true),
        ("select value from generate_series(1, 10000)", json!({}), 10_000, false),
        ("select value from generate_series(1, 20000)", json!({"max_rows": 20_000}), 20_000, false),
        ("select value from generate_series(1, 3)", json!({"max_rows": 2}), 2, true),
        ("select value from generate_series(1, 3)", json!({"max_rows": 0}), 0, true),
    ] {
        let mut body = json!({"sql": sql});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let response = server.post_sql("", body).json();
        assert_eq!(response["rows"].as_array().unwrap().len(), count, "{sql}");
        assert_eq!(
            (&response["row_count"], &response["truncated"]),
            (&json!(count), &json!(truncated)),
            "{sql}"
        );
    }
    let lines = server
        .post_sql("?format=ndjson", json!({"sql": "select value from generate_series(1, 20000)"}));
    assert_eq!(
        (lines.is_complete, lines.body.iter().filter(|byte| **byte == b'\n').count()),
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
        // DataFusion does not track the memory of its functions; the limit of the process applies.
        (json!({"sql": "select length(repeat('x', 400000000))"}), 413, "sql_limit"),
    ] {
        assert_eq!(server.post_sql("", body.clone()).code(), (status, code.to_string()), "{body}");
    }
}

#[test]
fn statements_other_than_queries_are_refused() {
    let server = SqlServer::start();
    let file = server.dir.path().join("mrrow-data/catalog.db");
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
        assert_eq!(server.query(&sql).code(), (400, code.to_string()), "{sql}");
    }
    assert!(!std::path::Path::new("/tmp/mrrow-stolen.csv").exists());
    server.assert_responsive();
}

#[test]
fn exhausted_limit_ends_only_the_worker() {
    let server = SqlServer::start();
    let nested = format!("select {}1{}", "(".repeat(10_000), ")".repeat(10_000));
    let unions = vec!["select 1"; 3_000].join(" union all ");
    let added = format!("select {}", vec!["1"; 20_000].join("+"));
    let joined = format!("select {}", vec!["'a'"; 10_000].join("||"));
    for (sql, expected) in [
        (nested.as_str(), &[413][..]),
        // Depending on the machine, planning reaches the time limit, overflows the stack, or ends.
        (unions.as_str(), &[200, 408, 413]),
        (added.as_str(), &[200, 408, 413]),
        (joined.as_str(), &[200, 408, 413]),
        ("select repeat('x', 1000000000)", &[408, 413]),
        ("select lpad('x', 2000000000, 'y')", &[400, 408, 413]),
        ("select array_agg(a.value) from generate_series(1, 1000000000) a", &[408, 413]),
        (
            "select a.value from generate_series(1, 100000000) a order by a.value % 7, a.value \
             desc",
            &[408, 413],
        ),
        (
            "select string_agg(name, repeat('z', 10000000)) from customers, generate_series(1, \
             100)",
            &[408, 413],
        ),
        (ENDLESS, &[408]),
        (
            "with recursive r as (select 1 as n union all select n + 1 from r) select max(n) \
             from r",
            &[408, 413],
        ),
    ] {
        let started = Instant::now();
        let response = server.post_sql("", json!({"sql": sql, "timeout_ms": 3000}));
        let shown =
            String::from_utf8_lossy(&response.body[..response.body.len().min(300)]).into_owned();
        assert!(
            expected.contains(&response.status),
            "{}: {} {shown}",
            &sql[..sql.len().min(60)],
            response.status
        );
        assert!(started.elapsed() < TIMEOUT);
        server.assert_responsive();
    }
}

#[test]
fn failing_stream_is_aborted() {
    let server = SqlServer::start();
    let endless =
        json!({"sql": "select value from generate_series(1, 100000000000)", "timeout_ms": 1500});
    let response = server.post_sql("?format=ndjson", endless);
    assert_eq!((response.status, response.is_complete), (200, false));
    assert!(response.body.len() > 1000);
    let at_once = server.post_sql("?format=ndjson", json!({"sql": "select 1 / 0"}));
    assert_eq!(at_once.code(), (400, "sql_invalid".to_string()));
    server.assert_responsive();
}

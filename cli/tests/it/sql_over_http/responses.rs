//! Results of queries in every format.

use std::thread;

use mrrow_engine::arrow::ipc::reader::StreamReader;
use serde_json::json;

use super::{HttpResponse, SqlServer};

#[test]
fn response_has_columns_rows_and_snapshot() {
    let server = SqlServer::start();
    let response = server.query(
        "select 1 as n, 0.10 as d, date '2024-02-29' as day, cast(null as varchar) as nothing, \
         true as yes, 'é\"' as text, timestamp '2024-01-01T00:00:00Z' as t, make_array(1.50, \
         null) as list",
    );
    assert_eq!(
        response.json(),
        json!({
            "columns": [
                {"name": "n", "type": "integer"},
                {"name": "d", "type": "decimal(2, 2)"},
                {"name": "day", "type": "date"},
                {"name": "nothing", "type": "text"}, {"name": "yes", "type": "boolean"},
                {"name": "text", "type": "text"},
                {"name": "t", "type": "timestamp"}, {"name": "list", "type": "decimal(3, 2)[]"}
            ],
            "rows": [[1, "0.10", "2024-02-29", null, true,
                      "é\"", "2024-01-01T00:00:00", ["1.50", null]]],
            "row_count": 1, "truncated": false, "snapshot": 1
        })
    );
    let instants =
        server.query("select invoice_date from invoices order by invoice_date limit 1").json();
    assert_eq!(instants["columns"][0]["type"], "timestamptz");
    assert!(instants["rows"][0][0].as_str().unwrap().ends_with('Z'), "{instants}");
    let none = server.query("select id from customers where false").json();
    assert_eq!(
        (&none["rows"], &none["row_count"], &none["truncated"]),
        (&json!([]), &json!(0), &json!(false))
    );
}

#[test]
fn every_format_has_all_rows() {
    let server = SqlServer::start();
    let sql = json!({"sql": "select id, name from customers order by id"});
    let rows = server.post_sql("", sql.clone()).json()["row_count"].as_u64().unwrap() as usize;
    assert!(rows > 3);
    let csv = String::from_utf8(server.post_sql("?format=csv", sql.clone()).body).unwrap();
    assert_eq!((csv.lines().next(), csv.lines().count()), (Some("id,name"), rows + 1));
    let arrow = server.post_sql("?format=arrow", sql.clone()).body;
    let batches = StreamReader::try_new(arrow.as_slice(), None).unwrap();
    assert_eq!(batches.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), rows);
    let parquet = server.post_sql("?format=parquet", sql).body;
    let path = server.dir.file("rows.parquet", parquet);
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(
        std::fs::File::open(path).unwrap(),
    );
    assert_eq!(reader.unwrap().metadata().file_metadata().num_rows() as usize, rows);
}

#[test]
fn restricted_key_reads_only_its_data_source() {
    let server = SqlServer::start();
    let customers = server.dir.file("theirs.ndjson", "{\"id\":\"x1\",\"name\":\"Secret Ltd\"}\n");
    let other = server.dir.path().join("mrrow-data");
    let customers = customers.to_str().unwrap();
    server.dir.ok(&[
        "--data",
        other.to_str().unwrap(),
        "import",
        "customers",
        customers,
        "--source",
        "theirs",
    ]);
    let key = server
        .dir
        .ok(&["keys", "create", "--name", "one", "--role", "viewer", "--source", "theirs"]);
    let query = |sql: &str| server.post(key.trim(), "", json!({"sql": sql}));
    assert_eq!(
        query("select distinct data_source, name from customers").json()["rows"],
        json!([["theirs", "Secret Ltd"]])
    );
    assert_eq!(query("select count(*) from invoices").json()["rows"], json!([[0]]));
    let others = query("select count(*) from movements where data_source <> 'theirs' or true");
    assert_eq!(others.json()["rows"], json!([[0]]));
    let own = query("select id from customers where cast(name as int) > 0").json();
    assert!(
        own["message"].as_str().unwrap().contains("Secret Ltd"),
        "an error may name values of its own rows: {own}"
    );
    assert!(
        server.query("select count(*) from invoices").json()["rows"][0][0].as_i64().unwrap() > 0
    );
}

#[test]
fn concurrent_clients_wait_and_all_get_a_result() {
    let server = SqlServer::start();
    let responses: Vec<HttpResponse> = thread::scope(|scope| {
        let server = &server;
        let query = |at: usize| server.query(&format!("select {at} as at, count(*) from invoices"));
        let threads: Vec<_> = (0..8).map(|at| scope.spawn(move || query(at))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for (at, response) in responses.iter().enumerate() {
        assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
        assert_eq!(response.json()["rows"][0][0], at);
    }
}

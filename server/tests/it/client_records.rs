//! Records in the API of GrowPanel's client libraries: sent, read, changed and deleted.

use std::sync::Arc;

use mrrow_engine::access::Role;
use mrrow_engine::sources::NewDataSource;
use mrrow_engine::{Config, Engine};
use serde_json::json;

use crate::api_client::{ApiClient, new_source, sql};
use crate::listening_server::{ListeningServer, SOURCE};

/// A customer on a monthly plan, in a data source.
async fn push_book(client: &ApiClient<'_>, source: &str) {
    let customer = json!({"id": "c1", "created_date": "2024-01-15T00:00:00Z", "country": "us",
        "name": "Acme", "data_source": source,
                          "email": "a@b.test", "custom_variables": {"industry": "Technology"}});
    let plan = json!({"id": "p1", "external_id": "p1", "name": "Pro", "billing_freq": "month",
        "currency": "usd", "data_source": source});
    let invoice = json!({"id": "i1", "customer_id": "c1", "date": "2024-01-15", "amount": 9900.0,
        "currency": "usd",
                         "plan_id": "p1", "data_source": source});
    for (object, row) in [("customers", customer), ("plans", plan), ("invoices", invoice)] {
        let response = client.post(&format!("/data/{object}"), row.to_string()).await;
        assert_eq!(
            (response.status, &response.json["result"][0]["export_status"]),
            (200, &json!("success")),
            "{response:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_row_is_echoed_with_its_result() {
    let server = ListeningServer::start().await;
    new_source(&server, "two").await;
    let client = ApiClient::admin(&server);
    let body = r#"[{"id":"a","email":"a@b.c","data_source":"shop","amount":1.10,"name":null},
                   {"id":"b","data_source":"two"}, 7,
                   {"id":"c","name":"C","created_date":"soon","data_source":"two",
                    "export_status":"old"},
                   {"id":"d","name":"D"}, {"id":"e","name":"E","data_source":"nowhere"},
                   {"id":"f","name":"F","data_source":"the two"}]"#;
    let response = client.post("/data/customers", body).await;
    assert_eq!(response.status, 200, "{response:?}");
    let rows = response.json["result"].as_array().unwrap();
    let status: Vec<_> = rows.iter().map(|row| row["export_status"].as_str().unwrap()).collect();
    assert_eq!(status, ["success", "error", "error", "error", "error", "error", "success"]);
    assert_eq!((&rows[0]["import_status"], &rows[0]["amount"]), (&json!("inserted"), &json!(1.10)));
    let errors: Vec<_> =
        rows.iter().map(|row| row["export_error"].as_str().unwrap_or_default()).collect();
    for (at, part) in [
        (1, "\"name\""),
        (2, "not an object"),
        (3, "\"created_date\""),
        (4, "\"data_source\""),
        (5, "\"nowhere\""),
    ] {
        assert!(errors[at].contains(part), "{at}: {}", errors[at]);
        assert_eq!(
            (&rows[at]["import_status"], rows[at]["import_error"].as_str().unwrap()),
            (&json!("error"), errors[at])
        );
    }
    assert_eq!(rows[3]["errors"][0]["pointer"], "/3/created_date");
    assert_eq!(
        sql(&server, "select data_source, id, name from customers order by 1, 2").await,
        ["shop a a@b.c", "two f F"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn any_json_value_is_a_row() {
    let server = ListeningServer::start().await;
    new_source(&server, "two").await;
    let client = ApiClient::admin(&server);
    // All rows may be invalid.
    let response = client.post("/v1/data/invoices?source=two", r#"{"id":"i","amount":99.5}"#).await;
    assert_eq!(
        (response.status, &response.json["result"][0]["export_status"]),
        (200, &json!("error"))
    );
    assert_eq!(client.post("/data/customers", "[]").await.json["result"], json!([]));
    let response = client.post("/data/customers", "{").await;
    assert_eq!((response.status, response.json["code"].as_str()), (400, Some("invalid_json")));
    // Any JSON value is a row, valid or not.
    for body in ["7", "null", "[7]", r#"{"plans":[]}"#, r#"[{"customers":[]}]"#] {
        let response = client.post("/data/customers", body).await;
        assert_eq!(
            (response.status, &response.json["result"][0]["export_status"]),
            (200, &json!("error")),
            "{body}: {response:?}"
        );
    }
    let named = r#"{"id":"run-7","name":"nightly","customers":[{"id":"w","name":"W"}]}"#;
    let response = client.post("/data/customers?source=shop", named).await;
    assert_eq!(
        (&response.json["result"][0]["id"], response.json["result"].as_array().unwrap().len()),
        (&json!("w"), 1)
    );
    let open = r#"{"id":"a","name":"A","plans":["pro"]}"#;
    let response = client.post("/data/customers?source=shop", open).await;
    assert_eq!(response.json["result"][0]["export_status"], "success", "{response:?}");
    assert_eq!(
        client
            .send("POST", "/data/customers", &[("content-type", "text/csv")], "id\n")
            .await
            .status,
        415
    );
    assert_eq!(client.post("/data/customers?source=none", "[]").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_distinguish_sources_with_one_name() {
    let server = ListeningServer::start().await;
    let client = ApiClient::admin(&server);
    let twin = r#"{"name":"twin"}"#;
    let first = client.post("/data/data-sources", twin).await;
    let second = client.post("/v1/data-sources", twin).await;
    assert_eq!((first.status, second.status), (201, 201), "{second:?}");
    let id = first.json["id"].as_str().unwrap();
    assert_ne!(id, second.json["id"]);
    let row = |source: &str| format!(r#"{{"id":"a","name":"A","data_source":"{source}"}}"#);
    let response = client.post("/data/customers", row("twin")).await;
    assert_eq!(response.json["result"][0]["errors"][0]["code"], "data_source_not_found");
    assert_eq!(
        client.post("/data/customers", row(id)).await.json["result"][0]["export_status"],
        "success"
    );
    for path in ["/v1/data-sources/twin", "/data/customers?source=twin"] {
        let response = client.get(path).await;
        assert_eq!(
            (response.status, response.json["code"].as_str()),
            (404, Some("data_source_not_found"))
        );
        assert!(response.json["message"].as_str().unwrap().contains("several"), "{response:?}");
    }
    // A key that reaches one of them means that one.
    let restricted = ApiClient::restricted(&server, Role::Viewer, id).await;
    assert_eq!(restricted.get("/data/customers?source=twin").await.json["result"]["count"], 1);
    let taken =
        client.post("/data/data-sources", format!(r#"{{"name":"other","id":"{id}"}}"#)).await;
    assert_eq!((taken.status, taken.json["code"].as_str()), (409, Some("conflict")));
}

#[tokio::test(flavor = "multi_thread")]
async fn new_source_of_another_process_accepts_rows() {
    let server = ListeningServer::start().await;
    let client = ApiClient::admin(&server);
    let body = |source: &str| format!(r#"{{"id":"a","name":"A","data_source":"{source}"}}"#);
    assert_eq!(
        client.post("/data/customers", body("shop")).await.json["result"][0]["export_status"],
        "success"
    );
    let config = Config::new(server.dir.path().join("data"), Arc::new(chrono::Utc::now));
    let beside = Engine::open(config).await.unwrap();
    let new = NewDataSource { id: Some("new".to_string()), name: "New".to_string(), kind: None };
    beside.create_data_source(new, [0; 16]).await.unwrap();
    assert_eq!(
        client.post("/data/customers", body("New")).await.json["result"][0]["export_status"],
        "success"
    );
    assert_eq!(client.get("/data/customers?source=new").await.json["result"]["count"], 1);
    beside.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sent_records_are_read_back_at_once() {
    let server = ListeningServer::start().await;
    let client = ApiClient::admin(&server);
    push_book(&client, SOURCE).await;
    let response = client.get("/data/customers").await;
    let expected = json!({"id": "c1", "data_source": "shop", "name": "Acme", "email": "a@b.test",
        "created_date": "2024-01-15T00:00:00Z",
        "country": "US", "state": null, "trial_started": null,
            "custom_variables": {"industry": "Technology"}, "paid_started": "2024-01-15",
        "cancel_date": "2024-02-15", "trial_end_date": null, "overdue_date": null,
            "cancel_reason": null, "status": "canceled", "currency": "usd", "current_mrr": {}});
    assert_eq!(response.json, json!({"result": {"count": 1, "list": [expected]}}));
    assert_eq!(client.get("/data/customers/c1").await.json, expected);
    let with_more = json!({"id": "c2", "name": "B", "state": "ca"});
    client.post("/data/customers", with_more.to_string()).await;
    assert_eq!(client.get("/data/customers/c2").await.json["state"], "ca");
    let plan = json!({"id": "p1", "external_id": "p1", "data_source": "shop", "name": "Pro",
        "billing_freq": "month",
        "billing_freq_count": 1, "currency": "usd", "plan_group": null, "product_name": null});
    assert_eq!(
        client.get(&format!("/data/plans?source={SOURCE}&limit=5")).await.json["result"]["list"],
        json!([plan])
    );
    let invoices = client.get(&format!("/v1/data/invoices?data_source={SOURCE}")).await.json;
    let invoice = &invoices["result"]["list"][0];
    assert_eq!(
        (&invoice["type"], &invoice["amount"], &invoice["date"]),
        (&json!("subscription"), &json!(9900), &json!("2024-01-15T00:00:00Z"))
    );
    assert_eq!(client.get("/data/invoices/i1").await.json, *invoice);
    assert_eq!(
        client.get("/data/plans?limit=0").await.json,
        json!({"result": {"count": 0, "list": []}})
    );
    let paying = json!({"id": "i2", "customer_id": "c1",
        "date": chrono::Utc::now().date_naive().to_string(), "amount": 4900, "currency": "EUR",
        "plan_id": "p1"});
    client.post("/data/invoices", paying.to_string()).await;
    let customer = client.get("/data/customers/c1").await.json;
    assert_eq!(
        (&customer["status"], &customer["current_mrr"]),
        (&json!("active"), &json!({"eur": 4900})),
        "{customer}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn client_intervals_are_converted() {
    let server = ListeningServer::start().await;
    let client = ApiClient::admin(&server);
    let plan = |freq: &str, count: &str| {
        format!(r#"{{"id":"{freq}","name":"P","billing_freq":"{freq}","currency":"USD"{count}}}"#)
    };
    let body = [
        plan("quarter", ""),
        plan("half_year", r#","billing_freq_count":2.0"#),
        plan("year", ""),
        plan("month", r#","interval_count":3"#),
    ];
    let response = client.post("/data/plans", format!("[{}]", body.join(","))).await;
    assert!(
        response.json["result"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["export_status"] == "success"),
        "{response:?}"
    );
    let plans = "select id, \"interval\", interval_count from plans order by id";
    assert_eq!(
        sql(&server, plans).await,
        ["half_year month 12", "month month 3", "quarter month 3", "year year 1"]
    );
    let response = client
        .put(
            "/data/plans/quarter",
            r#"{"id":"quarter","name":"Q","billing_freq":"year","currency":"EUR"}"#,
        )
        .await;
    let expected = json!({"result": "success", "updated": "quarter", "sequence": 5});
    assert_eq!((response.status, response.json), (200, expected));
    assert_eq!(
        sql(
            &server,
            "select \"interval\", interval_count, currency from plans where id = 'quarter'"
        )
        .await,
        ["year 1 EUR"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_and_deleted_records_change_movements() {
    let server = ListeningServer::start().await;
    let client = ApiClient::admin(&server);
    push_book(&client, SOURCE).await;
    let response = client
        .put(
            "/data/customers/c1",
            r#"{"name":"Acme Inc","custom_variables":{"industry":"Retail"}}"#,
        )
        .await;
    assert_eq!(
        (response.status, response.json),
        (200, json!({"success": true, "id": "c1", "sequence": 4}))
    );
    assert_eq!(
        sql(&server, "select name, email, metadata from customers").await,
        [r#"Acme Inc a@b.test {"industry":"Retail"}"#]
    );
    assert_eq!(client.put("/data/invoices/i1", r#"{"amount":4900}"#).await.status, 200);
    let movements = "select type, cast(amount as bigint) from movements where date < '2024-02-01'";
    assert_eq!(sql(&server, movements).await, ["new 4900"]);
    let response = client.put("/data/invoices/i1", r#"{"amount":"x","date":"soon"}"#).await;
    assert_eq!((response.status, response.json["code"].as_str()), (400, Some("invalid_records")));
    assert_eq!(response.json["errors"][0]["pointer"], "/date");
    assert_eq!(client.put("/data/invoices/i1", r#"{"id":"i2"}"#).await.status, 400);
    let deleted = client.delete("/data/invoices/i1").await.json;
    assert_eq!((&deleted["success"], &deleted["id"]), (&json!(true), &json!("i1")));
    // A read with the sequence contains the change.
    let read = client.get(&format!("/v1/movements?min_sequence={}", deleted["sequence"])).await;
    assert_eq!(read.json["result"], json!([]));
    let response = client
        .send(
            "DELETE",
            "/data/plans/p1",
            &[("content-type", "application/json")],
            r#"{"id":"p1","external_id":"p1"}"#,
        )
        .await;
    assert_eq!(
        (&response.json["result"], &response.json["deleted"]),
        (&json!("success"), &json!("p1"))
    );
    assert_eq!(client.delete("/data/customers/c1").await.status, 200);
    for (path, code) in [
        ("customers/c1", "customer_not_found"),
        ("plans/p1", "plan_not_found"),
        ("invoices/i1", "invoice_not_found"),
    ] {
        for response in [
            client.get(&format!("/data/{path}")).await,
            client.delete(&format!("/data/{path}")).await,
            client.put(&format!("/data/{path}"), "{}").await,
        ] {
            assert_eq!(
                (response.status, response.json["code"].as_str()),
                (404, Some(code)),
                "{path}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_id_needs_a_source() {
    let server = ListeningServer::start().await;
    new_source(&server, "two").await;
    let client = ApiClient::admin(&server);
    push_book(&client, SOURCE).await;
    push_book(&client, "two").await;
    for response in [
        client.get("/data/customers/c1").await,
        client.delete("/data/invoices/i1").await,
        client.put("/data/plans/p1", "{}").await,
    ] {
        assert_eq!(
            (response.status, response.json["code"].as_str()),
            (409, Some("ambiguous_data_source"))
        );
        let message = response.json["error"].as_str().unwrap();
        assert!(
            ["\"shop\"", "\"two\"", "?source="].iter().all(|part| message.contains(part)),
            "{message}"
        );
    }
    for kind in ["customers", "invoices"] {
        let response = client.get(&format!("/data/{kind}")).await;
        assert!(
            response.status == 400 && response.json["error"].as_str().unwrap().contains("source"),
            "{response:?}"
        );
    }
    assert_eq!(client.get("/data/plans").await.json["result"]["count"], 2);
    assert_eq!(client.delete("/data/customers/c1?source=two").await.status, 200);
    assert_eq!(client.get("/data/customers/c1").await.json["data_source"], "shop");
    assert_eq!(
        client.get("/data/customers?source=none").await.json["code"],
        "data_source_not_found"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn restricted_key_reaches_only_its_source() {
    let server = ListeningServer::start().await;
    new_source(&server, "two").await;
    let admin = ApiClient::admin(&server);
    push_book(&admin, SOURCE).await;
    let two = ApiClient::restricted(&server, Role::Admin, "two").await;
    // The key reaches one source, which is the default.
    let response = two
        .post(
            "/data/customers",
            r#"[{"id":"x","name":"X"},{"id":"y","name":"Y","data_source":"shop"}]"#,
        )
        .await;
    let rows: Vec<_> = response.json["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["export_status"].clone())
        .collect();
    assert_eq!(rows, ["success", "error"]);
    assert_eq!(two.get("/data/customers").await.json["result"]["count"], 1);
    assert_eq!(two.get("/data/plans").await.json["result"]["count"], 0);
    assert_eq!(two.get("/data/customers/c1").await.status, 404);
    assert_eq!(two.delete("/data/invoices/i1").await.status, 404);
    assert_eq!(two.get("/data/customers?source=shop").await.status, 403);
    assert_eq!(two.put("/data/customers/c1?source=shop", "{}").await.status, 403);
    let viewer = ApiClient::with(&server, &server.viewer);
    assert_eq!(viewer.get("/data/customers?source=shop").await.status, 200);
    for response in [
        viewer.post("/data/customers", "[]").await,
        viewer.put("/data/customers/c1", "{}").await,
        viewer.delete("/data/plans/p1").await,
        viewer.post("/data/plan-groups", r#"{"name":"G","plans":["p1"]}"#).await,
    ] {
        assert_eq!(response.status, 403, "{response:?}");
    }
}

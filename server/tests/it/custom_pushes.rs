//! Pushes in the form of GrowPanel's Custom API.

use mrrow_engine::access::Role;
use serde_json::{Value, json};

use crate::api_client::{ApiClient, JsonResponse, new_source, sql};
use crate::listening_server::{ListeningServer, SOURCE};

fn path(object: &str) -> String {
    format!("/v1/data-sources/{SOURCE}/{object}")
}

/// Index, pointer, field and code of each error.
fn errors(response: &JsonResponse) -> Vec<String> {
    let text = |error: &Value, name: &str| match &error[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let list = response.json["errors"].as_array().unwrap();
    list.iter()
        .map(|error| ["index", "pointer", "field", "code"].map(|name| text(error, name)).join(" "))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn documented_examples_are_stored_and_counted() {
    let server = ListeningServer::start().await;
    let client = ApiClient::admin(&server);
    let customer = r#"{
"id": "cust_123",
"name": "Acme Inc",
"email": "[email protected]",
"country": "US"
}"#;
    let plan = r#"{
"id": "plan_pro",
"name": "Pro Plan",
"interval": "month",
"interval_count": 1,
"currency": "USD"
}"#;
    let invoice = r#"{
"id": "inv_001",
"customer_id": "cust_123",
"type": "subscription",
"invoice_date": "2024-02-01T00:00:00Z",
"amount": 9900,
"currency": "USD",
"plan_id": "plan_pro",
"subscription_id": "sub_001",
"period_start": "2024-02-01T00:00:00Z",
"period_end": "2024-03-01T00:00:00Z"
}"#;
    for (object, body, id) in [
        ("customers", customer, "cust_123"),
        ("plans", plan, "plan_pro"),
        ("invoices", invoice, "inv_001"),
    ] {
        for (root, status) in [("/v1", "created"), ("", "unchanged")] {
            let response =
                client.post(&format!("{root}/data-sources/{SOURCE}/{object}"), body).await;
            assert_eq!(response.status, 200, "{response:?}");
            assert_eq!(
                response.json["result"],
                json!([{"id": id, "status": status, "warnings": []}])
            );
            assert!(
                response.json["sequence"].is_i64() && response.json["snapshot"].is_i64(),
                "{response:?}"
            );
        }
    }
    let movements =
        "select date, type, cast(amount as bigint), currency from movements order by date limit 1";
    assert_eq!(sql(&server, movements).await, ["2024-02-01 new 9900 USD"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_is_listed_and_nothing_is_stored() {
    let server = ListeningServer::start().await;
    let client = ApiClient::admin(&server);
    let body = r#"{"customers":[{"id":"a","name":"A"},{"id":"b"},{"name":7,"country":"Utopia",
        "metadata":{"x/y":[]}},7]}"#;
    let response = client.post(&path("customers"), body).await;
    assert_eq!(
        (response.status, response.json["code"].as_str()),
        (400, Some("invalid_records")),
        "{response:?}"
    );
    assert_eq!(
        errors(&response),
        [
            "1 /customers/1/name name required",
            "2 /customers/2/id id required",
            "2 /customers/2/name name wrong_type",
            "2 /customers/2/country country bad_country",
            "2 /customers/2/metadata/x~1y metadata.x/y wrong_type",
            "3 /customers/3 null malformed",
        ]
    );
    assert_eq!(
        (&response.json["errors"][0]["id"], &response.json["errors"][2]["value"]),
        (&json!("b"), &json!("7"))
    );
    assert!(sql(&server, "select id from customers").await.is_empty());

    let skipped = client.post(&format!("{}?on_error=skip", path("customers")), body).await;
    assert_eq!(skipped.status, 200);
    let rows: Vec<_> = skipped.json["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["status"].clone())
        .collect();
    assert_eq!(rows, ["created", "rejected", "rejected", "rejected"]);
    assert_eq!(skipped.json["result"][1]["errors"][0]["pointer"], "/customers/1/name");
    assert_eq!(sql(&server, "select id from customers").await, ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_malformed_input_has_its_code() {
    let server = ListeningServer::start().await;
    let client = ApiClient::admin(&server);
    client.post(&path("customers"), r#"{"id":"c","name":"C"}"#).await;
    let usual = json!({"id": "i", "customer_id": "c", "type": "one-time",
        "invoice_date": "2024-02-01", "amount": 1, "currency": "USD"});
    let with = |fields: Value| {
        let mut invoice = usual.as_object().unwrap().clone();
        invoice.extend(fields.as_object().unwrap().clone());
        Value::Object(invoice).to_string()
    };
    let table = [
        (json!({"id": null}), "null /id id required"),
        (json!({"amount": "9900"}), "/amount amount wrong_type"),
        (json!({"amount": 99.5}), "/amount amount wrong_type"),
        (json!({"amount": 10_000_000_000_001_i64}), "/amount amount out_of_range"),
        (json!({"quantity": -1}), "/quantity quantity out_of_range"),
        (json!({"type": "sub"}), "/type type unknown_value"),
        (json!({"type": "subscription"}), "/plan_id plan_id plan_required"),
        (
            json!({"type": "subscription", "plan_id": "p", "amount": -1}),
            "/amount amount negative_amount",
        ),
        (json!({"invoice_date": "soon"}), "/invoice_date invoice_date bad_date"),
        (json!({"currency": "US1"}), "/currency currency bad_currency"),
        (
            json!({"period_start": "2024-02-02", "period_end": "2024-02-01"}),
            "/period_end period_end bad_period",
        ),
        (json!({"customer_id": "nobody"}), "/customer_id customer_id customer_not_found"),
        (json!({"date": "2024-02-02"}), "/invoice_date invoice_date duplicate_key"),
    ];
    for (fields, expected) in table {
        let response = client.post(&path("invoices"), with(fields.clone())).await;
        assert_eq!(
            (response.status, response.json["code"].as_str()),
            (400, Some("invalid_records")),
            "{fields}: {response:?}"
        );
        assert!(
            errors(&response)[0].ends_with(expected.trim_start_matches("null ")),
            "{fields}: {:?}",
            errors(&response)
        );
    }
    let plan = |interval: &str| format!(r#"{{"id":"p","name":"P",{interval},"currency":"usd"}}"#);
    // Quarters exist only in the API of the clients.
    let quarters = plan(r#""interval":"quarter","interval_count":1"#);
    assert_eq!(
        errors(&client.post(&path("plans"), quarters).await),
        ["0 /interval interval unknown_value"]
    );
    assert_eq!(client.post(&path("plans"), plan(r#""billing_freq":"quarter""#)).await.status, 200);
    assert_eq!(sql(&server, "select \"interval\", interval_count from plans").await, ["month 3"]);
    assert!(sql(&server, "select id from invoices").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn body_may_be_ndjson_csv_or_parquet() {
    let server = ListeningServer::start().await;
    let client = ApiClient::admin(&server);
    let send = async |kind: &str, query: &str, body: &str| {
        client
            .send("POST", &format!("{}{query}", path("customers")), &[("content-type", kind)], body)
            .await
    };
    let response = send(
        "application/x-ndjson",
        "",
        "{\"id\":\"a\",\"name\":\"A\"}\n{\"id\":\"b\",\"name\":\"B\"}\n",
    )
    .await;
    assert_eq!((response.status, response.json["result"].as_array().unwrap().len()), (200, 2));
    let response =
        send("text/csv; charset=utf-8", "", "id,name,custom_variables.tier\nc,C,gold\nd,,\n").await;
    assert_eq!(
        (response.status, errors(&response)),
        (400, vec!["1 null name required".to_string()])
    );
    assert_eq!(response.json["errors"][0]["line"], 3);
    let response =
        send("text/csv", "?on_error=skip", "id,name,custom_variables.tier\nd,,\nc,C,gold\n").await;
    let rows: Vec<_> = response.json["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["status"].clone())
        .collect();
    assert_eq!(rows, ["rejected", "created"]);
    assert_eq!(
        sql(&server, "select id, metadata from customers order by id").await,
        ["a ", "b ", r#"c {"tier":"gold"}"#]
    );
    // The default is JSON.
    let response = client.send("POST", &path("customers"), &[], r#"[{"id":"e","name":"E"}]"#).await;
    assert_eq!(response.status, 200, "{response:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn impossible_requests_have_an_error() {
    let server = ListeningServer::start().await;
    new_source(&server, "other").await;
    let client = ApiClient::admin(&server);
    let json = [("content-type", "application/json")];
    let good = r#"{"id":"a","name":"A"}"#;
    let check = async |client: &ApiClient<'_>,
                       path: &str,
                       headers: &[(&str, &str)],
                       body: &str,
                       expected: (u16, &str)| {
        let response = client.send("POST", path, headers, body).await;
        assert_eq!(
            (response.status, response.json["code"].as_str().unwrap()),
            expected,
            "{path} {body}: {response:?}"
        );
    };
    for body in ["", "{", "[{}", "{}{}", "oops"] {
        check(&client, &path("customers"), &json, body, (400, "invalid_json")).await;
    }
    check(&client, &path("customers"), &json, "7", (400, "invalid_records")).await;
    check(&client, &path("customers"), &json, r#"{"plans":[]}"#, (400, "invalid_request")).await;
    check(
        &client,
        &format!("{}?on_error=maybe", path("customers")),
        &json,
        good,
        (400, "invalid_query"),
    )
    .await;
    check(
        &client,
        &path("customers"),
        &[("content-type", "application/xml")],
        good,
        (415, "unsupported_media_type"),
    )
    .await;
    check(&client, "/v1/data-sources/none/customers", &json, good, (404, "data_source_not_found"))
        .await;
    check(
        &ApiClient::with(&server, "gp_wrong"),
        &path("customers"),
        &json,
        good,
        (401, "unauthorized"),
    )
    .await;
    check(
        &ApiClient::with(&server, &server.viewer),
        &path("customers"),
        &json,
        good,
        (403, "forbidden"),
    )
    .await;
    let restricted = ApiClient::restricted(&server, Role::Admin, "other").await;
    check(&restricted, &path("customers"), &json, good, (403, "forbidden")).await;
    check(&restricted, "/v1/data-sources/other/customers", &[], "", (400, "invalid_json")).await;
    let long = "k".repeat(256);
    let keyed = [("content-type", "application/json"), ("idempotency-key", long.as_str())];
    check(&client, &path("customers"), &keyed, good, (400, "invalid_request")).await;
    server.engine.delete_data_source(SOURCE).await.unwrap();
    check(&client, &path("customers"), &json, good, (404, "data_source_not_found")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_and_wrapped_bodies_are_accepted() {
    let server = ListeningServer::start().await;
    let client = ApiClient::admin(&server);
    let good = r#"{"id":"a","name":"A"}"#;
    for empty in ["[]", r#"{"customers":[]}"#] {
        let response = client.post(&path("customers"), empty).await;
        assert_eq!((response.status, &response.json["result"]), (200, &json!([])));
    }
    // Fields of a wrapper do not make it a record.
    let named = r#"{"id":"run-7","name":"nightly","customers":[{"id":"w","name":"W"}]}"#;
    assert_eq!(client.post(&path("customers"), named).await.json["result"][0]["id"], "w");
    for lines in ["application/x-ndjson", "text/csv"] {
        let response =
            client.send("POST", &path("customers"), &[("content-type", lines)], "\n").await;
        assert_eq!((response.status, &response.json["result"]), (200, &json!([])));
    }
    let response = client
        .send("POST", &path("customers"), &[("content-type", "text/plain;charset=UTF-8")], good)
        .await;
    assert_eq!(response.status, 200, "{response:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_large_body_is_413() {
    let server = ListeningServer::with(|config| config.limits.decoded_bytes = 100).await;
    let client = ApiClient::admin(&server);
    let sized = |bytes: usize| format!("{:bytes$}", r#"{"id":"a","name":"A"}"#);
    assert_eq!(client.post(&path("customers"), sized(100)).await.status, 200);
    let response = client.post(&path("customers"), sized(101)).await;
    assert_eq!((response.status, response.json["code"].as_str()), (413, Some("too_large")));
}

#[tokio::test(flavor = "multi_thread")]
async fn idempotent_request_is_stored_once() {
    let server = ListeningServer::start().await;
    let client = ApiClient::admin(&server);
    let send = async |key: &str, object: &str, body: &str| {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        client.send("POST", &path(object), &headers, body).await
    };
    let body = r#"{"id":"a","name":"A"}"#;
    let first = send("k", "customers", body).await;
    assert!(
        first.status == 200 && !first.headers.contains_key("idempotency-replayed"),
        "{first:?}"
    );
    client.post(&path("customers"), r#"{"id":"a","name":"B"}"#).await;
    let again = send("k", "customers", body).await;
    assert_eq!((again.status, &again.json), (200, &first.json));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(sql(&server, "select name from customers").await, ["B"]);
    let other = send("k", "customers", r#"{"id":"a","name":"C"}"#).await;
    assert_eq!((other.status, other.json["code"].as_str()), (422, Some("idempotency_conflict")));
    // Each path has keys of its own; a refused request stores none.
    assert_eq!(send("k", "plans", r#"{"id":"p"}"#).await.status, 400);
    let plan = r#"{"id":"p","name":"P","interval":"month","interval_count":1,"currency":"USD"}"#;
    assert_eq!(send("k", "plans", plan).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn order_and_repetition_in_a_batch_do_not_matter() {
    let server = ListeningServer::start().await;
    let client = ApiClient::admin(&server);
    let ids = ["c", "a", "b", "a"];
    let body: Vec<_> = ids.iter().map(|id| json!({"id": id, "name": id})).collect();
    let response = client.post(&path("customers"), Value::from(body).to_string()).await;
    let rows: Vec<_> = response.json["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["id"].clone(), row["status"].clone()))
        .collect();
    assert_eq!(rows.iter().map(|row| row.0.as_str().unwrap()).collect::<Vec<_>>(), ids);
    assert_eq!(
        rows.iter().map(|row| row.1.as_str().unwrap()).collect::<Vec<_>>(),
        ["created", "created", "created", "unchanged"]
    );
}

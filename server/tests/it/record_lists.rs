//! Lists of records in GrowPanel's API of clients.

use serde_json::{Value, json};

use crate::api_client::ApiClient;
use crate::listening_server::ListeningServer;

#[tokio::test(flavor = "multi_thread")]
async fn many_records_are_listed_in_order() {
    let server = ListeningServer::start().await;
    let client = ApiClient::admin(&server);
    let rows: Vec<Value> =
        (0..9000).map(|at| json!({"id": format!("c{at:05}"), "name": "N"})).collect();
    assert_eq!(client.post("/data/customers", Value::from(rows).to_string()).await.status, 200);
    let listed = client.get("/data/customers").await.json;
    let ids: Vec<_> = listed["result"]["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_str().unwrap())
        .collect();
    assert!(ids.is_sorted() && ids.len() == 9000 && listed["result"]["count"] == 9000);
}

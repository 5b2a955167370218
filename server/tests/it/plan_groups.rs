//! Plan groups of GrowPanel's clients.

use serde_json::json;

use crate::api_client::ApiClient;
use crate::listening_server::ListeningServer;

#[tokio::test(flavor = "multi_thread")]
async fn plan_groups_are_created_changed_and_deleted() {
    let server = ListeningServer::start().await;
    let client = ApiClient::admin(&server);
    let plans = r#"[{"id":"pro","name":"Pro","billing_freq":"month","currency":"usd"},{"id":"team",
        "name":"Team","billing_freq":"month","currency":"usd"}]"#;
    client.post("/data/plans", plans).await;
    let made =
        client.post("/data/plan-groups", r#"{"name":"G","plans":["pro",{"id":"gone"}]}"#).await;
    assert_eq!((made.status, &made.json["success"]), (200, &json!(true)), "{made:?}");
    let id = made.json["id"].as_str().unwrap();
    let path = format!("/data/plan-groups/{id}");
    let group = client.get(&path).await.json;
    assert_eq!(
        (&group["name"], &group["type"], &group["plans"]),
        (&json!("G"), &json!("manual"), &json!(["pro", "gone"]))
    );
    let auto = r#"{"type":"auto","selector_type":"startswith","selector":"te"}"#;
    assert_eq!(client.put(&path, auto).await.json, json!({"success": true, "id": id}));
    let group = client.get(&path).await.json;
    assert_eq!(
        (&group["name"], &group["plans"], &group["selector_type"]),
        (&json!("G"), &json!(["team"]), &json!("startswith"))
    );
    assert_eq!(
        client.get("/data/plan-groups").await.json["result"],
        json!({"count": 1, "list": [group]})
    );
    for wrong in [
        r#"{"name":""}"#,
        r#"{"name":"X","type":"auto","selector_type":"regex","selector":"("}"#,
        r#"{"name":"X","type":"auto","selector_type":"like","selector":"x"}"#,
    ] {
        assert_eq!(client.post("/data/plan-groups", wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(client.delete(&path).await.status, 200);
    for response in [
        client.get(&path).await,
        client.delete(&path).await,
        client.put(&path, r#"{"name":"N"}"#).await,
    ] {
        assert_eq!(
            (response.status, response.json["code"].as_str()),
            (404, Some("plan_group_not_found"))
        );
    }
}

//! Bulk requests and operations in them that are refused.

use serde_json::{Value, json};

use super::bulk::{bulk_node, post_user, request, send, statuses};
use super::client::answer;

#[tokio::test]
async fn operations_are_refused_as_calls_of_their_own_would_be() {
    let node = bulk_node(|_| {}).await;
    let ann = node.user("ann@example.com").await;
    let patch = json!({"Operations": [{"op": "replace", "path": "active", "value": "perhaps"}]});
    let cases = [
        (
            json!({"method": "DELETE", "path": "/Users/4711"}),
            "404",
            "/Users/4711",
        ),
        (json!({"method": "DELETE", "path": "/Robots/1"}), "404", ""),
        (json!({"method": "DELETE", "path": "/Users/1/2"}), "404", ""),
        (json!({"method": "DELETE", "path": "Users/1"}), "400", ""),
        (json!({"method": "DELETE", "path": "/Users"}), "405", ""),
        (
            json!({"method": "PUT", "path": "/Groups", "data": {}}),
            "405",
            "",
        ),
        (
            json!({"method": "POST", "path": "/Users/1", "bulkId": "b", "data": {}}),
            "405",
            "",
        ),
        (
            json!({"method": "POST", "path": "/Users", "bulkId": "b"}),
            "400",
            "",
        ),
        (
            json!({"method": "POST", "path": "/Users", "bulkId": "b", "data": []}),
            "400",
            "",
        ),
        (
            json!({"method": "PATCH", "path": format!("/Users/{ann}"), "data": patch}),
            "400",
            &ann,
        ),
    ];
    for (operation, status, location) in cases {
        let answer = send(&node, json!([operation])).await;
        assert_eq!(statuses(&answer), [status], "{operation}");
        let one = &answer.body["Operations"][0];
        assert_eq!(one["response"]["status"], status, "{operation}");
        let found = one["location"].as_str().unwrap_or_default();
        assert!(found.ends_with(location), "{operation}: {found}");
        assert_eq!(
            found.is_empty(),
            location.is_empty(),
            "{operation}: {found}"
        );
    }
}

#[tokio::test]
async fn too_many_operations_and_too_many_bytes_are_413_with_the_limit() {
    let node = bulk_node(|options| {
        options.bulk_max_operations = 2;
        options.bulk_max_payload = 600;
    })
    .await;
    let users = |n: usize| (0..n).map(|at| post_user(&format!("x{at}"), &[])).collect();
    let answer = send(&node, users(3)).await;
    let detail = answer.refused(413, "");
    assert!(
        detail.contains("3 operations") && detail.contains("maxOperations (2)"),
        "{detail}"
    );
    let answer = send(&node, json!([post_user(&"x".repeat(600), &[])])).await;
    let detail = answer.refused(413, "");
    assert!(detail.contains("maxPayloadSize (600)"), "{detail}");
    assert!(node.sandbox.snapshot().users.is_empty());
    assert_eq!(statuses(&send(&node, users(2)).await), ["201", "201"]);
}

#[tokio::test]
async fn a_request_of_the_wrong_form_is_refused_as_a_whole() {
    let node = bulk_node(|_| {}).await;
    let good = post_user("ann", &[]);
    let with = |key: &str, value: Value| {
        let mut body = request(&json!([good]));
        body[key] = value;
        body
    };
    let cases = [
        (json!("not an object"), "invalidSyntax"),
        (json!({"Operations": [good]}), "invalidSyntax"),
        (
            with(
                "schemas",
                json!(["urn:ietf:params:scim:api:messages:2.0:PatchOp"]),
            ),
            "invalidSyntax",
        ),
        (with("Operations", json!([])), "invalidSyntax"),
        (with("Operations", json!({})), "invalidSyntax"),
        (with("failOnErrors", json!(0)), "invalidValue"),
        (with("failOnErrors", json!("1")), "invalidValue"),
        (
            with("Operations", json!([good, "nonsense"])),
            "invalidSyntax",
        ),
        (
            with(
                "Operations",
                json!([good, {"method": "GET", "path": "/Users"}]),
            ),
            "invalidSyntax",
        ),
        (
            with("Operations", json!([good, {"path": "/Users/1"}])),
            "invalidSyntax",
        ),
        (
            with("Operations", json!([good, {"method": "DELETE"}])),
            "invalidSyntax",
        ),
        (
            with("Operations", json!([good, {"method": "DELETE", "path": 7}])),
            "invalidSyntax",
        ),
        (
            with(
                "Operations",
                json!([good, {"method": "POST", "path": "/Users", "data": {}}]),
            ),
            "invalidSyntax",
        ),
        (with("Operations", json!([good, good])), "invalidValue"),
    ];
    for (body, scim_type) in cases {
        let answer = node.send("POST", "/Bulk", &body).await;
        answer.refused(400, scim_type);
    }
    node.send("POST", "/Bulk", "{")
        .await
        .refused(400, "invalidSyntax");
    node.get("/Bulk").await.refused(405, "");
    let plain = node
        .request("POST", "/Bulk")
        .header("Content-Type", "text/plain");
    let plain = plain.body(request(&json!([good])).to_string());
    answer(plain).await.unwrap().refused(415, "");
    assert!(node.sandbox.snapshot().users.is_empty());
}

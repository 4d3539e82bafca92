//! Bulk requests (RFC 7644, section 3.7).

use headcount::sandbox::{Bulk, Options};
use serde_json::{Value, json};

use super::client::{Answer, Node, SCIM, node};

pub async fn bulk_node(change: impl FnOnce(&mut Options)) -> Node {
    node(|options| {
        options.bulk = Bulk::Yes;
        change(options);
    })
    .await
}

pub fn request(operations: &Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations,
    })
}

pub async fn send(node: &Node, operations: Value) -> Answer {
    node.send("POST", "/Bulk", request(&operations)).await
}

pub fn post_user(bulk_id: &str, groups: &[&str]) -> Value {
    let groups: Value = groups.iter().map(|id| json!({ "value": id })).collect();
    let user_name = format!("{bulk_id}@example.com");
    json!({
        "method": "POST", "path": "/Users", "bulkId": bulk_id,
        "data": {"userName": user_name, "groups": groups},
    })
}

fn post_group(bulk_id: &str, members: &[&str]) -> Value {
    let members: Value = members.iter().map(|id| json!({ "value": id })).collect();
    json!({
        "method": "POST", "path": "/Groups", "bulkId": bulk_id,
        "data": {"displayName": bulk_id, "members": members},
    })
}

/// The statuses of all operations, which are strings.
#[track_caller]
pub fn statuses(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let operations = answer.body["Operations"].as_array().expect("operations");
    operations
        .iter()
        .map(|operation| operation["status"].as_str().expect("a status"))
        .collect()
}

#[tokio::test]
async fn every_kind_of_operation_is_carried_out_in_one_call() {
    let node = bulk_node(|_| {}).await;
    let (ada, bob) = (
        node.user("ada@example.com").await,
        node.user("bob@example.com").await,
    );
    let (sales, old) = (node.group("Sales").await, node.group("Old").await);
    let before = node.sandbox.calls().total();
    let patch = |operation: Value| json!({ "Operations": [operation] });
    let answer = send(
        &node,
        json!([
            post_user("cid", &[&sales]),
            {"method": "PUT", "path": format!("/Users/{ada}"), "bulkId": "put",
                "data": {"userName": "ada@example.com", "displayName": "Ada"}},
            {"method": "PATCH", "path": format!("/Users/{bob}"),
                "data": patch(json!({"op": "replace", "path": "active", "value": false}))},
            {"method": "PATCH", "path": format!("/Groups/{sales}"),
                "data": patch(json!({"op": "add", "path": "members", "value": [{"value": ada}]}))},
            {"method": "PUT", "path": format!("/Groups/{sales}"), "data": {"displayName": "Sellers"}},
            {"method": "DELETE", "path": format!("/Groups/{old}")},
            {"method": "DELETE", "path": format!("/Users/{ada}")},
        ]),
    )
    .await;
    assert_eq!(answer.header("content-type"), SCIM);
    assert_eq!(
        answer.body["schemas"],
        json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"])
    );
    assert_eq!(
        statuses(&answer),
        ["201", "200", "200", "200", "200", "204", "204"]
    );

    let snapshot = node.sandbox.snapshot();
    let base = node.sandbox.base_url();
    let cid = &snapshot.user("cid@example.com").expect("a user").id;
    assert_eq!(
        answer.body["Operations"][0],
        json!({"method": "POST", "bulkId": "cid", "location": format!("{base}/Users/{cid}"), "status": "201"})
    );
    assert_eq!(
        answer.body["Operations"][2],
        json!({"method": "PATCH", "location": format!("{base}/Users/{bob}"), "status": "200"})
    );
    assert_eq!(answer.body["Operations"][1]["bulkId"], "put");
    assert_eq!(snapshot.groups_of("cid@example.com"), ["Sellers"]);
    assert_eq!(snapshot.groups_of("ada@example.com"), ["Sellers"]);
    let ada = snapshot.user("ada@example.com").unwrap();
    assert_eq!(
        (ada.display_name.as_deref(), ada.active),
        (Some("Ada"), false)
    );
    assert!(!snapshot.user("bob@example.com").unwrap().active);
    assert!(snapshot.group("Old").is_none());
    let calls = node.sandbox.calls();
    assert_eq!((calls.of("POST /Bulk"), calls.total()), (1, before + 1));
}

#[tokio::test]
async fn references_backward_and_forward_are_resolved() {
    let node = bulk_node(|_| {}).await;
    let add = |bulk_id: &str| {
        json!({"Operations": [
            {"op": "add", "path": "members", "value": [{"value": format!("bulkId:{bulk_id}")}]},
        ]})
    };
    let answer = send(
        &node,
        json!([
            {"method": "PATCH", "path": "/Groups/bulkId:late", "data": add("ann")},
            post_user("ann", &["bulkId:early", "bulkId:late"]),
            post_group("early", &[]),
            post_group("late", &["bulkId:bea"]),
            post_user("bea", &["bulkId:early"]),
            {"method": "PATCH", "path": "/Users/bulkId:bea",
                "data": {"Operations": [{"op": "add", "value": {"displayName": "bulkId:ann", "active": false}}]}},
        ]),
    )
    .await;
    assert_eq!(
        statuses(&answer),
        ["200", "201", "201", "201", "201", "200"]
    );
    let snapshot = node.sandbox.snapshot();
    assert_eq!(snapshot.groups_of("ann@example.com"), ["early", "late"]);
    let bea = snapshot.user("bea@example.com").unwrap();
    assert_eq!(bea.display_name.as_deref(), Some("bulkId:ann"));
    assert!(!bea.active);
    let location = answer.body["Operations"][5]["location"].as_str().unwrap();
    assert!(location.ends_with(&bea.id), "{location}");
}

#[tokio::test]
async fn what_cannot_be_resolved_fails_alone() {
    let node = bulk_node(|_| {}).await;
    let answer = send(
        &node,
        json!([
            post_user("ann", &["bulkId:team"]),
            post_group("team", &["bulkId:ann"]),
            post_group("own", &["bulkId:own"]),
            post_user("bea", &["bulkId:team"]),
            post_user("cid", &["bulkId:nobody"]),
            {"method": "DELETE", "path": "/Users/bulkId:nobody"},
            {"method": "PATCH", "path": "/Users/bulkId:put", "bulkId": "put", "data": {}},
            post_user("dan", &[]),
        ]),
    )
    .await;
    assert_eq!(
        statuses(&answer),
        ["409", "409", "409", "400", "400", "400", "400", "201"]
    );
    let operations = &answer.body["Operations"];
    let detail = |at: usize| {
        operations[at]["response"]["detail"]
            .as_str()
            .unwrap_or_default()
    };
    assert!(detail(0).contains("circle"), "{}", detail(0));
    assert_eq!(operations[0]["response"]["scimType"], Value::Null);
    assert!(
        detail(3).contains("\"team\" stands for was not created"),
        "{}",
        detail(3)
    );
    assert!(
        detail(4).contains("creates bulkId \"nobody\""),
        "{}",
        detail(4)
    );
    for at in 0..7 {
        assert_eq!(operations[at]["location"], Value::Null);
    }
    assert_eq!(node.sandbox.snapshot().users.len(), 1);
    assert!(node.sandbox.snapshot().groups.is_empty());
}

#[tokio::test]
async fn a_chain_of_references_may_be_as_long_as_the_request() {
    let node = bulk_node(|options| options.bulk_max_operations = 6000).await;
    let name = |at: usize| format!("x{at}");
    let operations = (0..6000).map(|at| {
        let next = format!("bulkId:{}", name(at + 1));
        let next = if at == 5999 {
            vec![]
        } else {
            vec![next.as_str()]
        };
        if at % 2 == 0 {
            post_user(&name(at), &next)
        } else {
            post_group(&name(at), &next)
        }
    });
    let answer = send(&node, operations.collect()).await;
    let statuses = statuses(&answer);
    assert!(!statuses.is_empty() && statuses.iter().all(|status| *status == "201"));
    assert_eq!(answer.body["Operations"][17]["bulkId"], "x17");
    assert_eq!(node.sandbox.snapshot().groups_of("x0@example.com"), ["x1"]);
}

#[tokio::test]
async fn seats_and_emails_count_for_each_operation() {
    let node = bulk_node(|options| options.seats = Some(2)).await;
    node.user("ann@example.com").await;
    let answer = send(
        &node,
        json!([
            post_user("ANN", &[]),
            post_user("bea", &[]),
            post_user("cid", &[]),
            post_group("team", &[]),
        ]),
    )
    .await;
    assert_eq!(statuses(&answer), ["409", "201", "428", "201"]);
    let taken = &answer.body["Operations"][0];
    assert_eq!(taken["bulkId"], "ANN");
    assert_eq!(taken["location"], Value::Null);
    assert_eq!(
        taken["response"]["schemas"][0],
        "urn:ietf:params:scim:api:messages:2.0:Error"
    );
    assert_eq!(taken["response"]["status"], "409");
    assert_eq!(taken["response"]["scimType"], "uniqueness");
    assert_eq!(answer.body["Operations"][1]["response"], Value::Null);
}

#[tokio::test]
async fn fail_on_errors_ends_the_request() {
    for (most, done) in [(1, 2), (2, 4), (3, 5)] {
        let node = bulk_node(|_| {}).await;
        let operations = json!([
            post_user("ann", &[]),
            post_user("ANN", &[]),
            post_user("bea", &[]),
            {"method": "DELETE", "path": "/Users/4711"},
            post_user("cid", &[]),
        ]);
        let mut body = request(&operations);
        body["failOnErrors"] = most.into();
        let answer = node.send("POST", "/Bulk", body).await;
        let all = ["201", "409", "201", "404", "201"];
        assert_eq!(statuses(&answer), all[..done], "{most}");
        let cid = node.sandbox.snapshot().user("cid@example.com").is_some();
        assert_eq!(cid, done == 5);
    }
}

#[tokio::test]
async fn a_node_may_offer_bulk_refuse_it_or_only_claim_it() {
    for (bulk, status, supported, most) in [
        (Bulk::Yes, 200, true, 1000),
        (Bulk::No, 404, false, 0),
        (Bulk::Claimed, 501, true, 1000),
    ] {
        let node = node(|options| options.bulk = bulk).await;
        let config = node.get("/ServiceProviderConfig").await;
        let payload = if supported { 1_048_576 } else { 0 };
        assert_eq!(
            config.body["bulk"],
            json!({"supported": supported, "maxOperations": most, "maxPayloadSize": payload})
        );
        let answer = send(&node, json!([post_user("ann", &[])])).await;
        assert_eq!(answer.status, status, "{bulk:?}");
        if status != 200 {
            answer.refused(status, "");
        }
        assert_eq!(
            node.sandbox.snapshot().users.len(),
            usize::from(status == 200)
        );
    }
}

#[tokio::test]
async fn the_pace_and_the_faults_take_a_bulk_request_as_one_call() {
    let node = bulk_node(|options| options.rate = Some(1)).await;
    let users = json!([post_user("ann", &[]), post_user("bea", &[])]);
    assert_eq!(statuses(&send(&node, users.clone()).await), ["201", "201"]);
    send(&node, users.clone()).await.refused(429, "");

    for (spec, held) in [("500=100%", 0), ("500@after=100%", 2)] {
        let node = bulk_node(|options| options.faults = spec.parse().unwrap()).await;
        send(&node, users.clone()).await.refused(500, "");
        assert_eq!(node.sandbox.snapshot().users.len(), held, "{spec}");
    }
}

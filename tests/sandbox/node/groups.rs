//! Teams and roles, with the bodies of the provider's page.

use serde_json::json;

use super::client::{Node, empty_node, node};

fn provider_post(name: &str) -> String {
    r#"{
     "schemas": [
        "urn:ietf:params:scim:schemas:core:2.0:Group",
        "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/Group"
     ],
     "displayName": "<name>",
     "externalId": "dfe9166c-57f9-417d-83a6-072b5a56a4fe"
}"#
    .replace("<name>", name)
}

fn provider_patch(op: &str, users: &[&String]) -> String {
    let users: Vec<_> = users.iter().map(|id| json!({ "value": id })).collect();
    json!({"Operations": [{"op": op, "path": "members", "value": users}]}).to_string()
}

fn members(node: &Node, group: &str) -> Vec<String> {
    node.sandbox
        .snapshot()
        .group(group)
        .expect(group)
        .members
        .clone()
}

#[tokio::test]
async fn a_team_is_created_read_listed_and_deleted() {
    let node = empty_node().await;
    let answer = node
        .send("POST", "/Groups", provider_post("Analysts"))
        .await;
    let id = answer.created();
    assert_eq!(
        answer.header("location"),
        format!("{}/Groups/{id}", node.sandbox.base_url())
    );
    assert_eq!(answer.body["displayName"], "Analysts");
    assert_eq!(
        answer.body["externalId"],
        "dfe9166c-57f9-417d-83a6-072b5a56a4fe"
    );
    assert_eq!(answer.body["members"], json!([]));
    assert_eq!(node.get(&format!("/Groups/{id}")).await.body, answer.body);

    // Names need not be unique.
    let twin = node
        .send("POST", "/Groups", provider_post("Analysts"))
        .await
        .created();
    let list = node.get("/Groups").await;
    assert_eq!(list.body["totalResults"], 2);
    assert_eq!(list.column("id"), [&id, &twin]);

    let user = node.user("ada@example.com").await;
    node.send(
        "PATCH",
        &format!("/Groups/{id}"),
        provider_patch("add", &[&user]),
    )
    .await;
    assert_eq!(node.delete(&format!("/Groups/{id}")).await.status, 204);
    node.get(&format!("/Groups/{id}")).await.refused(404, "");
    assert_eq!(node.get("/Groups").await.column("id"), [&twin]);
    assert_eq!(
        node.get(&format!("/Users/{user}")).await.body["groups"],
        json!([])
    );
    node.send("POST", "/Groups", json!({"displayName": " "}))
        .await
        .refused(400, "invalidValue");
    node.send("POST", "/Groups", json!({}))
        .await
        .refused(400, "invalidValue");
}

#[tokio::test]
async fn members_come_and_go_several_in_a_call() {
    let node = empty_node().await;
    let group = node.group("Analysts").await;
    let path = format!("/Groups/{group}");
    let ada = node.user("ada@example.com").await;
    let bob = node.user("bob@example.com").await;
    let cleo = node.user("cleo@example.com").await;

    let answer = node
        .send("PATCH", &path, provider_patch("add", &[&ada, &bob, &ada]))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body["members"][1]["value"], bob);
    assert_eq!(answer.body["members"][1]["display"], "bob@example.com");
    assert_eq!(members(&node, "Analysts"), [&*ada, &*bob]);

    // Who is no member need not be removed.
    let answer = node
        .send("PATCH", &path, provider_patch("Remove", &[&bob, &cleo]))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(members(&node, "Analysts"), [&*ada]);

    node.send("PATCH", &path, provider_patch("replace", &[&bob, &cleo]))
        .await;
    assert_eq!(members(&node, "Analysts"), [&*bob, &*cleo]);
    let user = node.get(&format!("/Users/{ada}")).await;
    assert_eq!(user.body["groups"], json!([]));

    let filtered = json!({"Operations": [
        {"op": "remove", "path": format!("members[value eq \"{bob}\"]")},
        {"op": "add", "value": {"members": [{"value": ada}]}},
    ]});
    node.send("PATCH", &path, filtered).await;
    assert_eq!(members(&node, "Analysts"), [&*ada, &*cleo]);

    let swapped = json!({"Operations": [
        {"op": "replace", "path": "members[display sw \"CLEO\"]", "value": {"value": bob}},
    ]});
    node.send("PATCH", &path, swapped).await;
    assert_eq!(members(&node, "Analysts"), [&*ada, &*bob]);

    let all = json!({"Operations": [{"op": "remove", "path": "members"}]});
    node.send("PATCH", &path, all).await;
    assert!(members(&node, "Analysts").is_empty());
}

#[tokio::test]
async fn a_batch_with_an_unknown_member_is_refused_whole_and_names_it() {
    let node = empty_node().await;
    let group = node.group("Analysts").await;
    let ada = node.user("ada@example.com").await;
    for op in ["add", "remove", "replace"] {
        let body = provider_patch(op, &[&ada, &"42".to_owned()]);
        let answer = node.send("PATCH", &format!("/Groups/{group}"), body).await;
        assert!(answer.refused(400, "invalidValue").contains("\"42\""));
    }
    assert!(members(&node, "Analysts").is_empty());
}

#[tokio::test]
async fn a_group_is_renamed_and_replaced() {
    let node = empty_node().await;
    let group = node.group("Analysts").await;
    let path = format!("/Groups/{group}");
    let ada = node.user("ada@example.com").await;
    node.send("PATCH", &path, provider_patch("add", &[&ada]))
        .await;
    let rename = json!({"Operations": [{"op": "replace", "value": {"displayName": "Research", "externalId": "x"}}]});
    assert_eq!(
        node.send("PATCH", &path, rename).await.body["displayName"],
        "Research"
    );
    let user = node.get(&format!("/Users/{ada}")).await;
    assert_eq!(user.body["groups"][0]["display"], "Research");

    let answer = node
        .send("PUT", &path, json!({"displayName": "Science"}))
        .await;
    assert_eq!(answer.body["externalId"], json!(null));
    assert_eq!(members(&node, "Science"), [&*ada]);
    let nameless = json!({"Operations": [{"op": "remove", "path": "displayName"}]});
    let answer = node.send("PATCH", &path, nameless).await;
    answer.refused(400, "mutability");
    let body = json!({"displayName": "Science", "members": []});
    node.send("PUT", &path, body).await;
    assert!(members(&node, "Science").is_empty());
}

#[tokio::test]
async fn the_prefix_makes_a_role_and_membership_assigns_it() {
    let node = empty_node().await;
    let role = node
        .send("POST", "/Groups", provider_post("ROLE_group"))
        .await
        .created();
    node.group("Team").await;
    let ada = node.user("ada@example.com").await;
    node.send(
        "PATCH",
        &format!("/Groups/{role}"),
        provider_patch("add", &[&ada]),
    )
    .await;
    let snapshot = node.sandbox.snapshot();
    assert!(snapshot.group("ROLE_group").unwrap().is_role);
    assert!(!snapshot.group("Team").unwrap().is_role);
    assert_eq!(snapshot.groups_of("ada@example.com"), ["ROLE_group"]);
}

#[tokio::test]
async fn a_big_group_is_patched_without_sending_it_back() {
    let node = node(|options| {
        options.users = 60_000;
        options.page_max = 500;
    })
    .await;
    let everyone: Vec<String> = node
        .sandbox
        .snapshot()
        .users
        .into_iter()
        .map(|user| user.id)
        .collect();
    let group = node.group("Everyone").await;
    let path = format!("/Groups/{group}");
    let most: Vec<&String> = everyone.iter().take(50_000).collect();
    let answer = node
        .send("PATCH", &path, provider_patch("add", &most))
        .await;
    assert_eq!((answer.status, &answer.body), (204, &json!(null)));

    let one = provider_patch("add", &[&everyone[55_000]]);
    assert_eq!(node.send("PATCH", &path, &one).await.status, 204);
    let answer = node
        .send("PATCH", &format!("{path}?excludedAttributes=members"), &one)
        .await;
    assert_eq!(
        (answer.status, &answer.body["members"]),
        (200, &json!(null))
    );
    let answer = node
        .send("PATCH", &format!("{path}?attributes=members.value"), &one)
        .await;
    let shown = answer.body["members"].as_array().unwrap();
    assert_eq!(shown.len(), 50_001);
    assert_eq!(shown[0], json!({"value": everyone[0]}));

    let filter = format!(
        "/Groups?excludedAttributes=members&filter=members[value eq \"{}\"]",
        everyone[7]
    );
    assert_eq!(node.get(&filter).await.column("displayName"), ["Everyone"]);
    assert_eq!(node.delete(&path).await.status, 204);
    assert!(
        node.sandbox
            .snapshot()
            .users
            .iter()
            .all(|user| user.groups.is_empty())
    );
}

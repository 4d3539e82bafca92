//! Users, with the bodies of the provider's page; its JavaScript comments, which are not JSON, left out.

use serde_json::json;

use super::client::{empty_node, node};

fn provider_post(email: &str, group: &str) -> String {
    r#"{
 "schemas": [
   "urn:ietf:params:scim:schemas:core:2.0:User",
   "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
 ],
 "userName": "<email>",
 "displayName": "Ada Lovelace",
 "externalId": "",
 "name": {
   "familyName": "Lovelace",
   "givenName": "Ada"
 },
 "emails":[
 	{
   "value":"<email>"
 	}
 ],
 "roles": [],
 "groups":[
    {
      "value":"<group_id>",
      "$ref":"http://keepersecurity.com/api/rest/scim/v2/1234567890/<group_id>/scim/Groups",
      "display":"Analysts"
    }
 ]
}"#
    .replace("<email>", email)
    .replace("<group_id>", group)
}

#[tokio::test]
async fn a_user_is_created_in_a_team_with_one_call() {
    let node = empty_node().await;
    let team = node.group("Analysts").await;
    let answer = node
        .send("POST", "/Users", provider_post("Ada@example.com", &team))
        .await;
    let id = answer.created();
    let location = format!("{}/Users/{id}", node.sandbox.base_url());
    assert_eq!(answer.header("location"), location);
    assert_eq!(answer.header("content-type"), "application/scim+json");
    assert_eq!(answer.body["meta"]["location"], location);
    assert_eq!(answer.body["meta"]["resourceType"], "User");
    assert_eq!(answer.body["active"], true);
    assert_eq!(
        answer.body["name"],
        json!({"familyName": "Lovelace", "givenName": "Ada"})
    );
    assert_eq!(answer.body["groups"][0]["value"], team);
    assert_eq!(answer.body["groups"][0]["display"], "Analysts");
    assert_eq!(answer.body["roles"], json!(null));

    let read = node.get(&format!("/Users/{id}")).await;
    assert_eq!(read.body, answer.body);
    assert!(id.bytes().all(|byte| byte.is_ascii_digit()));
    let snapshot = node.sandbox.snapshot();
    assert_eq!(snapshot.groups_of("ada@EXAMPLE.com"), ["Analysts"]);
    assert_eq!(snapshot.group("Analysts").unwrap().members, [id]);
}

#[tokio::test]
async fn what_cannot_be_created_is_refused_and_leaves_nothing_behind() {
    let node = empty_node().await;
    node.user("ada@example.com").await;
    let cases = [
        (
            json!({"userName": "ADA@Example.com"}),
            409,
            "uniqueness",
            "Email already taken",
        ),
        (
            json!({"displayName": "Nobody"}),
            400,
            "invalidValue",
            "userName must be an email",
        ),
        (
            json!({"userName": "nobody"}),
            400,
            "invalidValue",
            "\"nobody\"",
        ),
        (
            json!({"userName": 7}),
            400,
            "invalidValue",
            "userName must be a string",
        ),
        (
            json!({"userName": "bob@example.com", "groups": [{"value": "42"}]}),
            400,
            "invalidValue",
            "there is no group \"42\"",
        ),
        (
            json!({"userName": "bob@example.com", "active": "maybe"}),
            400,
            "invalidValue",
            "active must be true or false",
        ),
        (
            json!(["bob@example.com"]),
            400,
            "invalidSyntax",
            "not a JSON object",
        ),
    ];
    for (body, status, scim_type, detail) in cases {
        let answer = node.send("POST", "/Users", &body).await;
        let found = answer.refused(status, scim_type);
        assert!(found.contains(detail), "{found}");
    }
    assert_eq!(node.sandbox.snapshot().users.len(), 1);
}

#[tokio::test]
async fn seats_are_counted_with_locked_accounts() {
    let node = node(|options| options.seats = Some(2)).await;
    let ada = node.user("ada@example.com").await;
    node.user("bob@example.com").await;
    node.delete(&format!("/Users/{ada}")).await;
    let body = json!({"userName": "cleo@example.com"});
    let answer = node.send("POST", "/Users", &body).await;
    let detail = answer.refused(428, "");
    assert!(
        detail.starts_with("Number of licensed seats was exceeded."),
        "{detail}"
    );
    assert_eq!(node.sandbox.snapshot().users.len(), 2);
}

#[tokio::test]
async fn lock_and_unlock_take_the_forms_of_the_page() {
    let node = empty_node().await;
    let id = node.user("ada@example.com").await;
    let path = format!("/Users/{id}");
    let page = |value: &str| {
        r#"{
  "schemas": [
    "urn:ietf:params:scim:api:messages:2.0:PatchOp"
  ],
  "Operations": [
    {
      "op": "Replace",
      "path": "active",
      "value": <value>
    }
  ]
}"#
        .replace("<value>", value)
    };
    for (value, active) in [
        ("\"false\"", false),
        ("\"true\"", true),
        ("false", false),
        ("true", true),
        ("\"False\"", false),
        ("\"TRUE\"", true),
    ] {
        let answer = node.send("PATCH", &path, page(value)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.body["active"], active, "{value}");
        assert_eq!(node.sandbox.snapshot().users[0].active, active);
    }
    node.send("PATCH", &path, page("\"locked\""))
        .await
        .refused(400, "invalidValue");
}

#[tokio::test]
async fn the_long_patch_of_the_page_is_carried_out() {
    let node = empty_node().await;
    let (old, new) = (node.group("Old team").await, node.group("New team").await);
    let id = node
        .send("POST", "/Users", provider_post("ada@example.com", &old))
        .await
        .created();
    let body = r#"{
  "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
  "Operations": [
    { "op": "replace", "path": "userName", "value": "ada.king@example.com" },
    { "op": "replace", "path": "displayName", "value": "Ada King" },
    { "op": "replace", "path": "externalId", "value": "E1" },
    { "op": "replace", "path": "name.familyName", "value": "King" },
    { "op": "replace", "path": "name.givenName", "value": "Augusta" },
    { "op": "replace", "path": "active", "value": false },
    { "op": "add", "path": "groups", "value": [
        { "$ref": "https://example.com/v2/Users/1743756723210", "value": "<new>" } ] },
    { "op": "remove", "path": "groups", "value": [
        { "$ref": "https://example.com/v2/Users/<user_id>", "value": "<old>" } ] }
  ]
}"#
    .replace("<new>", &new)
    .replace("<old>", &old);
    let answer = node.send("PATCH", &format!("/Users/{id}"), body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let snapshot = node.sandbox.snapshot();
    let user = snapshot.user("ada.king@example.com").unwrap();
    assert_eq!(user.id, id);
    assert_eq!(user.display_name.as_deref(), Some("Ada King"));
    assert_eq!(user.external_id.as_deref(), Some("E1"));
    assert_eq!(user.family_name.as_deref(), Some("King"));
    assert_eq!(user.given_name.as_deref(), Some("Augusta"));
    assert!(!user.active);
    assert_eq!(user.groups, [new]);
    assert!(snapshot.group("Old team").unwrap().members.is_empty());
    // The old address is free again, the new one is not.
    node.user("ada@example.com").await;
    let taken = json!({"userName": "ADA.KING@example.com"});
    node.send("POST", "/Users", taken)
        .await
        .refused(409, "uniqueness");
}

#[tokio::test]
async fn patch_forms_of_other_clients_mean_the_same() {
    let urn = "urn:ietf:params:scim:schemas:core:2.0:User";
    for operation in [
        json!({"op": "REPLACE", "value": {"name.givenName": "Ada", "name.familyName": "King", "displayName": "AK"}}),
        json!({"op": "add", "value": {"name": {"givenName": "Ada", "familyName": "King"}, "displayName": "AK"}}),
        json!({"op": "replace", "path": "NAME", "value": {"GIVENNAME": "Ada", "familyname": "King", "x": 1}}),
        json!({"OP": "Replace", "Value": {(format!("{urn}:name.givenName")): "Ada", "id": "7", "schemas": [], "roles": [1]}}),
        json!({"op": "replace", "path": format!("{urn}:name.givenName"), "value": "Ada"}),
    ] {
        let node = empty_node().await;
        let id = node.user("ada@example.com").await;
        let body = json!({ "Operations": [operation] });
        let answer = node.send("PATCH", &format!("/Users/{id}"), &body).await;
        assert_eq!(answer.status, 200, "{} {}", answer.body, body);
        assert_eq!(answer.body["name"]["givenName"], "Ada", "{body}");
        assert_eq!(answer.body["id"], id);
    }
}

#[tokio::test]
async fn emails_are_changed_through_complex_paths() {
    let node = empty_node().await;
    let id = node.user("ada@example.com").await;
    let steps = [
        (
            json!({"op": "add", "path": "emails", "value": [{"value": "a@x.org", "type": "work", "primary": true}, {"value": "b@x.org", "type": "home"}]}),
            json!([{"value": "a@x.org", "type": "work", "primary": true}, {"value": "b@x.org", "type": "home"}]),
        ),
        (
            json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": "w@x.org"}),
            json!([{"value": "w@x.org", "type": "work", "primary": true}, {"value": "b@x.org", "type": "home"}]),
        ),
        (
            json!({"op": "replace", "path": "emails[value eq \"B@x.org\"]", "value": {"primary": "True"}}),
            json!([{"value": "w@x.org", "type": "work", "primary": false}, {"value": "b@x.org", "type": "home", "primary": true}]),
        ),
        (
            json!({"op": "remove", "path": "emails[primary eq false or type eq \"other\"]"}),
            json!([{"value": "b@x.org", "type": "home", "primary": true}]),
        ),
        (
            json!({"op": "add", "path": "emails[type eq \"work\"].value", "value": "c@x.org"}),
            json!([{"value": "b@x.org", "type": "home", "primary": true}, {"value": "c@x.org", "type": "work"}]),
        ),
        (json!({"op": "remove", "path": "emails"}), json!(null)),
    ];
    for (operation, emails) in steps {
        let body = json!({ "Operations": [operation] });
        let answer = node.send("PATCH", &format!("/Users/{id}"), &body).await;
        assert_eq!(answer.status, 200, "{} {body}", answer.body);
        assert_eq!(answer.body["emails"], emails, "{body}");
    }
}

#[tokio::test]
async fn a_patch_that_cannot_be_carried_out_whole_changes_nothing() {
    let node = empty_node().await;
    let id = node.user("ada@example.com").await;
    node.user("bob@example.com").await;
    let before = node.sandbox.snapshot();
    let good = json!({"op": "replace", "path": "displayName", "value": "X"});
    for (operation, status, scim_type) in [
        (
            json!({"op": "replace", "path": "nickName", "value": "X"}),
            400,
            "invalidPath",
        ),
        (
            json!({"op": "replace", "value": {"nickName": "X"}}),
            400,
            "invalidPath",
        ),
        (
            json!({"op": "replace", "path": "emails[type eq", "value": "X"}),
            400,
            "invalidPath",
        ),
        (
            json!({"op": "replace", "path": 7, "value": "X"}),
            400,
            "invalidPath",
        ),
        (
            json!({"op": "replace", "path": "id", "value": "7"}),
            400,
            "mutability",
        ),
        (json!({"op": "remove"}), 400, "noTarget"),
        (
            json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": "x"}),
            400,
            "noTarget",
        ),
        (
            json!({"op": "move", "path": "active", "value": true}),
            400,
            "invalidSyntax",
        ),
        (
            json!({"path": "active", "value": true}),
            400,
            "invalidSyntax",
        ),
        (json!("replace"), 400, "invalidSyntax"),
        (
            json!({"op": "replace", "path": "active"}),
            400,
            "invalidValue",
        ),
        (json!({"op": "replace", "value": "X"}), 400, "invalidValue"),
        (
            json!({"op": "replace", "path": "displayName", "value": 7}),
            400,
            "invalidValue",
        ),
        (
            json!({"op": "replace", "path": "userName", "value": "nobody"}),
            400,
            "invalidValue",
        ),
        (
            json!({"op": "add", "path": "groups", "value": [{"value": "42"}]}),
            400,
            "invalidValue",
        ),
        (
            json!({"op": "add", "path": "groups", "value": ["42"]}),
            400,
            "invalidValue",
        ),
        (
            json!({"op": "replace", "path": "userName", "value": "BOB@example.com"}),
            409,
            "uniqueness",
        ),
    ] {
        let body = json!({ "Operations": [good, operation] });
        let answer = node.send("PATCH", &format!("/Users/{id}"), &body).await;
        assert_eq!(answer.status, status, "{body}");
        answer.refused(status, scim_type);
        assert_eq!(node.sandbox.snapshot(), before, "{body}");
    }
    for body in [
        json!({}),
        json!({"Operations": []}),
        json!({"Operations": {}}),
        json!([]),
    ] {
        let answer = node.send("PATCH", &format!("/Users/{id}"), &body).await;
        answer.refused(400, "invalidSyntax");
    }
}

#[tokio::test]
async fn what_an_account_cannot_be_without_is_not_removed() {
    let node = empty_node().await;
    let id = node.user("ada@example.com").await;
    for path in ["userName", "active"] {
        let body = json!({"Operations": [{"op": "remove", "path": path}]});
        let answer = node.send("PATCH", &format!("/Users/{id}"), &body).await;
        assert!(answer.refused(400, "mutability").contains(path));
    }
    let ada = node.sandbox.snapshot().user("ada@example.com").cloned();
    assert!(ada.is_some_and(|ada| ada.active));
}

#[tokio::test]
async fn put_replaces_what_it_names_and_clears_the_rest() {
    let node = empty_node().await;
    let (first, second) = (node.group("First").await, node.group("Second").await);
    let id = node
        .send("POST", "/Users", provider_post("ada@example.com", &first))
        .await
        .created();
    let path = format!("/Users/{id}");
    let page = r#"{
  "schemas": [
    "urn:ietf:params:scim:schemas:core:2.0:User"
  ],
  "userName": "ada@example.org",
  "displayName": "Countess",
  "externalId":"",
  "name": {
     "familyName": "King",
     "givenName": "Ada"
  },
  "emails": [
    {
      "value": "ada@example.org",
      "primary": true
    }
  ],
  "roles":[],
  "groups":[
    {
      "value":"<group_id>",
      "$ref":"http://keepersecurity.com/api/rest/scim/v2/1234567890/<group_id>/scim/Groups",
      "display":"Second"
    }
 ],
  "active": false
}"#
    .replace("<group_id>", &second);
    let answer = node.send("PUT", &path, page).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body["active"], false);
    assert_eq!(
        answer.body["emails"],
        json!([{"value": "ada@example.org", "primary": true}])
    );
    let snapshot = node.sandbox.snapshot();
    assert_eq!(snapshot.groups_of("ada@example.org"), ["Second"]);
    assert!(snapshot.group("First").unwrap().members.is_empty());

    let short = json!({"userName": "ada@example.org", "id": "7", "active": null});
    let answer = node.send("PUT", &path, short).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let snapshot = node.sandbox.snapshot();
    let user = snapshot.user("ada@example.org").unwrap();
    assert_eq!((&user.id, user.active), (&id, false));
    assert_eq!(
        (&user.display_name, &user.family_name, &user.external_id),
        (&None, &None, &None)
    );
    assert!(user.emails.is_empty());
    assert_eq!(user.groups, [second]);
    let nameless = json!({"displayName": "X"});
    node.send("PUT", &path, nameless)
        .await
        .refused(400, "invalidValue");
}

#[tokio::test]
async fn delete_locks_the_account_and_keeps_it() {
    let node = empty_node().await;
    let id = node.user("ada@example.com").await;
    let answer = node.delete(&format!("/Users/{id}")).await;
    assert_eq!((answer.status, &answer.body), (204, &json!(null)));
    let read = node.get(&format!("/Users/{id}")).await;
    assert_eq!((read.status, &read.body["active"]), (200, &json!(false)));
    assert_eq!(node.get("/Users").await.body["totalResults"], 1);
    let again = json!({"userName": "ada@example.com"});
    node.send("POST", "/Users", again)
        .await
        .refused(409, "uniqueness");
}

#[tokio::test]
async fn unknown_users_are_not_found() {
    let node = empty_node().await;
    let id = node.user("ada@example.com").await;
    let next = (id.parse::<u64>().unwrap() + 1).to_string();
    let (zero, plus) = (format!("0{id}"), format!("+{id}"));
    for unknown in [
        "42",
        "x",
        &next,
        &zero,
        &plus,
        "%F0%9F%98%80",
        "99999999999999999999999",
    ] {
        let path = format!("/Users/{unknown}");
        node.get(&path).await.refused(404, "");
        node.delete(&path).await.refused(404, "");
        let put = json!({"userName": "bob@example.com"});
        node.send("PUT", &path, put).await.refused(404, "");
        let unlock = json!({"Operations": [{"op": "replace", "path": "active", "value": true}]});
        node.send("PATCH", &path, unlock).await.refused(404, "");
    }
}

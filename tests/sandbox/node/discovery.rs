//! What the node says of itself.

use serde_json::{Value, json};

use super::client::empty_node;

#[tokio::test]
async fn the_node_describes_itself() {
    let node = empty_node().await;
    let config = node.get("/ServiceProviderConfig").await;
    assert_eq!(config.header("content-type"), "application/scim+json");
    assert_eq!(config.body["patch"]["supported"], true);
    assert_eq!(
        config.body["filter"],
        json!({"supported": true, "maxResults": 1000})
    );
    for feature in ["bulk", "sort", "etag", "changePassword"] {
        assert_eq!(config.body[feature]["supported"], false, "{feature}");
    }
    assert_eq!(
        config.body["authenticationSchemes"][0]["type"],
        "oauthbearertoken"
    );

    for (name, endpoint) in [("User", "/Users"), ("Group", "/Groups")] {
        let kind = node.get(&format!("/ResourceTypes/{name}")).await;
        assert_eq!(kind.body["endpoint"], endpoint);
        let urn = kind.body["schema"].as_str().unwrap();
        let schema = node.get(&format!("/Schemas/{urn}")).await;
        assert_eq!(schema.body["id"], urn);
        assert_eq!(schema.body["name"], name);
    }
    for list in ["/ResourceTypes", "/Schemas"] {
        let all = node.get(list).await;
        assert_eq!(all.body["totalResults"], 2);
        let resources = all.body["Resources"].as_array().unwrap();
        assert_eq!(resources.len(), 2);
        for resource in resources {
            let location = resource["meta"]["location"].as_str().unwrap();
            let path = location.strip_prefix(&node.sandbox.base_url()).unwrap();
            assert_eq!(&node.get(path).await.body, resource);
        }
        node.get(&format!("{list}?filter=id pr"))
            .await
            .refused(403, "");
    }
    node.get("/ResourceTypes/Robot").await.refused(404, "");
    node.get("/Schemas/urn:none").await.refused(404, "");
}

#[tokio::test]
async fn links_say_who_is_meant_and_the_node_says_the_rest() {
    let node = empty_node().await;
    for (kind, list, target) in [("User", "groups", "Group"), ("Group", "members", "User")] {
        let path = format!("/Schemas/urn:ietf:params:scim:schemas:core:2.0:{kind}");
        let schema = node.get(&path).await.body;
        let by_name = |attributes: &Value, name: &str| {
            let mut attributes = attributes.as_array().unwrap().iter();
            let found = attributes.find(|attribute| attribute["name"] == name);
            found.cloned().unwrap()
        };
        let parts = by_name(&schema["attributes"], list)["subAttributes"].clone();
        for (part, mutability) in [
            ("value", "immutable"),
            ("$ref", "immutable"),
            ("display", "readOnly"),
            ("type", "readOnly"),
        ] {
            let part = by_name(&parts, part);
            assert_eq!(part["mutability"], mutability, "{list}: {part}");
        }
        let address = by_name(&parts, "$ref");
        assert_eq!(address["referenceTypes"], json!([target]));
    }
}

#[tokio::test]
async fn the_user_schema_has_every_attribute_that_a_user_shows() {
    let node = empty_node().await;
    let schema = node
        .get("/Schemas/urn:ietf:params:scim:schemas:core:2.0:User")
        .await;
    let attributes = schema.body["attributes"].as_array().unwrap();
    let names: Vec<&str> = attributes
        .iter()
        .filter_map(|a| a["name"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "userName",
            "displayName",
            "name",
            "emails",
            "active",
            "groups"
        ]
    );
    for attribute in attributes {
        for key in [
            "type",
            "multiValued",
            "description",
            "required",
            "mutability",
            "returned",
        ] {
            assert!(!attribute[key].is_null(), "{attribute} lacks {key}");
        }
    }
}

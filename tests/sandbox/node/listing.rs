//! Pages, filters and projections.

use headcount::sandbox::Paging;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::client::{empty_node, node};

#[tokio::test]
async fn pages_give_everyone_exactly_once() {
    for total in [499, 500, 501] {
        for page_max in [100, 500, 1000] {
            let node = node(|options| {
                options.users = total;
                options.page_max = page_max;
            })
            .await;
            let mut seen = Vec::new();
            loop {
                let path = format!("/Users?startIndex={}&count=500", seen.len() + 1);
                let page = node.get(&path).await;
                assert_eq!(page.body["totalResults"], total);
                assert_eq!(page.body["startIndex"], seen.len() + 1);
                let ids = page.column("id");
                assert_eq!(page.body["itemsPerPage"], ids.len());
                if ids.is_empty() {
                    break;
                }
                assert!(ids.len() <= page_max.min(500));
                seen.extend(ids.into_iter().map(str::to_owned));
            }
            let held = node
                .sandbox
                .snapshot()
                .users
                .into_iter()
                .map(|user| user.id);
            assert_eq!(seen, held.collect::<Vec<_>>(), "{total} by {page_max}");
        }
    }
}

#[tokio::test]
async fn odd_page_parameters_are_read_as_the_rfc_says() {
    let node = node(|options| options.users = 150).await;
    for (query, start, items) in [
        ("", 1, 100),
        ("?startIndex=0", 1, 100),
        ("?startIndex=-3&count=2", 1, 2),
        ("?count=0", 1, 0),
        ("?count=-1", 1, 0),
        ("?startIndex=2&count=200", 2, 149),
        ("?startIndex=151", 151, 0),
        (
            "?startIndex=9223372036854775807&count=9223372036854775807",
            i64::MAX,
            0,
        ),
    ] {
        let page = node.get(&format!("/Users{query}")).await;
        assert_eq!(page.body["startIndex"], start, "{query}");
        assert_eq!(page.body["itemsPerPage"], items, "{query}");
        assert_eq!(page.body["totalResults"], 150, "{query}");
        assert_eq!(page.column("id").len(), items, "{query}");
    }
    for query in [
        "?count=many",
        "?startIndex=",
        "?count=1.5",
        "?count=1&count=2",
    ] {
        node.get(&format!("/Users{query}"))
            .await
            .refused(400, "invalidValue");
    }
}

#[tokio::test]
async fn a_hundred_thousand_users_are_listed() {
    let node = node(|options| {
        options.users = 100_000;
        options.teams = 8;
    })
    .await;
    let mut names = std::collections::HashSet::new();
    for page in 0..100 {
        let start = page * 1000 + 1;
        let path = format!("/Users?startIndex={start}&count=1000&attributes=userName");
        let answer = node.get(&path).await;
        names.extend(answer.column("userName").into_iter().map(str::to_owned));
    }
    assert_eq!(names.len(), 100_000);
    let last = names.iter().max().unwrap();
    let found = node
        .get(&format!(
            "/Users?filter=userName eq \"{}\"",
            last.to_uppercase()
        ))
        .await;
    assert_eq!(found.column("userName"), [last]);
}

#[tokio::test]
async fn filters_find_who_they_should() {
    let node = empty_node().await;
    let team = node.group("Team").await;
    let ids = [
        json!({"userName": "Ada@example.com", "displayName": "Ada", "externalId": "E1", "name": {"familyName": "Lovelace"},
               "emails": [{"value": "ada@work.org", "type": "work"}, {"value": "ada@home.org", "type": "home"}]}),
        json!({"userName": "bob@example.com", "displayName": "Bøb", "externalId": "e1", "active": false,
               "groups": [{"value": team}]}),
        json!({"userName": "cleo@example.net", "displayName": "", "groups": [{"value": team}]}),
    ];
    let mut known = Vec::new();
    for body in &ids {
        known.push(node.send("POST", "/Users", body).await.created());
    }
    let (ada, team_filter) = (
        &known[0],
        format!("groups.value eq \"{team}\" and active eq true"),
    );
    let by_id = format!("id eq \"{ada}\"");
    let by_ids = format!("id eq \"{ada}\" or id eq \"{}\"", known[2]);
    let by_element = format!("groups[value eq \"{team}\" and display co \"EA\"]");
    let by_location = format!("meta.location ew \"/Users/{ada}\"");
    for (filter, found) in [
        ("userName eq \"ADA@example.com\"", "a"),
        (
            "urn:ietf:params:scim:schemas:core:2.0:User:username Eq \"bob@EXAMPLE.com\"",
            "b",
        ),
        (&by_id, "a"),
        (&by_ids, "ac"),
        ("id eq \"42\"", ""),
        ("externalId eq \"E1\"", "a"),
        ("externalId pr", "ab"),
        ("displayName pr", "ab"),
        ("displayName eq \"BØB\"", "b"),
        ("active eq false", "b"),
        ("active eq \"True\"", "ac"),
        ("active ne false and not (userName sw \"ada\")", "c"),
        (
            "userName co \"EXAMPLE\" and (active eq false or userName ew \".net\")",
            "bc",
        ),
        (
            "userName sw \"b\" or userName sw \"c\" and active eq false",
            "b",
        ),
        ("userName gt \"b\"", "bc"),
        ("userName le \"bob@example.com\"", "ab"),
        ("userName lt \"bob@example.com\"", "a"),
        ("userName ge \"bob@example.com\"", "bc"),
        ("name.familyName eq \"lovelace\"", "a"),
        ("name.familyName ne \"lovelace\"", "bc"),
        ("name.familyName eq null", "bc"),
        ("name pr", "a"),
        ("emails[type eq \"work\" and value co \"home\"]", ""),
        ("emails[type eq \"home\" and value co \"home\"]", "a"),
        ("emails eq \"ADA@work.org\"", "a"),
        ("emails pr", "a"),
        ("groups pr", "bc"),
        (&team_filter, "c"),
        (&by_element, "bc"),
        (&by_location, "a"),
        ("meta.created gt \"2020-01-01T00:00:00Z\"", "abc"),
        ("meta.lastModified lt \"2020-01-01T00:00:00+02:00\"", ""),
        (
            "meta.resourceType eq \"User\" and userName eq \"cleo@example.net\"",
            "c",
        ),
        (
            "schemas eq \"urn:ietf:params:scim:schemas:core:2.0:User\"",
            "abc",
        ),
    ] {
        let encoded = utf8_percent_encode(filter, NON_ALPHANUMERIC);
        let answer = node.get(&format!("/Users?filter={encoded}")).await;
        let names = answer.column("userName");
        let initials: String = names
            .iter()
            .filter_map(|name| name.chars().next())
            .collect();
        assert_eq!(initials.to_lowercase(), found, "{filter}");
        assert_eq!(answer.body["totalResults"], found.len(), "{filter}");
    }
    let page = node.get(&format!("/Users?filter=id+eq+%22{ada}%22")).await;
    assert_eq!(page.column("id"), [ada]);
    let paged = node
        .get("/Users?filter=userName%20pr&startIndex=2&count=1")
        .await;
    assert_eq!(paged.body["totalResults"], 3);
    assert_eq!(paged.column("userName"), ["bob@example.com"]);
    for filter in [
        "",
        "x",
        "userName eq",
        "nickName eq \"x\"",
        "userName eq bob",
    ] {
        let encoded = utf8_percent_encode(filter, NON_ALPHANUMERIC);
        let answer = node.get(&format!("/Users?filter={encoded}")).await;
        answer.refused(400, "invalidFilter");
    }
}

#[tokio::test]
async fn only_the_attributes_asked_for_are_shown() {
    let node = node(|options| {
        options.users = 1;
        options.teams = 1;
    })
    .await;
    let id = node.sandbox.snapshot().users[0].id.clone();
    let schemas = json!(["urn:ietf:params:scim:schemas:core:2.0:User"]);
    let user = node
        .get(&format!(
            "/Users/{id}?attributes=userName,NAME.givenName,unknown"
        ))
        .await;
    let name = user.body["userName"].as_str().unwrap();
    let given = user.body["name"]["givenName"].as_str().unwrap();
    assert_eq!(
        user.body,
        json!({"schemas": schemas, "id": id, "userName": name, "name": {"givenName": given}})
    );
    let user = node
        .get(&format!(
            "/Users/{id}?excludedAttributes=groups,meta.created,id,emails"
        ))
        .await;
    assert_eq!(user.body["groups"], json!(null));
    assert_eq!(user.body["emails"], json!(null));
    assert_eq!(user.body["id"], id);
    assert_eq!(user.body["meta"]["created"], json!(null));
    assert_eq!(user.body["meta"]["resourceType"], "User");
    let groups = node.get("/Groups?excludedAttributes=members").await;
    assert_eq!(
        groups.column("displayName"),
        ["Sales", "ROLE_Auditor", "ROLE_Helpdesk"]
    );
    assert_eq!(groups.body["Resources"][0]["members"], json!(null));
    let groups = node.get("/Groups?filter=displayName eq \"SALES\"").await;
    assert_eq!(groups.body["Resources"][0]["members"][0]["value"], id);
    let both = format!("/Users/{id}?attributes=id&excludedAttributes=meta");
    node.get(&both).await.refused(400, "invalidValue");
}

#[tokio::test]
async fn cursors_give_everyone_exactly_once_even_while_some_are_removed() {
    for (kind, filter) in [
        ("Users", ""),
        ("Users", "&filter=active%20eq%20true"),
        ("Groups", ""),
    ] {
        let node = node(|options| {
            options.users = 25;
            options.teams = 25;
            options.paging = Paging::Cursor;
        })
        .await;
        let whole = node.get(&format!("/{kind}?count=100{filter}")).await;
        assert!(whole.body.get("nextCursor").is_none(), "{kind}");
        assert!(whole.body.get("startIndex").is_none(), "{kind}");
        let mut expected: Vec<_> = whole.column("id").into_iter().map(str::to_owned).collect();
        let mut seen: Vec<String> = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = node
                .get(&format!("/{kind}?count=4&cursor={cursor}{filter}"))
                .await;
            assert_eq!(page.body["itemsPerPage"], page.column("id").len());
            seen.extend(page.column("id").into_iter().map(str::to_owned));
            let Some(next) = page.body["nextCursor"].as_str() else {
                break;
            };
            next.clone_into(&mut cursor);
            if kind == "Groups" && seen.len() == 8 {
                // Somebody who has come, and somebody who has not.
                for at in [12, 2] {
                    let gone = expected[at].clone();
                    assert_eq!(node.delete(&format!("/Groups/{gone}")).await.status, 204);
                }
                expected.remove(12);
            }
        }
        assert_eq!(seen, expected, "{kind}{filter}");
    }
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let node = node(|options| {
        options.users = 25;
        options.paging = Paging::CursorOnly;
    })
    .await;
    let page = node.get("/Users?count=4").await;
    let cursor = page.body["nextCursor"].as_str().unwrap();
    assert!(
        cursor
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    );
    for path in [
        format!("/Groups?cursor={cursor}"),
        format!("/Users?cursor={cursor}&filter=active%20eq%20true"),
        "/Users?cursor=nothing".to_owned(),
        "/Users?cursor=1.2".to_owned(),
    ] {
        let refused = node.get(&path).await;
        assert_eq!(refused.status, 400, "{path}");
        assert_eq!(refused.body["scimType"], "invalidCursor", "{path}");
    }
    let refused = node.get("/Users?startIndex=1").await;
    assert_eq!(refused.status, 400);
    let config = node.get("/ServiceProviderConfig").await;
    assert_eq!(
        config.body["pagination"],
        json!({
            "cursor": true,
            "index": false,
            "defaultPaginationMethod": "cursor",
            "defaultPageSize": 100,
            "maxPageSize": 1000,
        })
    );
}

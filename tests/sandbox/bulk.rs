//! Bulk requests from the program's own client to a node.

use std::sync::Arc;

use headcount::attribute::{Attribute, Texts};
use headcount::sandbox::{Bulk, Options, Sandbox};
use headcount::scim::{
    BulkLimits, BulkOperation, BulkRequest, Client, Error, Group, NewUser, Operation, Patch, User,
};
use headcount::transport::{self, HttpOptions, Pace, RateSetting, Transport};

struct Node {
    sandbox: Sandbox,
    client: Client,
}

async fn node(change: impl FnOnce(&mut Options)) -> Node {
    let mut options = Options {
        users: 2,
        teams: 1,
        bulk: Bulk::Yes,
        ..Options::default()
    };
    change(&mut options);
    let sandbox = Sandbox::start(options).await.unwrap();
    let url: url::Url = sandbox.base_url().parse().unwrap();
    let http = transport::client(HttpOptions::to(url.clone()));
    let pace = Arc::new(Pace::new(1, RateSetting::Auto));
    let transport = Transport::new(http.unwrap(), &sandbox.token().into(), pace).unwrap();
    let client = Client::new(transport, url);
    Node { sandbox, client }
}

fn empty() -> BulkRequest {
    BulkRequest::new(BulkLimits {
        max_operations: 100,
        max_payload: 1 << 20,
    })
}

fn user(user_name: &str, groups: &[&str]) -> BulkOperation {
    BulkOperation::create::<User>(&NewUser {
        texts: Texts::from([(Attribute::UserName, Some(user_name.into()))]),
        groups: groups.iter().map(|id| (*id).to_owned()).collect(),
        ..NewUser::default()
    })
}

#[tokio::test]
async fn each_operation_gets_its_own_end() {
    let node = node(|options| options.seats = Some(3)).await;
    let before = node.sandbox.snapshot();
    let (first, team) = (&before.users[0], &before.groups[0]);
    let mut request = empty();
    let ann = request.add(user("ann@example.com", &[&team.id])).unwrap();
    let lock = Patch::new(vec![Operation::replace("active", false)]);
    let leave = Patch::new(vec![Operation::remove(
        "members",
        [ann.reference().as_str()],
    )]);
    for operation in [
        user(&first.user_name, &[]),
        user("bob@example.com", &[]),
        BulkOperation::patch::<User>(&first.id, &lock).unwrap(),
        BulkOperation::patch::<Group>(&team.id, &leave).unwrap(),
        BulkOperation::delete::<User>("a/b").unwrap(),
    ] {
        request.add(operation).unwrap();
    }
    let reply = node.client.bulk(&request).await.unwrap();
    let results = reply.results(&request);
    let codes: Vec<u16> = results
        .iter()
        .map(|result| match result {
            Ok(reply) => reply.status,
            Err(error) => error.status().unwrap(),
        })
        .collect();
    assert_eq!(codes, [201, 409, 428, 200, 200, 404]);

    let after = node.sandbox.snapshot();
    let ann = after.user("ann@example.com").unwrap();
    assert_eq!(
        results[0].as_ref().unwrap().value.id().as_ref(),
        Some(&ann.id)
    );
    assert!(ann.groups.is_empty());
    assert!(!after.users[0].active);
    let missing = results[5].as_ref().unwrap_err().to_string();
    assert!(missing.contains("User \"a/b\" not found"), "{missing}");
    assert_eq!(node.sandbox.calls().of("POST /Bulk"), 1);
}

#[tokio::test]
async fn a_full_request_is_taken_by_the_node_that_set_the_limits() {
    let node = node(|options| options.bulk_max_payload = 5000).await;
    let limits = BulkLimits {
        max_operations: 1000,
        max_payload: 5000,
    };
    let mut request = BulkRequest::new(limits);
    let mut made = 0;
    while request
        .add(user(&format!("x{made}@example.com"), &[]))
        .is_ok()
    {
        made += 1;
    }
    assert!(request.size() > 4700 && request.len() == made);
    let results = node.client.bulk(&request).await.unwrap().results(&request);
    assert_eq!(results.len(), made);
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(node.sandbox.snapshot().users.len(), 2 + made);

    let mut larger = BulkRequest::new(BulkLimits {
        max_payload: 6000,
        ..limits
    });
    while larger.add(user("y@example.com", &[])).is_ok() {}
    let refused = node.client.bulk(&larger).await.unwrap_err();
    assert_eq!(refused.status(), Some(413));
    assert!(
        refused.to_string().contains("maxPayloadSize (5000)"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_request_that_creates_is_sent_once_in_doubt_and_one_that_does_not_again() {
    let node = node(|options| options.faults = "500@after=100%".parse().unwrap()).await;
    let mut creating = empty();
    creating.add(user("ann@example.com", &[])).unwrap();
    let lost = node.client.bulk(&creating).await.unwrap_err();
    let Error::Fault(fault) = &lost else {
        panic!("{lost:?}");
    };
    assert!(fault.may_have_worked);
    assert_eq!(node.sandbox.calls().of("POST /Bulk"), 1);
    assert!(node.sandbox.snapshot().user("ann@example.com").is_some());

    // With this seed the first call fails, and the second does not.
    let node = self::node(|options| {
        options.faults = "500@after=50%".parse().unwrap();
        options.seed = 2;
    })
    .await;
    let mut locking = empty();
    let first = &node.sandbox.snapshot().users[0].id;
    locking
        .add(BulkOperation::delete::<User>(first).unwrap())
        .unwrap();
    let reply = node.client.bulk(&locking).await.unwrap();
    assert_eq!((reply.attempts, reply.doubtful), (2, true));
    assert_eq!(node.sandbox.calls().of("POST /Bulk"), 2);
    assert!(reply.results(&locking)[0].is_ok());
}

#[tokio::test]
async fn a_node_that_only_claims_bulk_says_so_at_the_first_request() {
    for (bulk, status) in [(Bulk::Claimed, 501), (Bulk::No, 404)] {
        let node = node(|options| options.bulk = bulk).await;
        let mut request = empty();
        request.add(user("ann@example.com", &[])).unwrap();
        let refused = node.client.bulk(&request).await.unwrap_err();
        assert_eq!((refused.status(), refused.attempts()), (Some(status), 1));
        assert_eq!(node.sandbox.snapshot().users.len(), 2);
    }
}

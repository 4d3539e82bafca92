//! What the node and the plain client promise, in a second or two.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::limits::RetryAfter::Seconds;
use super::limits::Status::TooMany;
use super::limits::{Class, Limit, Rule, number};
use super::node::{Config, Node, Service};
use super::plain::{Plain, Send};
use super::runner::{Client, create, measure};
use super::scenarios::{Kind, Scenario, bucket};

/// How many of these calls a limit lets pass; each takes 35 ms.
fn passed(limit: Limit, calls: impl Iterator<Item = f64>) -> usize {
    let mut limits = [limit];
    let mut rng = fastrand::Rng::with_seed(1);
    let mut ends: Vec<f64> = Vec::new();
    let mut passed = 0;
    for now in calls {
        let [limit] = &mut limits;
        ends.retain(|end| {
            let ended = *end <= now;
            if ended {
                limit.leave(Class::Users);
            }
            !ended
        });
        if limit.refuses(Class::Users, now, &mut rng).is_none() {
            passed += 1;
            ends.push(limit.enter(Class::Users, now, 0.035));
        }
    }
    passed
}

/// The moments of so many calls in each second, over ten seconds.
fn every(per_second: usize) -> impl Iterator<Item = f64> {
    (0..10 * per_second).map(move |call| number(call) / number(per_second))
}

#[test]
fn limits_let_pass_what_they_promise() {
    let cases = [
        (bucket(50.0, 10.0), 509),
        (
            Limit::new(Rule::Fixed {
                calls: 20,
                per: 1.0,
            }),
            200,
        ),
        (
            Limit::new(Rule::Sliding {
                calls: 300,
                per: 10.0,
            }),
            300,
        ),
        // Each takes 35 ms, and calls come every 10 ms: two in 40 ms.
        (Limit::new(Rule::AtOnce(2)), 500),
        // The first 50, and nothing for ten seconds.
        (
            Limit::new(Rule::Penalty {
                calls: 50,
                per: 1.0,
                block: 10.0,
            }),
            50,
        ),
        (
            Limit::new(Rule::DelayQueue {
                rate: 50.0,
                queue: 20.0,
            }),
            520,
        ),
        (Limit::new(Rule::Nth(5)), 999),
        (bucket(1.0, 1.0).on(Class::Groups), 1000),
        (bucket(1.0, 1.0).between(20.0, 30.0), 1000),
    ];
    for (limit, expected) in cases {
        let passed = passed(limit.clone(), every(100));
        assert!(passed.abs_diff(expected) <= 2, "{:?}: {passed}", limit.rule);
    }
    // Slower than the punished rate, everything passes.
    let penalty = Limit::new(Rule::Penalty {
        calls: 50,
        per: 1.0,
        block: 10.0,
    });
    assert_eq!(passed(penalty, every(49)), 490);
}

#[test]
fn the_node_speaks_scim_and_the_plain_client_keeps_at_it() {
    let node = Node::start(Config {
        limits: vec![bucket(50.0, 10.0).by(TooMany, Seconds)],
        groups: 1,
        emails: vec!["taken@example.com".to_owned()],
        ..Config::default()
    });
    let plain = Plain {
        port: node.port(),
        workers: 8,
        token: "mine",
        seed: 1,
    };
    let until = Instant::now() + Duration::from_secs(20);
    let stop = AtomicBool::new(false);
    // The first person twice: the second time is a 409, which is an answer.
    let people = (0..30).chain([0]).map(|row| create('p', row));
    let id = super::directory::id(1);
    let lock = Send {
        method: "PATCH",
        path: format!("/scim/v2/Users/{id}"),
        body: r#"{"Operations":[{"op":"replace","path":"active","value":false},{"op":"replace","path":"name.givenName","value":"Ann"},{"op":"add","path":"groups","value":[{"value":"700000"}]}]}"#.to_owned(),
    };
    let find = Send {
        method: "GET",
        path: "/scim/v2/Users?filter=userName%20eq%20%22TAKEN%40example.com%22&count=5".to_owned(),
        body: String::new(),
    };
    assert_eq!(plain.send_all(people.chain([lock, find]), until, &stop), 33);
    let tally = node.tally();
    assert_eq!(tally.all_accepted(), 33);
    assert!(
        tally.all_refused() > 0,
        "all came at once, and nothing was refused"
    );
    assert!(tally.seconds() > 0.4, "{} s", tally.seconds());
    let (created, repeated, joined, sound) = node.look(|directory| {
        (
            directory.created(),
            directory.repeated,
            directory.memberships(),
            directory.is_sound(),
        )
    });
    assert_eq!((created, repeated, joined, sound), (30, 1, 1, true));
}

#[test]
fn the_program_creates_everyone_on_this_node() {
    let mut scenario = Scenario::new(
        "some people, some of whom are there",
        Kind::Unlimited,
        60,
        10.0,
    )
    .answers(Service::Around(0.01));
    scenario.taken_every = Some(10);
    scenario.node.groups = 2;
    let measured = measure(&scenario, Client::Headcount);
    assert!(measured.finished && measured.sound);
    assert_eq!((measured.done, measured.repeated), (54, 0));
    assert_eq!(measured.tally.methods["POST"], 60);
}

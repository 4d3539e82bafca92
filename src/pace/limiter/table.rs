//! What the controller reaches under limits of every kind, as a table.
//!
//! `cargo test --release --lib pace::limiter -- --nocapture the_table` prints it.

use super::simulation::{Client, Limit, Node, run};
use super::*;

const ALL: &[Class] = &[];
const WRITE: Class = Class::UserWrite;

/// A kind of node, and how fast it lets calls through at the fastest.
struct Case {
    name: &'static str,
    node: Node,
    places: u32,
    calls: Vec<(Class, u32)>,
    learnt: Option<f64>,
    /// In seconds.
    fastest: f64,
}

fn case(name: &'static str, limit: Limit, calls: u32) -> Case {
    let node = Node::new(&[(ALL, limit)]);
    let n = f64::from(calls);
    let fastest = match limit {
        Limit::Bucket { rate, burst } => (n - burst) / rate,
        Limit::Windows { calls, seconds } => ((n - 1.0) / calls).floor() * seconds,
        Limit::AtOnce(at_once) => n / f64::from(at_once) * node.latency,
    };
    Case {
        name,
        node,
        places: 16,
        calls: vec![(WRITE, calls)],
        learnt: None,
        fastest,
    }
}

fn cases() -> Vec<Case> {
    let bucket = |rate, burst| Limit::Bucket { rate, burst };
    let windows = |calls, seconds| Limit::Windows { calls, seconds };
    let telling = |case: Case| Case {
        node: case.node.telling(),
        ..case
    };
    let remembering = |case: Case, speed| Case {
        learnt: Some(speed),
        ..case
    };
    let two = Node::new(&[
        (&[Class::UserWrite], bucket(50.0, 50.0)),
        (&[Class::GroupWrite], bucket(10.0, 1.0)),
    ]);
    let queue = Node::new(&[]).working_on(4, 0.1);
    let open = Node::new(&[]);
    vec![
        case("bucket, 20/s, burst 2", bucket(20.0, 2.0), 12_000),
        case("bucket, 60/s, burst 6", bucket(60.0, 6.0), 36_000),
        case("bucket, 200/s, burst 200", bucket(200.0, 200.0), 120_000),
        case("bucket, 5/s, burst 300", bucket(5.0, 300.0), 6_000),
        case("bucket, 0.5/s, burst 1", bucket(0.5, 1.0), 1_000),
        case("180 in each minute", windows(180.0, 60.0), 5_400),
        case("1,000 in each minute", windows(1_000.0, 60.0), 30_000),
        case("10 in each second", windows(10.0, 1.0), 6_000),
        telling(case(
            "180 in each minute, told",
            windows(180.0, 60.0),
            5_400,
        )),
        telling(case(
            "1,000 in each minute, told",
            windows(1_000.0, 60.0),
            30_000,
        )),
        case("6 at once", Limit::AtOnce(6), 60_000),
        case("1 at once", Limit::AtOnce(1), 12_000),
        Case {
            name: "50/s for users, 10/s for groups",
            node: two,
            calls: vec![(Class::UserWrite, 30_000), (Class::GroupWrite, 6_000)],
            ..case("", bucket(10.0, 1.0), 6_000)
        },
        Case {
            name: "4 workers, a queue behind them",
            node: queue,
            places: 64,
            calls: vec![(WRITE, 24_000)],
            fastest: 24_000.0 / 4.0 * 0.09,
            learnt: None,
        },
        Case {
            name: "no limit",
            node: open.clone(),
            places: 16,
            calls: vec![(WRITE, 60_000)],
            fastest: 60_000.0 / 16.0 * 0.03,
            learnt: None,
        },
        Case {
            name: "no limit, 32 calls in flight, answers after 50 ms",
            node: {
                let mut node = open.clone();
                node.latency = 0.05;
                node
            },
            places: 32,
            calls: vec![(WRITE, 6_400)],
            fastest: 6_400.0 / 32.0 * 0.05,
            learnt: None,
        },
        remembering(
            case(
                "bucket, 60/s, burst 6, remembered",
                bucket(60.0, 6.0),
                36_000,
            ),
            60.0,
        ),
        remembering(
            case(
                "bucket, 60/s, burst 6, wrongly 2/s",
                bucket(60.0, 6.0),
                36_000,
            ),
            2.0,
        ),
        Case {
            name: "no limit, wrongly 2/s",
            node: open,
            places: 16,
            calls: vec![(WRITE, 120_000)],
            fastest: 120_000.0 / 16.0 * 0.03,
            learnt: Some(2.0),
        },
    ]
}

/// How long calls take is chance, and a little chance at the beginning may decide how a whole run goes.
const SEEDS: u32 = 6;

/// The mean, and the least and the most.
fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mean = values.iter().sum::<f64>() / f64::from(u32::try_from(values.len()).unwrap());
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (mean, least, most)
}

#[test]
fn the_table() {
    println!(
        "| node | calls | fastest | took | ratio | worst | refused |\n|---|---|---|---|---|---|---|"
    );
    for case in cases() {
        let calls: u32 = case.calls.iter().map(|(_, calls)| calls).sum();
        let (mut took, mut refused) = (Vec::new(), Vec::new());
        for seed in 1..=SEEDS {
            let mut client = Client::new(case.places, &case.calls);
            if let Some(speed) = case.learnt {
                client = client.remembering(WRITE, speed);
            }
            let (node, clients) = run(case.node.clone(), vec![client], 1e6, seed);
            took.push(clients[0].ended());
            refused.push(f64::from(clients[0].refused));
            assert_eq!(clients[0].taken.len(), calls as usize, "{}", case.name);
            assert!(
                node.longest_queue <= 32,
                "{}: {} queue",
                case.name,
                node.longest_queue
            );
        }
        let (took, _, longest) = spread(&took);
        let (ratio, worst) = (took / case.fastest, longest / case.fastest);
        let refused = spread(&refused).0;
        let share = refused / f64::from(calls);
        println!(
            "| {} | {calls} | {:.0} s | {took:.0} s | {ratio:.3} | {worst:.3} | {:.2} % |",
            case.name,
            case.fastest,
            share * 100.0
        );
        // Two limits have to be found, and the slow one is the dearest kind.
        let most = if case.calls.len() > 1 { 1.07 } else { 1.05 };
        assert!(ratio <= most, "{}: {ratio:.3} of the fastest", case.name);
        assert!(worst <= 1.1, "{}: {worst:.3} once", case.name);
        // Finding a limit costs some ten refusals, however short the run.
        assert!(
            share <= 0.01 || refused <= 15.0,
            "{}: {share:.3} refused",
            case.name
        );
    }
}

/// Two clients on one limit, the second of which comes when the first has found it.
#[test]
fn two_clients() {
    println!(
        "| node | calls of the second, of all | least to most | of the limit used |\n|---|---|---|---|"
    );
    for (name, limit, all) in [
        (
            "bucket, 60/s, burst 6",
            Limit::Bucket {
                rate: 60.0,
                burst: 6.0,
            },
            60.0,
        ),
        (
            "bucket, 60/s, burst 60",
            Limit::Bucket {
                rate: 60.0,
                burst: 60.0,
            },
            60.0,
        ),
        (
            "180 in each minute",
            Limit::Windows {
                calls: 180.0,
                seconds: 60.0,
            },
            3.0,
        ),
        ("6 at once", Limit::AtOnce(6), 200.0),
    ] {
        let (mut share, mut used) = (Vec::new(), Vec::new());
        for seed in 1..=SEEDS {
            let clients = vec![
                Client::new(16, &[(WRITE, 1_000_000)]),
                Client::new(16, &[(WRITE, 1_000_000)]).beginning(100.0),
            ];
            let (_, clients) = run(Node::new(&[(ALL, limit)]), clients, 1900.0, seed);
            let [first, second] = [0, 1].map(|client: usize| {
                f64::from(u32::try_from(clients[client].taken_in(100.0, 1900.0)).unwrap())
            });
            share.push(second / (first + second));
            used.push((first + second) / 1800.0 / all);
        }
        let (share, least, most) = spread(&share);
        let used = spread(&used).0;
        println!(
            "| {name} | {:.0} % | {:.0} to {:.0} % | {:.0} % |",
            share * 100.0,
            least * 100.0,
            most * 100.0,
            used * 100.0
        );
        assert!(
            (0.35..=0.65).contains(&share) && least >= 0.2,
            "{name}: the second got {share:.2}, once {least:.2}"
        );
        assert!(used > 0.85, "{name}: {used:.2} of the limit");
    }
}

/// No stretch of time has more calls than a node that says what is left allows.
#[test]
fn what_a_node_tells_is_never_exceeded() {
    for (calls, seconds) in [(180.0, 60.0), (5.0, 1.0), (1.0, 10.0)] {
        let node = Node::new(&[(ALL, Limit::Windows { calls, seconds })]).telling();
        let client = Client::new(8, &[(WRITE, 300)]);
        let (_, clients) = run(node, vec![client], 1e6, 1);
        // Until the first answer nobody knows.
        let most = if calls < 8.0 { 8 } else { 0 };
        assert!(
            clients[0].refused <= most,
            "{calls} in {seconds} s: {}",
            clients[0].refused
        );
        let ratio = clients[0].ended() / ((299.0_f64 / calls).floor() * seconds);
        assert!(
            ratio < 2.0,
            "{calls} in {seconds} s took {ratio:.2} times as long"
        );
    }
}

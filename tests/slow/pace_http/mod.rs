//! The program's pace on a node over real HTTP, in real time, beside a plain client.
//!
//! This node has nothing in common with the sandbox and the simulation, so that what they take for granted is
//! tried once without them. `cargo test --locked --test slow pace_http -- --ignored --nocapture` prints the table;
//! `PACE_HTTP_ONLY` picks scenarios by a part of their name, `PACE_HTTP_SECONDS` shows every second.

mod directory;
mod limits;
mod node;
mod plain;
mod quick;
mod runner;
mod scenarios;

use limits::number;
use runner::{Measured, measure_all};
use scenarios::{Kind, Rival, Scenario};

/// The plain client knows no more than the program; the rest is a machine that does other things too.
const MOST_OF_PLAIN: f64 = 1.25;

/// Finding a limit costs a second or two of 20; start and noise cost as much.
const MOST_OF_IDEAL: f64 = 1.4;

/// A limit is found by trying, and 20 s are short. After a 503 or 500 there is a look-up besides, which may be refused as
/// well. Beside it, as many refusals as there are calls in flight, since those that were sent when the limit was met
/// cannot be called back, and one for each search for a higher limit.
const MOST_REFUSED: f64 = 0.1;

/// Seconds from one search for a higher limit to the next.
const SEARCH: f64 = 2.5;

/// Of two who run this program on one node, each gets so much at least: in 20 s they may not have come to share yet.
const LEAST_SHARE: f64 = 0.15;

#[test]
#[ignore = "takes some minutes; run with --ignored --nocapture"]
fn no_slower_than_a_plain_client_on_any_node() {
    let only = std::env::var("PACE_HTTP_ONLY").unwrap_or_default();
    let mut scenarios = scenarios::all();
    scenarios.retain(|scenario| scenario.name.contains(&only));
    assert!(
        !scenarios.is_empty(),
        "no scenario has {only:?} in its name"
    );
    let measured = measure_all(&scenarios);
    println!(
        "| scenario | ideal | plain | headcount | ÷ plain | ÷ ideal | refused | lost | verdict |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut wrong = report(&scenarios, &measured);
    if !wrong.is_empty() {
        // The machine may have been busy. What is wrong is wrong twice.
        scenarios.retain(|scenario| wrong.iter().any(|(name, _)| *name == scenario.name));
        wrong = report(&scenarios, &measure_all(&scenarios));
    }
    let wrong: Vec<String> = wrong
        .into_iter()
        .map(|(name, faults)| format!("{name}: {faults}"))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} scenarios are not as they should be:\n{}",
        wrong.len(),
        scenarios.len(),
        wrong.join("\n")
    );
}

/// Prints a line for each scenario, and returns those in which something is not as it should be.
fn report(scenarios: &[Scenario], measured: &[[Measured; 2]]) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    for (scenario, [plain, headcount]) in scenarios.iter().zip(measured) {
        let faults = faults(scenario, plain, headcount).join(", ");
        println!("{}", line(scenario, plain, headcount, &faults));
        if std::env::var_os("PACE_HTTP_SECONDS").is_some() {
            let tally = &headcount.tally;
            println!(
                "accepted {:?}, refused {:?}, {:?}",
                tally.accepted, tally.refused, tally.methods
            );
        }
        if !faults.is_empty() {
            wrong.push((scenario.name, faults));
        }
    }
    wrong
}

/// What is not as it should be.
fn faults(scenario: &Scenario, plain: &Measured, headcount: &Measured) -> Vec<String> {
    // Beside a rival, chance may give the plain client more than half.
    let lucky = scenario.rival != Rival::Nobody && plain.seconds < scenario.ideal;
    let fair = if lucky { scenario.ideal } else { plain.seconds };
    let times_plain = headcount.seconds / fair;
    let times_ideal = headcount.seconds / scenario.ideal;
    let Measured {
        lost,
        repeated,
        share,
        tally,
        ..
    } = headcount;
    let (accepted, refused) = (tally.all_accepted(), tally.all_refused());
    let unavoidable = number(scenario.concurrency) + headcount.seconds / SEARCH;
    let avoidable = (number(refused) - unavoidable) / number(accepted + refused);
    let is_moving = scenario.kind == Kind::Moving;
    let is_stationary = scenario.kind == Kind::Stationary;
    let checks = [
        (*lost > 0, format!("{lost} rows lost")),
        (*repeated > 0, format!("{repeated} creates sent twice")),
        (
            !(plain.sound && headcount.sound),
            "the node itself is wrong".to_owned(),
        ),
        (
            times_plain > MOST_OF_PLAIN,
            format!("{times_plain:.2} × plain"),
        ),
        (
            times_ideal > MOST_OF_IDEAL && !is_moving,
            format!("{times_ideal:.2} × ideal"),
        ),
        (
            avoidable > MOST_REFUSED && is_stationary,
            format!("{refused} calls refused"),
        ),
        (
            scenario.rival == Rival::Same && (*share - 0.5).abs() > 0.5 - LEAST_SHARE,
            format!("one of both gets {:.0} %", 100.0 * share.min(1.0 - share)),
        ),
    ];
    let wrong = checks.into_iter().filter(|(is_wrong, _)| *is_wrong);
    wrong.map(|(_, fault)| fault).collect()
}

fn line(scenario: &Scenario, plain: &Measured, headcount: &Measured, faults: &str) -> String {
    let time = |measured: &Measured| {
        let Measured { seconds, done, .. } = measured;
        if measured.finished {
            format!("{seconds:.1}")
        } else {
            format!("≈ {seconds:.0} ({done} of {})", scenario.rows)
        }
    };
    let name = match scenario.concurrency {
        8 => scenario.name.to_owned(),
        other => format!("{} c{other}", scenario.name),
    };
    let share = match scenario.rival {
        Rival::Nobody => String::new(),
        _ => format!(" (its share {:.0} %)", 100.0 * headcount.share),
    };
    format!(
        "| {name} | {:.1} | {} | {} | {:.2} | {:.2} | {:.1} % | {} | {}{share} |",
        scenario.ideal,
        time(plain),
        time(headcount),
        headcount.seconds / plain.seconds,
        headcount.seconds / scenario.ideal,
        headcount.tally.share_refused() * 100.0,
        headcount.lost,
        if faults.is_empty() { "ok" } else { faults }
    )
}

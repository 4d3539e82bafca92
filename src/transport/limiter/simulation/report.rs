//! The tables: how the three kinds of client did in each scenario, and where the goals are missed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::client::{ClientKind, Sent};
use super::count;
use super::scenarios::{Goal, Scenario, drawn, named};
use super::world::{Run, run};
use crate::transport::Class;

/// How many seeds each row has, and how many scenarios the search draws. Few where runs are slow.
const SEEDS: u64 = if cfg!(debug_assertions) { 1 } else { 5 };
const DRAWS: u64 = if cfg!(debug_assertions) { 30 } else { 300 };

/// No job that is alone on a node takes longer than so many times what a plain client takes.
const WORST_OF_PLAIN: f64 = 1.2;

/// How many of the named scenarios may miss a goal by their mean; see `docs/performance.md` for which do.
const MISSES: [(char, usize); 8] = [
    ('P', 14),
    ('I', 22),
    ('R', 66),
    ('S', 4),
    ('C', 3),
    ('F', 10),
    ('U', 5),
    ('M', 0),
];

/// Ideal times below this have no goal of their own, in seconds.
const LONG: f64 = 20.0;

/// One kind of client in one scenario with one seed.
#[derive(Debug, Clone, Copy)]
struct Score {
    /// When the last row was done. A run that was cut counts as if it had gone on at its mean pace. In seconds.
    took: f64,
    /// The share of rows that were done.
    done: f64,
    /// The share of calls that were refused, and how many.
    refused: f64,
    refusals: f64,
    /// When the accepted rate reached, and from when on it stayed near, what is possible after a change.
    followed: Option<(f64, f64)>,
    /// The smallest client's share, times the number of clients, and the part of the limit that was used.
    shared: Option<(f64, f64)>,
}

/// All kinds of client in one scenario, a score for each seed.
struct Result {
    name: String,
    goal: Goal,
    ideal: Vec<Score>,
    plain: Vec<Score>,
    limiter: Vec<Score>,
    /// The limiter without its memory, if it has one.
    forgetful: Vec<Score>,
}

fn mean(scores: &[Score], of: impl Fn(&Score) -> f64) -> f64 {
    scores.iter().map(of).sum::<f64>() / count(scores.len())
}

fn worst(scores: &[Score], of: impl Fn(&Score) -> f64) -> f64 {
    scores.iter().map(of).fold(f64::NEG_INFINITY, f64::max)
}

fn took(score: &Score) -> f64 {
    score.took
}

fn done_in(sent: &[Sent], from: f64, to: f64) -> f64 {
    let within = |sent: &&Sent| sent.done && (from..to).contains(&sent.answered);
    count(sent.iter().filter(within).count())
}

fn ended(sent: &[Sent]) -> f64 {
    sent.iter()
        .rev()
        .find(|sent| sent.done)
        .map_or(0.0, |sent| sent.answered)
}

/// When all clients use the node: from 5 s after the last one began until the first one ends.
fn together(run: &Run, scenario: &Scenario) -> Option<(f64, f64)> {
    let begins = scenario
        .jobs
        .iter()
        .map(|job| job.begins)
        .fold(0.0, f64::max);
    let ends = run
        .sent
        .iter()
        .map(|sent| ended(sent))
        .fold(f64::INFINITY, f64::min);
    (ends > begins + 7.0).then_some((begins + 5.0, ends))
}

fn score(run: &Run, ideal: &Run, scenario: &Scenario, until: f64) -> Score {
    let rows: u32 = scenario.jobs.iter().map(super::client::Job::size).sum();
    let all = || run.sent.iter().flatten();
    let done = count(all().filter(|sent| sent.done).count()) / f64::from(rows);
    let refused = count(all().filter(|sent| !sent.accepted).count());
    let ends = run.sent.iter().map(|sent| ended(sent)).fold(0.0, f64::max);
    Score {
        took: if run.finished {
            ends
        } else {
            until / done.max(1e-3)
        },
        done,
        refusals: refused,
        refused: refused / count(all().count()).max(1.0),
        followed: match scenario.goal {
            Goal::Change(at) => Some(followed(&run.sent[0], &ideal.sent[0], at)),
            _ => None,
        },
        shared: together(run, scenario)
            .filter(|_| scenario.goal == Goal::Share)
            .and_then(|(from, to)| {
                let each = run.sent.iter().map(|sent| done_in(sent, from, to));
                let sum: f64 = each.clone().sum();
                let least = each.fold(f64::INFINITY, f64::min);
                let (ideal_from, ideal_to) = together(ideal, scenario)?;
                let possible = ideal
                    .sent
                    .iter()
                    .map(|sent| done_in(sent, ideal_from, ideal_to));
                let possible = possible.sum::<f64>() / (ideal_to - ideal_from);
                let share = least / sum.max(1.0);
                Some((share * count(run.sent.len()), sum / (to - from) / possible))
            }),
    }
}

/// In how many seconds after the change at `at` the accepted rate of 1 s first was within 15 % of what is possible,
/// and from when on it stayed there.
fn followed(sent: &[Sent], ideal: &[Sent], at: f64) -> (f64, f64) {
    const STEP: f64 = 0.25;
    let (from, to) = (at + 1.0, ended(ideal));
    let possible = done_in(ideal, from, to) / (to - from);
    let steps = std::iter::successors(Some(at), |time| Some(time + STEP));
    let last = ended(sent) - 2.0;
    let (mut first, mut stays) = (f64::INFINITY, 0.0);
    for time in steps.take_while(|time| *time < last) {
        // One call more or less is a matter of where the second begins.
        if done_in(sent, time, time + 1.0) + 1.0 < 0.85 * possible {
            stays = time + STEP - at;
        } else {
            first = f64::min(first, time - at);
        }
    }
    (first.min(last - at), stays)
}

fn judge(scenario: Scenario, seeds: std::ops::RangeInclusive<u64>) -> Result {
    let scenario = scenario.prepared();
    let mut result = Result {
        name: String::new(),
        goal: scenario.goal,
        ideal: Vec::new(),
        plain: Vec::new(),
        limiter: Vec::new(),
        forgetful: Vec::new(),
    };
    let mut without_memory = scenario.jobs.clone();
    for job in &mut without_memory {
        job.memory = None;
    }
    for seed in seeds {
        let ideal = run(&scenario.node, &scenario.jobs, ClientKind::Ideal, 1e5, seed);
        let ideal_score = score(&ideal, &ideal, &scenario, 1e5);
        let until = (4.0 * ideal_score.took).max(ideal_score.took + 30.0);
        result.ideal.push(ideal_score);
        for (kind, scores) in [
            (ClientKind::Plain, &mut result.plain),
            (ClientKind::Limiter, &mut result.limiter),
        ] {
            let run = run(&scenario.node, &scenario.jobs, kind, until, seed);
            scores.push(score(&run, &ideal, &scenario, until));
        }
        if scenario.goal == Goal::Memory {
            let run = run(
                &scenario.node,
                &without_memory,
                ClientKind::Limiter,
                until,
                seed,
            );
            result.forgetful.push(score(&run, &ideal, &scenario, until));
        }
    }
    result.name = scenario.name();
    result
}

impl Result {
    /// Mean and worst.
    fn to_ideal(&self) -> [f64; 2] {
        let ideal = mean(&self.ideal, took);
        [
            mean(&self.limiter, took) / ideal,
            worst(&self.limiter, took) / ideal,
        ]
    }

    fn to_plain(&self) -> [f64; 2] {
        let plain = mean(&self.plain, took);
        [
            mean(&self.limiter, took) / plain,
            worst(&self.limiter, took) / plain,
        ]
    }

    fn refused(&self) -> [f64; 2] {
        let refused = |score: &Score| score.refused;
        [mean(&self.limiter, refused), worst(&self.limiter, refused)]
    }

    /// How many seconds longer it took with its memory.
    fn cost_of_memory(&self) -> [f64; 2] {
        let without = mean(&self.forgetful, took);
        [
            mean(&self.limiter, took) - without,
            worst(&self.limiter, took) - without,
        ]
    }

    /// Goals that are missed: a capital if the mean misses, a small letter if only the worst seed does.
    fn flags(&self) -> String {
        let ideal = mean(&self.ideal, took);
        let mut missed = String::new();
        let mut hold = |flag: char, [mean, worst]: [f64; 2], most: f64| {
            if mean > most {
                missed.push(flag);
            } else if worst > most {
                missed.push(flag.to_ascii_lowercase());
            }
        };
        if ideal >= LONG {
            hold('P', self.to_plain(), 1.05);
        }
        match self.goal {
            Goal::Stationary => {
                if ideal >= LONG {
                    hold('I', self.to_ideal(), 1.15);
                    // Finding a limit takes a few refusals, however short the job.
                    let few = mean(&self.limiter, |score| score.refusals) <= 10.0;
                    hold(if few { 'Q' } else { 'R' }, self.refused(), 0.02);
                }
            }
            Goal::RandomRefusals if ideal >= LONG => hold('I', self.to_ideal(), 1.15),
            Goal::Short => hold('S', self.to_plain(), 1.2),
            Goal::Memory => hold('M', self.cost_of_memory(), 5.0),
            Goal::Change(_) => {
                let stays = |score: &Score| score.followed.map_or(0.0, |(_, stays)| stays);
                hold(
                    'C',
                    [mean(&self.limiter, stays), worst(&self.limiter, stays)],
                    5.0,
                );
            }
            Goal::Share => {
                // A client that is starved until the end has no share at all.
                let share = |score: &Score| 0.8 - score.shared.map_or(0.0, |(share, _)| share);
                let used = |score: &Score| 0.9 - score.shared.map_or(0.0, |(_, used)| used);
                hold(
                    'F',
                    [mean(&self.limiter, share), worst(&self.limiter, share)],
                    0.0,
                );
                hold(
                    'U',
                    [mean(&self.limiter, used), worst(&self.limiter, used)],
                    0.0,
                );
            }
            Goal::RandomRefusals | Goal::Plain => {}
        }
        missed
    }

    fn row(&self) -> String {
        let ideal = mean(&self.ideal, took);
        let [to_ideal, worst_to_ideal] = self.to_ideal();
        let [to_plain, worst_to_plain] = self.to_plain();
        let [refused, worst_refused] = self.refused().map(|share| share * 100.0);
        let done = mean(&self.limiter, |score| score.done) * 100.0;
        let cut = match done {
            done if done < 99.99 => format!(" cut, {done:.0} % done"),
            _ => String::new(),
        };
        let followed = |at: &Score| at.followed.unwrap_or_default();
        let shared = |at: &Score| at.shared.unwrap_or_default();
        let more = match self.goal {
            Goal::Change(_) => format!(
                " follows {:.1}, stays {:.1} ({:.1}; plain {:.1}) s;",
                mean(&self.limiter, |at| followed(at).0),
                mean(&self.limiter, |at| followed(at).1),
                worst(&self.limiter, |at| followed(at).1),
                mean(&self.plain, |at| followed(at).1),
            ),
            Goal::Share => format!(
                " share {:.2} ({:.2}), used {:.2} ({:.2});",
                mean(&self.limiter, |at| shared(at).0) / 2.0,
                -worst(&self.limiter, |at| -shared(at).0) / 2.0,
                mean(&self.limiter, |at| shared(at).1),
                -worst(&self.limiter, |at| -shared(at).1),
            ),
            Goal::Memory => {
                let [cost, worst] = self.cost_of_memory();
                format!(" memory costs {cost:.1} ({worst:.1}) s;")
            }
            _ => String::new(),
        };
        format!(
            "| {:<50} | {ideal:5.1} | {:5.2} | {to_ideal:5.2} ({worst_to_ideal:5.2}) | {to_plain:5.2} ({worst_to_plain:5.2}) | {refused:4.1} ({worst_refused:4.1}) | {:<4} |{more}{cut}",
            self.name,
            mean(&self.plain, took) / ideal,
            self.flags(),
        )
    }
}

const HEAD: &str = "\
| node                                               | ideal | plain |   limiter     | limiter/plain | refused %   | miss |
|----------------------------------------------------|-------|-------|---------------|---------------|-------------|------|";

const LEGEND: &str = "mean (worst of the seeds). Missed: P > 1.05 plain, I > 1.15 ideal, R > 2 % refused (Q: at most 10 calls), S short > 1.2 plain, \
C follows a change after > 5 s, F share < 40 %, U < 90 % used, M memory costs > 5 s; small: only the worst seed.";

/// Judges scenarios on all cores, and returns the results in order.
fn judge_all<T: Send>(count: usize, judge: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        break;
                    }
                    let result = judge(at);
                    results.lock().unwrap().push((at, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn number(name: &str, default: u64) -> u64 {
    let text = setting(name);
    text.map_or(default, |text| {
        text.parse().expect("PACE_ variables are numbers")
    })
}

fn chosen() -> Vec<Scenario> {
    let only = setting("PACE_ONLY").unwrap_or_default();
    let mut scenarios = named();
    match scenarios
        .iter()
        .position(|scenario| scenario.name() == only)
    {
        Some(at) => vec![scenarios.swap_remove(at)],
        None => {
            scenarios.retain(|scenario| scenario.name().contains(&only));
            scenarios
        }
    }
}

#[test]
fn the_table() {
    let runs = number("PACE_RUNS", SEEDS);
    let scenarios: Vec<_> = chosen()
        .into_iter()
        .map(|scenario| Mutex::new(Some(scenario)))
        .collect();
    assert!(!scenarios.is_empty(), "PACE_ONLY matches no name");
    let results = judge_all(scenarios.len(), |at| {
        let scenario = scenarios[at].lock().unwrap().take();
        judge(scenario.expect("each is judged once"), 1..=runs)
    });
    println!("{HEAD}");
    for result in &results {
        println!("{}", result.row());
    }
    let missed = results
        .iter()
        .filter(|result| !result.flags().is_empty())
        .count();
    println!(
        "{LEGEND}\n{missed} of {} scenarios miss a goal.",
        results.len()
    );
    if setting("PACE_ONLY").is_none() {
        hold(&results);
    }
}

/// What must hold for all scenarios together. A goal that is missed by little in one of them is chance; in many it is not.
fn hold(results: &[Result]) {
    let alone = |result: &&Result| result.goal != Goal::Share;
    let long = |result: &&Result| mean(&result.ideal, took) >= LONG;
    for result in results.iter().filter(alone).filter(long) {
        let [to_plain, _] = result.to_plain();
        assert!(to_plain <= WORST_OF_PLAIN, "{}", result.row());
    }
    for (flag, most) in MISSES {
        let missed = results
            .iter()
            .filter(|result| result.flags().contains(flag));
        let missed: Vec<&str> = missed.map(|result| result.name.as_str()).collect();
        assert!(missed.len() <= most, "goal {flag}: {missed:?}");
    }
}

/// Looks for the scenarios in which the limiter does worst.
#[test]
fn the_search() {
    let (seeds, from) = (number("PACE_SEEDS", DRAWS), number("PACE_FROM", 1));
    let length = usize::try_from(seeds).unwrap();
    let mut results = judge_all(length, |at| {
        let seed = from + u64::try_from(at).unwrap();
        (seed, judge(drawn(seed), seed..=seed))
    });
    let long = |result: &Result| mean(&result.ideal, took) >= LONG;
    let share = |name: &str, miss: &dyn Fn(&Result) -> bool| {
        let missed = results.iter().filter(|(_, result)| miss(result)).count();
        println!("{name}: {missed} of {length}");
    };
    for flag in ['P', 'I', 'R', 'Q', 'S', 'C', 'F', 'U', 'M'] {
        share(&format!("miss {flag}"), &|result| {
            result.flags().contains(flag)
        });
    }
    share("not finished", &|result| result.limiter[0].done < 1.0);
    let print = |results: &[(u64, Result)], by: &str, held: &dyn Fn(&Result) -> bool| {
        println!("\nWorst by {by} (PACE_DRAWN = the number in front):\n      {HEAD}");
        for (seed, result) in results.iter().filter(|(_, result)| held(result)).take(15) {
            println!("{seed:5} {}", result.row());
        }
    };
    let slower = results
        .iter()
        .filter(|(_, result)| result.flags().contains('P'));
    assert!(
        slower.count() * 2 <= length,
        "half of all nodes are too slow"
    );
    results.sort_by(|(_, a), (_, b)| b.to_plain()[0].total_cmp(&a.to_plain()[0]));
    print(&results, "limiter/plain", &|result| {
        long(result) || result.goal == Goal::Short
    });
    results.sort_by(|(_, a), (_, b)| b.to_ideal()[0].total_cmp(&a.to_ideal()[0]));
    let stationary =
        |result: &Result| matches!(result.goal, Goal::Stationary | Goal::RandomRefusals);
    print(&results, "limiter/ideal", &|result| {
        long(result) && stationary(result)
    });
}

/// Prints one run second by second.
#[test]
#[ignore = "prints one run, second by second"]
fn the_trace() {
    let drawn_or_named = || match setting("PACE_DRAWN") {
        Some(_) => drawn(number("PACE_DRAWN", 1)),
        None => chosen().swap_remove(0),
    };
    let kind = match setting("PACE_KIND").as_deref() {
        Some("plain") => ClientKind::Plain,
        Some("ideal") => ClientKind::Ideal,
        _ => ClientKind::Limiter,
    };
    let seed = number("PACE_SEED", number("PACE_DRAWN", 1));
    let scenario = drawn_or_named().prepared();
    let run = run(&scenario.node, &scenario.jobs, kind, 100.0, seed);
    println!(
        "{HEAD}\n{}\n{kind:?} client, seed {seed}",
        judge(drawn_or_named(), seed..=seed).row()
    );
    for (client, sent) in run.sent.iter().enumerate() {
        let rows = scenario.jobs[client].size();
        println!(
            "client {client}: {rows} rows, ended {:.2} s, finished: {}",
            ended(sent),
            run.finished
        );
        println!("second   sent  users groups look-ups refused  in flight");
        let seconds = sent.iter().map(|sent| sent.answered).fold(0.0, f64::max);
        for from in std::iter::successors(Some(0.0), |from| Some(from + 1.0))
            .take_while(|from| *from < seconds)
        {
            let within = |time: f64| (from..from + 1.0).contains(&time);
            let answered = |is: &dyn Fn(&Sent) -> bool| {
                sent.iter()
                    .filter(|sent| within(sent.answered) && is(sent))
                    .count()
            };
            let overlap =
                |sent: &Sent| (sent.answered.min(from + 1.0) - sent.at.max(from)).max(0.0);
            println!(
                "{from:6} {:6} {:6} {:6} {:8} {:7} {:10.2}",
                sent.iter().filter(|sent| within(sent.at)).count(),
                answered(&|sent| sent.done && sent.class == Class::UserWrite),
                answered(&|sent| sent.done && sent.class == Class::GroupWrite),
                answered(&|sent| sent.accepted && !sent.done),
                answered(&|sent| !sent.accepted),
                sent.iter().map(overlap).sum::<f64>(),
            );
        }
    }
}

/// A client that knows every limit is refused by chance only, and is not beaten, or the simulation is wrong.
#[test]
fn the_ideal_client_is_ideal() {
    for scenario in named().into_iter().chain((1..=DRAWS).map(drawn)) {
        let by_chance = scenario.goal == Goal::RandomRefusals || scenario.name().contains("random");
        let result = judge(scenario, 1..=1);
        let (ideal, plain) = (result.ideal[0], result.plain[0]);
        assert!(ideal.done >= 1.0, "{}", result.row());
        assert!(by_chance || ideal.refusals < 1.0, "{}", result.row());
        assert!(plain.took > 0.95 * ideal.took - 0.5, "{}", result.row());
    }
}

/// The plain client's times on an independent node (PACE.md), in seconds: ideal, plain.
#[test]
fn the_plain_client_takes_as_long_as_on_a_real_node() {
    const MEASURED: &[(&str, f64, f64)] = &[
        ("lognormal 200 ms, sigma 0.8", 21.0, 20.0),
        ("exponential 20 ms + 130 ms", 26.0, 25.6),
        ("40 ms, 5 % 1000 ms, c32", 16.5, 17.0),
        ("5 times the latency at 5 s", 25.0, 25.0),
        ("drifts to 6.25 times in 25 s", 28.0, 29.0),
        ("200 ms, 10 % are 409 after 5 ms", 22.6, 22.5),
        ("0.2 % at random, no RA", 20.5, 20.5),
        ("1 % at random, no RA", 20.5, 21.0),
        ("5 % at random, no RA", 20.5, 23.0),
        ("0.2 % at random, RA 1", 20.0, 22.0),
        ("1 % at random, RA 1", 20.0, 26.0),
        ("1 % at random, RA 1, by 503", 20.0, 26.0),
        ("0.2 % at random, RA 5, by 503", 20.0, 29.0),
        ("refuses calls 5..=5, RA 10", 20.0, 22.0),
        ("3 at once, by 503, no RA", 25.0, 32.0),
        ("6 at once, c32, no RA", 25.0, 36.0),
        ("1 at once, no RA", 24.0, 31.0),
        ("50/s b10, by 503, no RA", 25.0, 31.0),
        ("50/s b10, by 503", 26.0, 32.0),
        ("50/s b1", 25.0, 51.0),
        ("50/s b2", 25.0, 35.0),
        ("100/s b1", 25.0, 74.0),
        ("50/s b10, RA 5", 26.0, 36.0),
        ("sliding 50 per 1 s", 25.0, 32.0),
        ("sliding 300 per 10 s", 30.0, 32.0),
        ("50/s b10, told", 26.0, 30.0),
        ("50/s b10, another client at 0 s", 28.0, 33.0),
        ("4 at once, no RA, another client at 0 s", 25.0, 38.0),
        ("50/s b10, from 10 s on 25/s b10", 25.0, 32.0),
        ("25/s b10, from 10 s on 50/s b10", 24.0, 27.0),
        ("100/s b10, from 10 s on 10/s b10", 24.0, 37.0),
        ("6 at once, from 10 s on 2 at once", 25.0, 28.0),
    ];
    for (name, ideal, plain) in MEASURED {
        let mut scenarios = named();
        let at = scenarios
            .iter()
            .position(|scenario| scenario.name() == *name);
        let result = judge(scenarios.swap_remove(at.expect(name)), 1..=5);
        let simulated = mean(&result.plain, took) / mean(&result.ideal, took);
        let measured = plain / ideal;
        let off = (simulated / measured - 1.0) * 100.0;
        println!("{name:<40} measured {measured:.2}, simulated {simulated:.2}: {off:+.0} %");
        assert!(off.abs() < 20.0, "{name}: {off:+.0} %");
    }
}

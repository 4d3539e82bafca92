//! What the ledger costs: the same rows with it and without it, in turn, over real HTTP.
//!
//! `cargo bench --bench ledger` prints the figures of docs/performance.md; with `-- --quick`, for a look.

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use headcount::directory::{Directory, People, Teams};
use headcount::ledger::{About, JournalWriter, RunKind, RunStore};
use headcount::roster::{self, Action, Roster};
use headcount::run::{Assignment, Event, Journal, OnConflict, Run, Settings, StopSwitch, Verdict};
use headcount::scim::{BulkLimits, Capabilities};
use headcount::spec::{ImportSpec, InputFile};
use headcount::transport::{Pace, RateSetting};
use support::{CONCURRENCY, Node, machine, median, per_second};

/// Rows against a node of a kind.
struct Case {
    name: &'static str,
    node: &'static [&'static str],
    rows: usize,
    bulk: Option<BulkLimits>,
}

const CASES: [Case; 3] = [
    Case {
        name: "creates on a node that answers at once",
        node: &[],
        rows: 40_000,
        bulk: None,
    },
    Case {
        name: "creates on a node that takes 20 ms",
        node: &["--latency", "20"],
        rows: 10_000,
        bulk: None,
    },
    Case {
        name: "creates in bulk requests of 1,000",
        node: &["--bulk", "--bulk-max-operations", "1000"],
        rows: 40_000,
        bulk: Some(BulkLimits {
            max_operations: 1_000,
            max_payload: 1 << 20,
        }),
    },
];

fn main() {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let (shrink, rounds) = if quick { (20, 1) } else { (1, 7) };
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let folder = tempfile::tempdir().expect("a folder for the files");
    println!("{}\n", machine::facts());
    for case in &CASES {
        let node = Node::start(case.node);
        let rows = case.rows / shrink;
        let mut ratios = Vec::new();
        for round in 0..rounds {
            // Who goes first takes turns, too.
            let order = [round % 2 == 0, round % 2 != 0];
            let times = order.map(|with| {
                let domain = format!("round{round}{with}");
                let file = folder.path().join("people.csv");
                std::fs::write(&file, people(rows, &domain)).expect("a disk");
                let bench = Bench {
                    node: &node,
                    file: &file,
                    folder: folder.path(),
                    bulk: case.bulk,
                };
                (with, runtime.block_on(bench.time(with)))
            });
            let of = |wanted: bool| {
                times
                    .iter()
                    .find(|(with, _)| *with == wanted)
                    .map_or(0.0, |(_, time)| per_second(rows, *time))
            };
            let (with, without) = (of(true), of(false));
            println!(
                "{}: {with:.0} rows/s with the ledger, {without:.0} without, ratio {:.3}",
                case.name,
                with / without
            );
            ratios.push(with / without);
        }
        println!("{}: median ratio {:.3}", case.name, median(&ratios));
    }
}

fn people(rows: usize, domain: &str) -> String {
    use std::fmt::Write as _;

    let mut text = "external_id,first_name,last_name,email\n".to_owned();
    for i in 0..rows {
        writeln!(
            text,
            "N{i},First{i},Last{i},first{i}.last{i}@{domain}.example"
        )
        .expect("a string grows");
    }
    text
}

struct Bench<'b> {
    node: &'b Node,
    file: &'b Path,
    folder: &'b Path,
    bulk: Option<BulkLimits>,
}

impl Bench<'_> {
    /// How long it takes to carry the file out.
    async fn time(&self, with_ledger: bool) -> Duration {
        let options = roster::Options {
            default_action: Action::Create,
            forced_action: false,
            map: Vec::new(),
        };
        let roster = Roster::open(self.file, &headcount::sheet::Reading::default(), options)
            .expect("a good file");
        let census = roster
            .check(&mut |problem| panic!("{problem}"))
            .expect("a good file");
        let pace = Arc::new(Pace::new(CONCURRENCY, RateSetting::Auto));
        let client = support::client(self.node.url(), Arc::clone(&pace));
        let directory = Directory {
            people: People::new(Arc::clone(&client)),
            teams: Teams::default(),
        };
        let settings = Settings {
            capabilities: Capabilities::default(),
            concurrency: CONCURRENCY,
            on_conflict: OnConflict::Fail,
            batch: 1,
            replace: false,
            bulk: self.bulk,
            rehearse: false,
            max_errors: None,
        };
        let stop = Arc::new(StopSwitch::new(pace));
        let begun = Instant::now();
        let journal_writer = with_ledger.then(|| {
            let store = RunStore::at(Some(&self.folder.join("state"))).expect("a folder");
            let input = roster.bytes().expect("a copy");
            JournalWriter::start(
                store
                    .begin(&about(), input, std::iter::empty())
                    .expect("a new record"),
            )
            .expect("a thread")
        });
        let (journal, journal_writer) = match journal_writer {
            Some((journal, journal_writer)) => (journal, Some(journal_writer)),
            None => (Journal::none(), None),
        };
        let rows = roster.entries().expect("a copy");
        let rows = Box::new(rows.map(|entry| entry.map(Assignment::from)));
        let run = Run::new(
            client,
            Arc::new(directory),
            settings,
            Arc::new(census),
            stop,
        );
        let (sender, mut events) = tokio::sync::mpsc::channel(1024);
        let listener = tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let Event::Row(record) = event {
                    assert_eq!(record.outcome.verdict, Verdict::Created);
                }
            }
        });
        run.noted_in(journal).carry_out(rows, sender).await;
        if let Some(journal_writer) = journal_writer {
            let (record, kept) = journal_writer.finish().await;
            kept.expect("a disk with room");
            record.end(None).expect("a disk with room");
        }
        listener.await.expect("every row is created");
        begun.elapsed()
    }
}

fn about() -> About {
    About {
        version: About::VERSION,
        kind: RunKind::Import,
        begun: jiff::Timestamp::now(),
        input: InputFile {
            path: "people.csv".into(),
            sha256: String::new(),
        },
        import: ImportSpec::new(Action::Create),
        nodes: Vec::new(),
        node_ref: serde_json::Value::Null,
        rows: 0,
        results: "people.results.csv".into(),
        max_errors: None,
    }
}

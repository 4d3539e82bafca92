//! What stands on the page, in the words and figures that the template only has to lay out.

use std::time::Duration;

use askama::Template;
use jiff::Timestamp;

use super::bars::{
    Bar, Latency, Tone, all_classes, call_statuses, latencies, outcomes, row_statuses, times,
};
use super::calls::Calls;
use super::chart::Chart;
use super::mask::{Mask, Masker, visible};
use super::rows::{Kept, NOT_DONE};
use super::words::{moment, rate, short, word};
use super::{End, Facts, Page};
use crate::run::Verdict;
use crate::transport::Traffic;
use crate::wording::{counted, duration, grouped};

/// A page to be laid out.
#[derive(Debug, Template)]
#[template(path = "page.html")]
pub(super) struct View {
    title: String,
    what: String,
    file: String,
    sha256: String,
    nodes: Vec<(String, String)>,
    run: String,
    /// How it ended, in a sentence, and how that catches the eye.
    lead: String,
    ended: String,
    tone: Tone,
    figures: Vec<Figure>,
    begun: String,
    parts: Vec<String>,
    outcomes: Vec<Bar>,
    row_statuses: Vec<Bar>,
    reasons: Vec<Reason>,
    not_done: Vec<Row>,
    /// How many more there are than are shown.
    more: Option<String>,
    results: String,
    earlier: Option<String>,
    chart: Option<Chart>,
    calls_known: bool,
    call_statuses: Vec<Bar>,
    saved: Option<String>,
    latencies: Vec<Latency>,
    call_times: Vec<Bar>,
    row_times: Vec<Bar>,
    slowest: Vec<Row>,
    settings: Vec<(String, &'static str, String)>,
    next: Option<String>,
    masked: bool,
    version: &'static str,
    made: String,
}

/// A figure that stands large at the top.
#[derive(Debug)]
struct Figure {
    number: String,
    about: &'static str,
}

/// Rows that are not done for the same reason.
#[derive(Debug)]
struct Reason {
    outcome: &'static str,
    status: String,
    count: String,
    row: u64,
    example: String,
}

/// A row of the input.
#[derive(Debug)]
struct Row {
    number: u64,
    who: String,
    name: Option<String>,
    action: &'static str,
    outcome: &'static str,
    status: Option<u16>,
    attempts: Option<String>,
    took: Option<String>,
    error: String,
    tone: Tone,
}

impl View {
    pub(super) fn of(page: &Page, facts: &Facts) -> Self {
        let mut masker = Masker::new(facts.mask);
        let known: Vec<&Calls> = facts.parts.iter().flat_map(|part| &part.calls).collect();
        let mut traffic = Traffic::default();
        for calls in &known {
            traffic.merge(&calls.traffic);
        }
        let last = facts.parts.last().and_then(|part| part.calls.as_ref());
        let settled: u64 = page.verdicts.values().sum();
        let done = of_all(page, Verdict::is_done);
        let (lead, tone) = lead(done, settled);
        let listed = of_all(page, |verdict| {
            !verdict.is_done() && verdict != Verdict::NotAttempted
        });
        let not_done: Vec<Row> = page
            .rows
            .not_done
            .iter()
            .map(|kept| Row::of(kept, &mut masker))
            .collect();
        let slowest = page.rows.slowest();
        let reasons = page.rows.reasons.iter();
        View {
            title: visible(&format!("{} of {}", facts.what, facts.file)),
            what: facts.what.clone(),
            file: visible(&facts.file),
            sha256: facts.sha256.clone(),
            nodes: facts
                .nodes
                .iter()
                .map(|(name, address)| (visible(name), visible(address)))
                .collect(),
            run: facts.run.clone(),
            lead,
            ended: ended(&facts.end, &mut masker),
            tone,
            figures: figures(page, facts, &known, &traffic),
            begun: moment(facts.begun),
            parts: parts(facts),
            outcomes: outcomes(page, settled),
            row_statuses: row_statuses(page, settled),
            reasons: reasons
                .map(|((verdict, status), reason)| Reason {
                    outcome: word(*verdict),
                    status: status.map_or_else(|| "none".to_owned(), |code| code.to_string()),
                    count: grouped(reason.count),
                    row: reason.first.number,
                    example: why(&reason.first, &mut masker),
                })
                .collect(),
            not_done,
            more: (listed > NOT_DONE as u64)
                .then(|| format!("The first {NOT_DONE} of {} are shown.", grouped(listed))),
            results: results(facts),
            earlier: (page.earlier > 0).then(|| counted(page.earlier, "row")),
            chart: Chart::of(page, last),
            calls_known: !known.is_empty(),
            call_statuses: call_statuses(&traffic),
            saved: saved(page, facts, &known, &traffic),
            latencies: latencies(&traffic),
            call_times: times(&all_classes(&traffic)),
            row_times: times(&page.took),
            slowest: slowest
                .into_iter()
                .map(|kept| Row::of(kept, &mut masker))
                .collect(),
            settings: facts
                .settings
                .iter()
                .map(|set| (set.flag.to_owned(), set.about, visible(&set.value)))
                .collect(),
            next: facts.next.clone(),
            masked: facts.mask == Mask::On,
            version: env!("CARGO_PKG_VERSION"),
            made: moment(Timestamp::now()),
        }
    }
}

impl Row {
    fn of(kept: &Kept, masker: &mut Masker) -> Self {
        let who = match (&kept.email, &kept.id) {
            (Some(email), _) => masker.person(email),
            // An email may stand where an id belongs.
            (None, Some(id)) => masker.sentence(id, &kept.personal),
            (None, None) => "nobody".to_owned(),
        };
        Row {
            number: kept.number,
            who,
            name: kept.name.as_ref().map(|name| masker.person(name)),
            action: kept.action.map_or("", crate::roster::Action::as_str),
            outcome: word(kept.verdict),
            status: kept.status,
            attempts: (kept.attempts > 1).then(|| grouped(kept.attempts.into())),
            took: kept.took.map(short),
            error: why(kept, masker),
            tone: Tone::of(kept.verdict),
        }
    }
}

fn why(kept: &Kept, masker: &mut Masker) -> String {
    let error = kept.error.as_deref().unwrap_or_default();
    masker.sentence(error, &kept.personal)
}

fn of_all(page: &Page, which: impl Fn(Verdict) -> bool) -> u64 {
    let fitting = page.verdicts.iter().filter(|(verdict, _)| which(**verdict));
    fitting.map(|(_, count)| count).sum()
}

fn lead(done: u64, settled: u64) -> (String, Tone) {
    let not_done = settled - done;
    match (settled, not_done) {
        (0, _) => ("There were no rows.".to_owned(), Tone::Plain),
        (1, 0) => ("The one row is as asked.".to_owned(), Tone::Good),
        (_, 0) => (
            format!("All {} rows are as asked.", grouped(settled)),
            Tone::Good,
        ),
        _ => {
            let words = format!(
                "{} of {} rows are as asked; {} {} not.",
                grouped(done),
                grouped(settled),
                grouped(not_done),
                if not_done == 1 { "is" } else { "are" }
            );
            (words, Tone::Bad)
        }
    }
}

fn ended(end: &End, masker: &mut Masker) -> String {
    match end {
        End::Finished(at) => format!("It came to its end at {}.", moment(*at)),
        End::Stopped { at, why } => format!(
            "It stopped before its end, at {}: {}.",
            moment(*at),
            masker.sentence(why, &[])
        ),
        End::Going => "It is still going on: this is how it stands now.".to_owned(),
        End::CutShort => {
            "It was cut short. Of some rows it is not known yet what became of them.".to_owned()
        }
    }
}

/// How long the run worked, as far as that is known.
fn lasted(facts: &Facts, known: &[&Calls]) -> Option<Duration> {
    if known.len() == facts.parts.len() && !known.is_empty() {
        return Some(known.iter().map(|calls| calls.lasted).sum());
    }
    match (&facts.end, facts.parts.len()) {
        (End::Finished(at) | End::Stopped { at, .. }, 0 | 1) => {
            at.duration_since(facts.begun).try_into().ok()
        }
        _ => None,
    }
}

fn figures(page: &Page, facts: &Facts, known: &[&Calls], traffic: &Traffic) -> Vec<Figure> {
    let settled: u64 = page.verdicts.values().sum();
    let done = of_all(page, Verdict::is_done);
    let mut figures = vec![
        Figure {
            number: grouped(facts.rows),
            about: "rows",
        },
        Figure {
            number: grouped(done),
            about: "as asked",
        },
        Figure {
            number: grouped(settled - done),
            about: "not as asked",
        },
    ];
    if let Some(lasted) = lasted(facts, known) {
        figures.push(Figure {
            number: duration(lasted),
            about: "from beginning to end",
        });
        let worked = settled - page.of(Verdict::NotAttempted);
        if lasted >= Duration::from_secs(1) {
            figures.push(Figure {
                number: rate(worked, lasted),
                about: "rows a second",
            });
        }
    }
    if !known.is_empty() {
        figures.push(Figure {
            number: grouped(traffic.calls()),
            about: "calls to the node",
        });
    }
    figures
}

/// When the run went on, if it did.
fn parts(facts: &Facts) -> Vec<String> {
    let went_on = facts.parts.iter().skip(1);
    went_on.map(|part| moment(part.begun)).collect()
}

/// What planning has saved; only said of a whole run whose calls are all known.
fn saved(page: &Page, facts: &Facts, known: &[&Calls], traffic: &Traffic) -> Option<String> {
    let is_whole = matches!(facts.end, End::Finished(_))
        && known.len() == facts.parts.len()
        && page.of(Verdict::NotAttempted) == 0;
    let by_rows: u64 = known.iter().map(|calls| calls.one_by_one).sum();
    // Whoever asks first changes nothing there either.
    let by_rows = by_rows.saturating_sub(page.of(Verdict::Unchanged));
    let calls = traffic.calls();
    let saved = by_rows.checked_sub(calls).filter(|saved| *saved > 0)?;
    is_whole.then(|| {
        format!(
            "Planning has saved about {} of {} calls: so many would be a question and a change for each row (for a new \
             account one call), and a change for each team and role that it names. {} were sent, what was sent again \
             included.",
            grouped(saved),
            grouped(by_rows),
            grouped(calls)
        )
    })
}

/// Where the results are. A masked page may leave the building: it does not say whose folder that is.
fn results(facts: &Facts) -> String {
    let path = &facts.results;
    let shown = match facts.mask {
        Mask::Off => path.as_os_str(),
        Mask::On => path.file_name().unwrap_or_default(),
    };
    visible(&shown.to_string_lossy())
}

//! Tables of counts with bars beside them, and how long things took.

use super::Page;
use super::words::{class, meaning, ratio, share, short, status, word};
use crate::histogram::{Histogram, Span};
use crate::run::Verdict;
use crate::transport::{Class, Traffic};
use crate::wording::grouped;

/// How something catches the eye; words say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Bad,
    Caution,
    Plain,
}

impl Tone {
    pub(super) fn class(self) -> &'static str {
        match self {
            Tone::Good => "good",
            Tone::Bad => "bad",
            Tone::Caution => "caution",
            Tone::Plain => "plain",
        }
    }

    pub(super) fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Failed | Verdict::Invalid => Tone::Bad,
            Verdict::Unknown | Verdict::NotAttempted => Tone::Caution,
            Verdict::Unchanged | Verdict::Exists => Tone::Plain,
            _ => Tone::Good,
        }
    }
}

/// A line of a table with a bar.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) about: String,
    pub(super) count: String,
    pub(super) share: String,
    /// In percent of the longest.
    pub(super) width: String,
    pub(super) tone: Tone,
}

/// How long the calls of one class took.
#[derive(Debug)]
pub(super) struct Latency {
    pub(super) class: &'static str,
    pub(super) calls: String,
    pub(super) half: String,
    pub(super) most: String,
    pub(super) nearly_all: String,
    pub(super) longest: String,
}

/// Bars for some counts, the longest of which is as long as there is place.
fn bars(counts: Vec<(String, String, u64, Tone)>, whole: u64) -> Vec<Bar> {
    let most = counts.iter().map(|count| count.2).max().unwrap_or_default();
    let bar = |(label, about, count, tone): (String, String, u64, Tone)| Bar {
        label,
        about,
        count: grouped(count),
        share: share(count, whole),
        width: format!("{:.1}", ratio(count, most) * 100.0),
        tone,
    };
    counts.into_iter().map(bar).collect()
}

pub(super) fn outcomes(page: &Page, settled: u64) -> Vec<Bar> {
    let counts = page.verdicts.iter().map(|(verdict, count)| {
        let (label, about) = (word(*verdict).to_owned(), meaning(*verdict).to_owned());
        (label, about, *count, Tone::of(*verdict))
    });
    bars(counts.collect(), settled)
}

pub(super) fn row_statuses(page: &Page, settled: u64) -> Vec<Bar> {
    let counts = page.statuses.iter().map(|(code, count)| match code {
        Some(code) => of_status(*code, *count),
        None => {
            let about = "no answer decided".to_owned();
            ("none".to_owned(), about, *count, Tone::Plain)
        }
    });
    bars(counts.collect(), settled)
}

pub(super) fn call_statuses(traffic: &Traffic) -> Vec<Bar> {
    let statuses = traffic.statuses().iter();
    let mut counts: Vec<_> = statuses
        .map(|(code, count)| of_status(*code, *count))
        .collect();
    if traffic.unanswered() > 0 {
        let about = "no connection, or the answer was lost".to_owned();
        counts.push((
            "none".to_owned(),
            about,
            traffic.unanswered(),
            Tone::Caution,
        ));
    }
    bars(counts, traffic.calls())
}

fn of_status(code: u16, count: u64) -> (String, String, u64, Tone) {
    let tone = match code {
        408 | 429 | 503 => Tone::Caution,
        ..400 => Tone::Good,
        _ => Tone::Bad,
    };
    (code.to_string(), status(code).to_owned(), count, tone)
}

pub(super) fn all_classes(traffic: &Traffic) -> Histogram {
    let mut all = Histogram::default();
    for class in Class::ALL {
        all.merge(traffic.latency(class));
    }
    all
}

pub(super) fn times(histogram: &Histogram) -> Vec<Bar> {
    let counts = histogram.doublings().into_iter();
    let counts = counts.map(|Span { up_to, count }| {
        let label = format!("up to {}", short(up_to));
        (label, String::new(), count, Tone::Plain)
    });
    bars(counts.collect(), histogram.total())
}

pub(super) fn latencies(traffic: &Traffic) -> Vec<Latency> {
    let counted = Class::ALL
        .into_iter()
        .map(|class| (class, traffic.latency(class)));
    let called = counted.filter(|(_, histogram)| histogram.total() > 0);
    let within = |histogram: &Histogram, percent| {
        let time = histogram.within(percent);
        time.map_or_else(String::new, short)
    };
    called
        .map(|(each, histogram)| Latency {
            class: class(each),
            calls: grouped(histogram.total()),
            half: within(histogram, 50),
            most: within(histogram, 95),
            nearly_all: within(histogram, 99),
            longest: short(histogram.longest()),
        })
        .collect()
}

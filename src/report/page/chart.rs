//! The course of a run as a picture: shapes only. What is written beside them is text of the page, so that it keeps its
//! size on a narrow screen.

use std::fmt::Write as _;
use std::time::Duration;

use super::Page;
use super::calls::Calls;
use super::series::Series;
use super::words::rate;
use crate::wording::{duration, grouped};

/// The picture is so wide and high, and stretched to the place that there is.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 200.0;
/// The strip with refusals below it.
const STRIP: f64 = 24.0;

/// A run over time.
#[derive(Debug)]
pub(super) struct Chart {
    /// Rows a second, as an area.
    pub(super) rows: String,
    /// Calls a second, as a line; empty where they are not known.
    pub(super) calls: String,
    /// Calls that were refused or put off, as bars; empty if there are none.
    pub(super) refusals: String,
    /// What the left edge says: the most, and the half of it.
    pub(super) most: String,
    pub(super) half: String,
    /// What the lower edge says.
    pub(super) middle: String,
    pub(super) end: String,
    /// How long one step is.
    pub(super) step: String,
    pub(super) steps: Vec<Step>,
    pub(super) description: String,
}

/// The figures of one step.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) from: String,
    pub(super) rows: String,
    pub(super) not_done: u64,
    pub(super) calls: String,
    pub(super) refused: u64,
    pub(super) unavailable: u64,
}

impl Chart {
    /// Nothing if nothing has happened since the run began, or went on.
    pub(super) fn of(page: &Page, calls: Option<&Calls>) -> Option<Self> {
        let mut rows = page.over_time.clone();
        let mut over_time = calls.map_or_else(Series::default, |calls| calls.over_time.clone());
        rows.widen_to(over_time.step());
        over_time.widen_to(rows.step());
        let step = rows.step();
        let count = rows.counts().len().max(over_time.counts().len());
        if count == 0 {
            return None;
        }
        let rows: Vec<[u64; 2]> = filled(&rows, count);
        let sent: Vec<[u64; 3]> = filled(&over_time, count);
        let all_rows: Vec<u64> = rows.iter().map(|step| step[0] + step[1]).collect();
        let all_calls: Vec<u64> = sent.iter().map(|step| step[0]).collect();
        let refusals: Vec<u64> = sent.iter().map(|step| step[1] + step[2]).collect();
        let most_rows = all_rows.iter().max().copied().unwrap_or_default();
        let most_calls = all_calls.iter().max().copied().unwrap_or_default();
        let most = round_up(per_second(most_rows.max(most_calls), step));
        let top = most * step.as_secs_f64();
        let time = |at: usize| step * u32::try_from(at).unwrap_or(u32::MAX);
        let whole = time(count);
        let mut description = format!(
            "In {}, at most {} rows a second were settled",
            duration(whole),
            rate(most_rows, step)
        );
        if calls.is_some() {
            let (refused, put_off) = sent.iter().fold((0, 0), |(refused, put_off), step| {
                (refused + step[1], put_off + step[2])
            });
            // Writing to a string does not fail.
            let _ = write!(
                description,
                " and at most {} calls a second left; {} calls were refused as too many and {} put off by a busy node",
                rate(most_calls, step),
                grouped(refused),
                grouped(put_off)
            );
        }
        description.push_str(". The table below has all figures.");
        let steps = (0..count).map(|at| Step {
            from: duration(time(at)),
            rows: rate(all_rows[at], step),
            not_done: rows[at][1],
            calls: rate(all_calls[at], step),
            refused: sent[at][1],
            unavailable: sent[at][2],
        });
        Some(Chart {
            rows: area(&all_rows, top),
            calls: calls.map_or_else(String::new, |_| line(&all_calls, top)),
            refusals: bars(&refusals),
            most: figure(most),
            half: figure(most / 2.0),
            middle: duration(whole / 2),
            end: duration(whole),
            step: duration(step),
            steps: steps.collect(),
            description,
        })
    }
}

fn filled<const N: usize>(series: &Series<N>, count: usize) -> Vec<[u64; N]> {
    let counts = series.counts().iter().copied();
    counts
        .chain(std::iter::repeat([0; N]))
        .take(count)
        .collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a height of some hundred pixels"
)]
fn number(count: u64) -> f64 {
    count as f64
}

fn per_second(count: u64, step: Duration) -> f64 {
    number(count) / step.as_secs_f64()
}

/// The next number that reads well: 1, 2 or 5, and noughts.
fn round_up(number: f64) -> f64 {
    let noughts = 10_f64.powf(number.max(0.01).log10().floor());
    let round = [1.0, 2.0, 5.0].map(|digit| digit * noughts);
    let fits = round.into_iter().find(|round| *round >= number);
    fits.unwrap_or(10.0 * noughts)
}

fn figure(number: f64) -> String {
    if number >= 10.0 || number.fract() == 0.0 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate of at most some millions"
        )]
        return grouped(number.round() as u64);
    }
    let text = format!("{number:.3}");
    text.trim_end_matches('0').to_owned()
}

fn step_ends(count: usize) -> impl Iterator<Item = f64> {
    let steps = u32::try_from(count).unwrap_or(u32::MAX);
    (1..=steps).map(move |at| WIDTH * f64::from(at) / f64::from(steps))
}

/// The stairs of some counts, from left to right.
fn stairs(counts: &[u64], top: f64) -> String {
    let mut path = String::new();
    for (count, end) in counts.iter().zip(step_ends(counts.len())) {
        let y = HEIGHT - HEIGHT * number(*count) / top.max(f64::EPSILON);
        // Writing to a string does not fail.
        let _ = write!(path, "V{y:.1}H{end:.1}");
    }
    path
}

fn area(counts: &[u64], top: f64) -> String {
    format!("M0 {HEIGHT}{}V{HEIGHT}Z", stairs(counts, top))
}

fn line(counts: &[u64], top: f64) -> String {
    format!("M0 {HEIGHT}{}", stairs(counts, top))
}

fn bars(counts: &[u64]) -> String {
    let most = counts.iter().max().copied().unwrap_or_default();
    let mut path = String::new();
    let mut begin = 0.0;
    for (count, end) in counts.iter().zip(step_ends(counts.len())) {
        if *count > 0 {
            // The smallest can still be seen.
            let height = (STRIP * number(*count) / number(most)).max(STRIP / 5.0);
            let top = STRIP - height;
            let _ = write!(path, "M{begin:.1} {STRIP}V{top:.1}H{end:.1}V{STRIP}Z");
        }
        begin = end;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_numbers_that_read_well() {
        let round = [0.3, 1.0, 1.1, 4.0, 7.0, 23.0, 501.0].map(|most| figure(round_up(most)));
        assert_eq!(round, ["0.5", "1", "2", "5", "10", "50", "1,000"]);
        assert_eq!([0.5, 2.5, 2000.0].map(figure), ["0.5", "2.5", "2,000"]);
    }

    #[test]
    fn shapes_stay_within_the_picture() {
        assert_eq!(area(&[1, 2], 4.0), "M0 200V150.0H300.0V100.0H600.0V200Z");
        assert_eq!(line(&[4], 4.0), "M0 200V0.0H600.0");
        assert_eq!(bars(&[0, 3]), "M300.0 24V0.0H600.0V24Z");
        assert_eq!(bars(&[0, 0]), "");
    }
}

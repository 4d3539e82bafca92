//! Whether the node is there at all: a circuit breaker for all calls of a run.
//!
//! It opens when calls fail one after the other, or when more of them fail than a run may send again. Then no call
//! leaves for a while, and after that one at a time, until one is answered. Like the
//! [`limiter`](super::limiter) it has no clock of its own.

use std::time::Duration;

use super::retry::back_off;

/// So many failures in a row open it.
const IN_A_ROW: u32 = 8;

/// How many calls that failed a run may send again out of hand.
const BUDGET: f64 = 50.0;

/// What one that was answered adds to that: a run may send one call again for every two that were answered.
const EARNED: f64 = 0.5;

/// What is left of the budget when the node is back.
const AFRESH: f64 = BUDGET / 2.0;

/// Lets calls pass while the node answers.
#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    in_a_row: u32,
    budget: f64,
    /// How many times in a row one call was tried while it was open.
    rounds: u32,
    /// When the failures in a row began.
    failing_since: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    /// Nobody before then.
    Open(Duration),
    /// One call is on its way to find out.
    Probing,
}

/// Whether a call may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passage {
    /// As any other.
    Free,
    /// As the one that finds out whether the node is back.
    Probe,
    /// Not before then.
    At(Duration),
    /// When the one that finds out has come back.
    AfterProbe,
}

/// How the node did with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// It answered.
    Alive,
    /// No answer, or none that can be read.
    Failing,
    /// The call was not sent after all.
    Unknown,
}

impl Breaker {
    pub(super) fn new() -> Self {
        Breaker {
            state: State::Closed,
            in_a_row: 0,
            budget: BUDGET,
            rounds: 0,
            failing_since: Duration::ZERO,
        }
    }

    pub(super) fn passage(&self, now: Duration) -> Passage {
        match self.state {
            State::Closed => Passage::Free,
            State::Open(until) if now < until => Passage::At(until),
            State::Open(_) => Passage::Probe,
            State::Probing => Passage::AfterProbe,
        }
    }

    /// The call that finds out leaves.
    pub(super) fn probes(&mut self) {
        self.state = State::Probing;
    }

    /// A call came back; `probe` says whether it was the one that finds out.
    pub(super) fn back(&mut self, health: Health, probe: bool, now: Duration) {
        match (health, self.state) {
            (Health::Alive, State::Closed) => {
                self.in_a_row = 0;
                self.budget = (self.budget + EARNED).min(BUDGET);
            }
            // Also one that had left before: the node is there.
            (Health::Alive, _) => {
                *self = Breaker {
                    budget: self.budget.max(AFRESH),
                    ..Breaker::new()
                };
            }
            (Health::Failing, State::Closed) => {
                if self.in_a_row == 0 {
                    self.failing_since = now;
                }
                self.in_a_row += 1;
                self.budget -= 1.0;
                if self.in_a_row >= IN_A_ROW || self.budget < 0.0 {
                    self.state = State::Open(now + back_off(2));
                }
            }
            (Health::Failing, State::Probing) if probe => {
                self.rounds += 1;
                self.state = State::Open(now + back_off(self.rounds + 2));
            }
            (Health::Unknown, State::Probing) if probe => self.state = State::Open(now),
            _ => {}
        }
    }

    /// How many times in a row one call was tried in vain while nobody else could leave.
    pub(super) fn rounds(&self) -> u32 {
        self.rounds
    }

    /// Since when the node has not answered, if calls are kept back for that.
    pub(super) fn open_since(&self) -> Option<Duration> {
        (self.state != State::Closed).then_some(self.failing_since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: Duration = Duration::from_mins(1);

    fn opened() -> Breaker {
        let mut breaker = Breaker::new();
        for _ in 0..IN_A_ROW {
            assert_eq!(breaker.passage(Duration::ZERO), Passage::Free);
            breaker.back(Health::Failing, false, Duration::ZERO);
        }
        breaker
    }

    #[test]
    fn while_it_is_open_one_call_at_a_time_finds_out() {
        let mut breaker = opened();
        assert_eq!(breaker.open_since(), Some(Duration::ZERO));
        assert_eq!(breaker.passage(LATER), Passage::Probe);
        breaker.probes();
        assert_eq!(breaker.passage(LATER), Passage::AfterProbe);
        // Those that had left before say nothing new.
        breaker.back(Health::Failing, false, LATER);
        assert_eq!(breaker.passage(LATER), Passage::AfterProbe);
        breaker.back(Health::Failing, true, LATER);
        assert_eq!(breaker.rounds(), 1);
        assert!(matches!(breaker.passage(LATER), Passage::At(_)));
        breaker.probes();
        breaker.back(Health::Alive, true, 2 * LATER);
        assert_eq!(breaker.passage(2 * LATER), Passage::Free);
        assert_eq!((breaker.rounds(), breaker.open_since()), (0, None));
    }

    #[test]
    fn a_probe_that_was_never_sent_lets_the_next_one_try() {
        let mut breaker = opened();
        breaker.probes();
        breaker.back(Health::Unknown, true, LATER);
        assert_eq!(breaker.passage(LATER), Passage::Probe);
    }

    #[test]
    fn a_node_that_fails_half_the_time_is_not_hammered_and_one_in_five_is_borne() {
        for (of_ten, opens) in [(2, false), (5, true)] {
            let mut breaker = Breaker::new();
            let opened = (0..10_000).any(|call| {
                let failing = call % 10 < of_ten;
                let health = if failing {
                    Health::Failing
                } else {
                    Health::Alive
                };
                breaker.back(health, false, Duration::ZERO);
                breaker.open_since().is_some()
            });
            assert_eq!(opened, opens, "{of_ten} of ten failed");
        }
    }
}

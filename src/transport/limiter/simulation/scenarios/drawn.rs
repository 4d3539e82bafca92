//! Scenarios drawn at random.

use fastrand::Rng;

use super::*;

/// A scenario with everything drawn from wide ranges.
pub(in super::super) fn drawn(seed: u64) -> Scenario {
    // Neighbouring seeds should have nothing in common.
    let mut draw = Draw(Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    let places = draw.pick(&[2, 4, 8, 8, 8, 16, 32, 64]);
    let mean = draw.log(0.02, 0.8).max(f64::from(places) / 400.0);
    let most = f64::from(places) / mean;
    let scenario = draw.latency(mean).places(places);
    let scenario = draw.limits(scenario, places, most);
    let scenario = draw.refusals(scenario);
    draw.job(scenario, most)
}

struct Draw(Rng);

impl Draw {
    fn one_in(&mut self, times: u32) -> bool {
        self.0.u32(..times) == 0
    }

    fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.0.usize(..values.len())]
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.f64()
    }

    /// Each order of magnitude is equally likely.
    fn log(&mut self, low: f64, high: f64) -> f64 {
        low * (high / low).powf(self.0.f64())
    }

    fn latency(&mut self, mean: f64) -> Scenario {
        let sigma = self.between(0.4, 1.0);
        let shape = match self.0.u32(..8) {
            0 => Shape::LogNormal {
                median: mean * 0.75,
                sigma,
            },
            1 => Shape::Exponential {
                min: mean * 0.2,
                mean: mean * 0.8,
            },
            2 => Shape::Bimodal {
                usual: mean * 0.6,
                slow: mean * 9.0,
                share: 0.05,
            },
            _ => Shape::Uniform(mean),
        };
        let times = self.log(0.3, 5.0);
        let course = match self.0.u32(..12) {
            0 => LatencyTrend::Step {
                at: self.between(2.0, 15.0),
                times,
            },
            1 => LatencyTrend::Drift {
                seconds: 25.0,
                times,
            },
            2 => LatencyTrend::Wave {
                period: self.between(3.0, 20.0),
                swing: self.between(0.3, 0.8),
            },
            _ => LatencyTrend::Steady,
        };
        let drawn = Latency::new(shape).course(course);
        let scenario = if self.one_in(10) {
            latency(drawn.fast(0.1, 0.005)).named("10 % after 5 ms")
        } else {
            latency(drawn)
        };
        match course {
            LatencyTrend::Steady => scenario.named(shape),
            _ => scenario.named(shape).named(course),
        }
    }

    /// Limits for a client that reaches `most` calls per second without them, with so many places.
    fn limits(&mut self, scenario: Scenario, places: u32, most: f64) -> Scenario {
        let calls = self.0.u32(1..=places.min(24));
        let share = self.0.f64();
        match self.0.u32(..20) {
            0 => scenario,
            1..=8 => scenario.limit(self.rate(most)),
            9..=11 => scenario.at_once(calls),
            12 => scenario.at_once(calls).limit(self.rate(most)),
            13 => scenario.workers(calls, (share < 0.5).then_some(calls)),
            14 => {
                let loss = 0.05 * share;
                scenario
                    .work(Work::Overload { calls, loss })
                    .goal(Goal::Plain)
            }
            15 => {
                let calls = self.0.u32(5..100);
                scenario.penalty(calls, self.between(1.0, 15.0), share < 0.3)
            }
            16 | 17 => scenario.random(self.log(0.001, 0.1)),
            18 => scenario.limit(self.rate(most)).becomes(self.rate(most)),
            _ => {
                let to = self.0.u32(1..=places.min(24));
                scenario.at_once(calls).becomes(Rule::AtOnce(to))
            }
        }
    }

    /// A rate limit that is below `most` more often than not.
    fn rate(&mut self, most: f64) -> Rule {
        let rate = self.log(1.0, 1.2 * most.max(2.0));
        let seconds = self.log(1.0, 15.0).round();
        let calls = (1..100_000)
            .find(|calls| f64::from(*calls) >= rate * seconds)
            .unwrap_or(1);
        match self.0.u32(..8) {
            0 => Rule::window(calls, seconds),
            1 | 2 => sliding(calls, seconds),
            3 => delay_queue(rate, self.log(1.0, 40.0).round()),
            _ => bucket(rate, self.pick(&[1.0, 1.0, 2.0, 5.0, 10.0, 50.0, 100.0])),
        }
    }

    fn refusals(&mut self, scenario: Scenario) -> Scenario {
        let scenario = match self.0.u32(..8) {
            0..=2 => scenario.no_ra(),
            3..=5 => scenario,
            6 => scenario.retry_after(RetryAfter::Exact),
            _ => scenario.ra(self.log(0.2, 10.0)),
        };
        let scenario = if self.one_in(4) {
            scenario.by_503()
        } else {
            scenario
        };
        let scenario = if self.one_in(6) {
            scenario.quick_refusals()
        } else {
            scenario
        };
        let of = self.log(10.0, 2_000.0).round();
        match self.0.u32(..25) {
            0..=2 => scenario.told(QuotaFields::Truth),
            3 => {
                let reset = self.pick(&[0.0, 1.0, 60.0]);
                scenario.tells(self.pick(&[0.0, 0.0, 3.0]), reset)
            }
            4 => scenario.told(QuotaFields::Other {
                of,
                seconds: self.log(1.0, 60.0).round(),
            }),
            _ => scenario,
        }
    }

    fn job(&mut self, mut scenario: Scenario, most: f64) -> Scenario {
        if self.one_in(8) {
            let users = self.pick(&[1, 4, 20]);
            scenario.jobs[0].calls = vec![(Class::UserWrite, users), (Class::GroupWrite, 1)];
            scenario = scenario.named(format!("{users} users a group"));
            if self.0.bool() {
                scenario = scenario.groups(self.rate(most * 0.3));
            }
        }
        let stationary = scenario.goal == Goal::Stationary;
        match self.0.u32(..20) {
            0 | 1 if stationary || scenario.goal == Goal::RandomRefusals => scenario.short(),
            2 | 3 if stationary => scenario.rival(self.pick(&[0.0, 5.0])),
            4 if stationary => scenario.memory(self.log(0.01, 1_000.0)),
            _ => scenario,
        }
    }
}

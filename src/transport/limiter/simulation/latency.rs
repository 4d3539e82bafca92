//! How long calls take.

use fastrand::Rng;

/// How the latencies of one moment are spread. All times are in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// Mean ± 20 %.
    Uniform(f64),
    LogNormal {
        median: f64,
        sigma: f64,
    },
    /// At least `min`, and `mean` more on average.
    Exponential {
        min: f64,
        mean: f64,
    },
    /// `usual` ± 20 %, but `slow` ± 20 % for this share of the calls.
    Bimodal {
        usual: f64,
        slow: f64,
        share: f64,
    },
}

/// How latency changes during a run.
#[derive(Debug, Clone, Copy)]
pub(super) enum LatencyTrend {
    Steady,
    /// `times` as long from `at` on.
    Step {
        at: f64,
        times: f64,
    },
    /// Grows evenly to `times` as long after `seconds`, and stays there.
    Drift {
        seconds: f64,
        times: f64,
    },
    /// Swings between `1 - swing` and `1 + swing` times as long.
    Wave {
        period: f64,
        swing: f64,
    },
}

/// The latency of a node, network included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Latency {
    shape: Shape,
    course: LatencyTrend,
    /// The share of calls that are answered at once, such as creates of existing accounts, and after how long.
    fast: (f64, f64),
}

impl Latency {
    pub(super) fn new(shape: Shape) -> Self {
        Latency {
            shape,
            course: LatencyTrend::Steady,
            fast: (0.0, 0.0),
        }
    }

    pub(super) fn course(self, course: LatencyTrend) -> Self {
        Latency { course, ..self }
    }

    /// Answers this share of the calls after `seconds`.
    pub(super) fn fast(self, share: f64, seconds: f64) -> Self {
        Latency {
            fast: (share, seconds),
            ..self
        }
    }

    /// The latency of a call that is sent at `now`.
    pub(super) fn draw(&self, now: f64, rng: &mut Rng) -> f64 {
        if rng.f64() < self.fast.0 {
            return self.fast.1 * about(rng);
        }
        let now_times = match self.course {
            LatencyTrend::Steady => 1.0,
            LatencyTrend::Step { at, times } => {
                if now < at {
                    1.0
                } else {
                    times
                }
            }
            LatencyTrend::Drift { seconds, times } => {
                1.0 + (times - 1.0) * (now / seconds).min(1.0)
            }
            LatencyTrend::Wave { period, swing } => {
                1.0 + swing * (std::f64::consts::TAU * now / period).sin()
            }
        };
        now_times
            * match self.shape {
                Shape::Uniform(mean) => mean * about(rng),
                Shape::LogNormal { median, sigma } => median * (sigma * normal(rng)).exp(),
                Shape::Exponential { min, mean } => min - mean * (1.0 - rng.f64()).ln(),
                Shape::Bimodal { usual, slow, share } => {
                    let mean = if rng.f64() < share { slow } else { usual };
                    mean * about(rng)
                }
            }
    }
}

/// 1 ± 20 %.
fn about(rng: &mut Rng) -> f64 {
    0.8 + 0.4 * rng.f64()
}

/// From the standard normal distribution (Box and Muller).
fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.f64()).cos()
}

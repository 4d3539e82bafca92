//! The named scenarios.

use super::*;

/// The nodes of `PACE.md`, and others of the same kinds.
pub(in super::super) fn named() -> Vec<Scenario> {
    let parts = [
        unlimited(),
        latencies(),
        random_refusals(),
        at_once(),
        rates(),
        quotas(),
        several_clients(),
        changes(),
        classes(),
        memories(),
        short_jobs(),
    ];
    parts.into_iter().flatten().collect()
}

fn unlimited() -> Vec<Scenario> {
    let overload = Work::Overload {
        calls: 8,
        loss: 0.03,
    };
    vec![
        node(),
        node().named("no limit").places(32),
        slow().named("no limit").places(64),
        node().workers(4, None),
        node().workers(4, None).places(32),
        node().workers(4, Some(4)).places(32),
        slow().workers(4, None).places(32),
        node().work(overload).places(32).goal(Goal::Plain),
        node().limit(delay_queue(50.0, 20.0)),
        node().limit(delay_queue(50.0, 4.0)),
        node().limit(delay_queue(50.0, 20.0)).places(32),
    ]
}

fn latencies() -> Vec<Scenario> {
    let mixed = Latency::new(Shape::Uniform(0.2)).fast(0.1, 0.005);
    vec![
        log_normal(),
        log_normal().places(32),
        log_normal().bucket(20.0, 10.0),
        log_normal().at_once(6).places(32),
        exponential(),
        exponential().bucket(30.0, 5.0).no_ra(),
        bimodal(),
        bimodal().places(32),
        bimodal().bucket(50.0, 10.0),
        course(
            0.04,
            LatencyTrend::Step {
                at: 5.0,
                times: 5.0,
            },
        ),
        course(
            0.04,
            LatencyTrend::Drift {
                seconds: 25.0,
                times: 6.25,
            },
        ),
        course(
            0.1,
            LatencyTrend::Wave {
                period: 8.0,
                swing: 0.8,
            },
        ),
        latency(mixed).named("200 ms, 10 % are 409 after 5 ms"),
    ]
}

fn random_refusals() -> Vec<Scenario> {
    vec![
        node().random(0.002).no_ra(),
        node().random(0.01).no_ra(),
        node().random(0.05).no_ra(),
        node().random(0.05).no_ra().places(32),
        node().random(0.002).ra(1.0),
        node().random(0.01).ra(1.0),
        node().random(0.01).ra(1.0).by_503(),
        node().random(0.002).ra(5.0).by_503(),
        node().random(0.02).no_ra().by_503(),
        node().bucket(50.0, 50.0).random(0.01).ra(1.0),
        slow().random(0.01).no_ra().places(32),
        node().refusing(5..=5).ra(10.0),
        node().refusing(500..=507).no_ra(),
    ]
}

fn at_once() -> Vec<Scenario> {
    vec![
        node().at_once(3).by_503().no_ra(),
        node().at_once(3).by_503(),
        node().at_once(6).places(32).no_ra(),
        node().at_once(6).places(32),
        node().at_once(1),
        node().at_once(1).no_ra(),
        node().at_once(2),
        node().at_once(2).by_503().no_ra(),
        node().at_once(3).no_ra(),
        node().at_once(4),
        node().at_once(4).ra(5.0),
        node().at_once(6).no_ra(),
        node().at_once(10).places(32),
        node().at_once(20).places(32).no_ra(),
        node().at_once(20).places(64),
        node().at_once(6).places(32).quick_refusals(),
        slow().at_once(1),
        slow().at_once(2),
        slow().at_once(3).no_ra(),
        slow().at_once(3).places(32),
        node().at_once(6).bucket(60.0, 6.0).places(32),
    ]
}

fn rates() -> Vec<Scenario> {
    vec![
        node().bucket(50.0, 50.0),
        node().bucket(5.0, 100.0),
        node().bucket(50.0, 10.0).by_503().no_ra(),
        node().bucket(50.0, 10.0).by_503(),
        node().bucket(50.0, 1.0),
        node().bucket(50.0, 2.0),
        node().bucket(100.0, 1.0),
        node().bucket(50.0, 10.0),
        node().bucket(50.0, 10.0).places(32),
        node().bucket(50.0, 10.0).ra(5.0),
        node().bucket(50.0, 10.0).ra(10.0),
        node().bucket(50.0, 10.0).ra(0.2),
        node().bucket(50.0, 10.0).retry_after(RetryAfter::Exact),
        node().bucket(50.0, 10.0).no_ra(),
        node().bucket(2.0, 1.0),
        node().bucket(2.0, 5.0).no_ra(),
        node().bucket(5.0, 1.0).no_ra(),
        node().bucket(10.0, 1.0).retry_after(RetryAfter::Exact),
        node().bucket(10.0, 2.0),
        node().bucket(20.0, 5.0),
        node().bucket(20.0, 1.0).places(32).no_ra(),
        node().bucket(100.0, 10.0),
        node().bucket(100.0, 100.0).places(32).no_ra(),
        node().bucket(150.0, 5.0),
        node().bucket(150.0, 50.0).places(32),
        node().bucket(50.0, 10.0).no_ra().quick_refusals(),
        slow().bucket(50.0, 10.0).places(64),
        slow().bucket(100.0, 1.0).places(64),
        node().limit(Rule::window(300, 10.0)),
        node().limit(Rule::window(300, 10.0)).no_ra(),
        node().limit(Rule::window(1000, 10.0)),
        node().limit(Rule::window(20, 1.0)),
        node()
            .limit(Rule::window(20, 1.0))
            .retry_after(RetryAfter::Exact),
        node().limit(sliding(50, 1.0)),
        node().limit(sliding(300, 10.0)),
        node().limit(sliding(50, 1.0)).places(32).no_ra(),
        node().penalty(50, 10.0, false),
        node().penalty(50, 10.0, true).no_ra(),
        node().penalty(50, 3.0, false).no_ra(),
    ]
}

fn quotas() -> Vec<Scenario> {
    let other = |of, seconds| QuotaFields::Other { of, seconds };
    vec![
        node()
            .limit(Rule::window(300, 10.0))
            .told(QuotaFields::Truth),
        node()
            .limit(Rule::window(1000, 10.0))
            .told(QuotaFields::Truth),
        node().limit(Rule::window(20, 1.0)).told(QuotaFields::Truth),
        node().limit(sliding(50, 1.0)).told(QuotaFields::Truth),
        node().bucket(50.0, 10.0).told(QuotaFields::Truth),
        node().bucket(50.0, 10.0).told(QuotaFields::Truth).no_ra(),
        node().bucket(5.0, 100.0).told(QuotaFields::Truth),
        node()
            .quota(10_000.0, 4_000.0, 86_400.0, 36_400.0)
            .rows(3_900),
        node().quota(1_000.0, 1_000.0, 3_600.0, 3_000.0).rows(900),
        node().quota(1_000.0, 200.0, 3_600.0, 20.0).rows(900),
        node().tells(0.0, 1.0),
        node().tells(0.0, 60.0),
        node().tells(0.0, 0.0),
        node().tells(3.0, 30.0),
        node().told(other(100.0, 10.0)),
        node().bucket(50.0, 10.0).told(other(600.0, 60.0)),
    ]
}

fn several_clients() -> Vec<Scenario> {
    vec![
        node().bucket(50.0, 10.0).rival(0.0),
        node().bucket(50.0, 10.0).rival(5.0),
        node().bucket(50.0, 1.0).no_ra().rival(0.0),
        node().limit(Rule::window(300, 10.0)).rival(0.0),
        node().at_once(4).rival(0.0),
        node().at_once(4).no_ra().rival(0.0),
        node().at_once(4).rival(5.0),
        node().at_once(2).no_ra().rival(0.0),
        node().bucket(60.0, 10.0).rival(0.0).rival(5.0),
        node()
            .bucket(50.0, 10.0)
            .rival_of(0.0, Some(ClientKind::Plain)),
        node().at_once(4).rival_of(0.0, Some(ClientKind::Plain)),
    ]
}

fn changes() -> Vec<Scenario> {
    vec![
        node().bucket(50.0, 10.0).becomes(bucket(25.0, 10.0)),
        node().bucket(25.0, 10.0).becomes(bucket(50.0, 10.0)),
        node().bucket(100.0, 10.0).becomes(bucket(10.0, 10.0)),
        node().bucket(10.0, 10.0).becomes(bucket(100.0, 10.0)),
        node()
            .bucket(10.0, 10.0)
            .becomes(bucket(100.0, 10.0))
            .no_ra(),
        node().at_once(6).becomes(Rule::AtOnce(2)),
        node().at_once(6).becomes(Rule::AtOnce(2)).no_ra(),
        node().at_once(2).becomes(Rule::AtOnce(6)),
        node().at_once(2).becomes(Rule::AtOnce(6)).no_ra(),
        node().at_once(1).becomes(Rule::AtOnce(4)).no_ra(),
        node().bucket(20.0, 1.0).becomes(Rule::Unlimited),
        node().at_once(2).becomes(Rule::Unlimited),
        node().limit(Rule::Unlimited).becomes(bucket(30.0, 10.0)),
    ]
}

fn classes() -> Vec<Scenario> {
    let apart = || node().users(bucket(40.0, 10.0)).groups(bucket(2.0, 2.0));
    let then = || node().users(bucket(80.0, 10.0)).groups(bucket(4.0, 2.0));
    vec![
        apart().both(1_000, 48),
        apart().both(1_000, 48).no_ra(),
        then().one_by_one(1_000, 48),
        node().groups(bucket(2.0, 1.0)).both(4_800, 48),
        node().groups(Rule::AtOnce(1)).both(4_400, 550),
        node().bucket(40.0, 10.0).both(950, 50),
        node().bucket(40.0, 10.0).both(500, 500),
        node().at_once(3).both(1_800, 90),
        node().at_once(1).both(590, 40).no_ra(),
        node()
            .users(Rule::AtOnce(2))
            .groups(bucket(2.0, 2.0))
            .both(1_250, 48),
        node().users(bucket(50.0, 10.0)).by_503(),
        node().users(Rule::AtOnce(3)).by_503().no_ra(),
    ]
}

fn memories() -> Vec<Scenario> {
    vec![
        node().memory(1.4),
        node().memory(0.3),
        node().memory(0.002).rows(300),
        node().bucket(50.0, 10.0).memory(2.0),
        node().bucket(50.0, 10.0).memory(50.0),
        node().bucket(50.0, 10.0).memory(500.0),
        node().at_once(3).memory(20.0),
    ]
}

fn short_jobs() -> Vec<Scenario> {
    vec![
        node().named("no limit").short(),
        slow().named("no limit").places(32).short(),
        log_normal().short(),
        node().bucket(50.0, 10.0).short(),
        node().bucket(50.0, 10.0).no_ra().short(),
        node().bucket(50.0, 1.0).short(),
        node().bucket(10.0, 1.0).no_ra().short(),
        node().bucket(5.0, 10.0).short(),
        node().at_once(3).short(),
        node().at_once(1).no_ra().short(),
        node().at_once(6).places(32).short(),
        node().limit(Rule::window(20, 1.0)).short(),
        node().limit(Rule::window(300, 10.0)).short(),
        node().random(0.05).no_ra().short(),
        node().random(0.01).ra(5.0).short(),
        node().penalty(50, 10.0, false).short(),
    ]
}

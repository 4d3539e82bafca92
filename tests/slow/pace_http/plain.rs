//! What anyone would write in an afternoon: some workers, each of which sends a create until it is accepted.
//! After a refusal a worker sleeps for its own `Retry-After`; without one, from 0.2 to 15 s, doubled with each
//! refusal of the same call, and up to a half less. Workers know nothing of each other.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use fastrand::Rng;

/// How long a worker sleeps before it looks again whether everything is over.
const A_WHILE: Duration = Duration::from_millis(100);

/// A call to send.
#[derive(Debug, Clone)]
pub struct Send {
    pub method: &'static str,
    /// From the root: `/scim/v2/Users`.
    pub path: String,
    pub body: String,
}

/// The workers and whom they call.
pub struct Plain<'a> {
    pub port: u16,
    pub workers: usize,
    pub token: &'a str,
    pub seed: u64,
}

struct Reply {
    status: u16,
    retry_after: Option<f64>,
}

impl Plain<'_> {
    /// Sends everything, unless `stop` is set or `until` is over before; gives how many calls were accepted.
    pub fn send_all(
        &self,
        calls: impl Iterator<Item = Send> + std::marker::Send,
        until: Instant,
        stop: &AtomicBool,
    ) -> usize {
        let calls = Mutex::new(calls);
        let is_over = || Instant::now() >= until || stop.load(Ordering::Relaxed);
        let work = |number: usize| {
            let mut rng = Rng::with_seed(self.seed + number as u64);
            let mut connection = None;
            let mut accepted = 0;
            loop {
                let next = calls.lock().unwrap().next();
                let Some(call) = next else {
                    return accepted;
                };
                let mut refused = 0;
                loop {
                    if is_over() {
                        return accepted;
                    }
                    let reply = self.send(&mut connection, &call);
                    if reply
                        .as_ref()
                        .is_some_and(|reply| matches!(reply.status, 200..=299 | 409))
                    {
                        accepted += 1;
                        break;
                    }
                    let doubled = (0.2 * 2_f64.powi(refused)).min(15.0);
                    let back_off = doubled * (0.5 + 0.5 * rng.f64());
                    refused += 1;
                    let wait = reply
                        .and_then(|reply| reply.retry_after)
                        .unwrap_or(back_off);
                    let awake = Instant::now() + Duration::from_secs_f64(wait);
                    while Instant::now() < awake && !is_over() {
                        sleep(A_WHILE.min(awake.saturating_duration_since(Instant::now())));
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.workers)
                .map(|number| scope.spawn(move || work(number)))
                .collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap())
                .sum()
        })
    }

    /// Nothing when the connection broke.
    fn send(&self, connection: &mut Option<BufReader<TcpStream>>, call: &Send) -> Option<Reply> {
        if connection.is_none() {
            let stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
            stream.set_nodelay(true).ok()?;
            *connection = Some(BufReader::new(stream));
        }
        let reply = self.exchange(connection.as_mut()?, call);
        if reply.is_none() {
            *connection = None;
        }
        reply
    }

    fn exchange(&self, connection: &mut BufReader<TcpStream>, call: &Send) -> Option<Reply> {
        let Send { method, path, body } = call;
        let whole = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\nContent-Type: application/scim+json\r\nContent-Length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        connection.get_mut().write_all(whole.as_bytes()).ok()?;
        let mut line = String::new();
        connection.read_line(&mut line).ok()?;
        let status = line.split(' ').nth(1)?.parse().ok()?;
        let (mut length, mut retry_after) = (0, None);
        loop {
            line.clear();
            connection.read_line(&mut line).ok()?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            match &*name.to_ascii_lowercase() {
                "content-length" => length = value.trim().parse().ok()?,
                "retry-after" => retry_after = value.trim().parse().ok(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body).ok()?;
        Some(Reply {
            status,
            retry_after,
        })
    }
}

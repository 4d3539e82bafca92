//! A node on a port of this machine: HTTP/1.1 with keep-alive, a thread for each connection.
//!
//! A call passes the limits, or is refused; it sleeps as long as the service takes; only then it
//! does what it asks for. The node counts what it accepted and refused, second by second.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fastrand::Rng;

use super::directory::{self, Answer, Directory, Request};
use super::limits::{Class, Limit, RetryAfter, Status, number};

/// Below which the node answers.
const BASE: &str = "/scim/v2/";

/// How long it takes to refuse a call.
const REFUSING: f64 = 0.005;

/// The token of someone whose calls are counted apart.
pub const RIVAL: &str = "rival";

/// How long answers take, in seconds.
#[derive(Debug, Clone, Copy)]
pub enum Service {
    /// This, 20 % more or less.
    Around(f64),
    Lognormal {
        median: f64,
        sigma: f64,
    },
    /// A constant part, and an exponential one with this mean.
    Exponential {
        least: f64,
        mean: f64,
    },
    /// This share of all calls is slow; both 20 % more or less.
    Bimodal {
        fast: f64,
        slow: f64,
        share: f64,
    },
    /// One until the second `when`, another after it.
    Step {
        before: f64,
        after: f64,
        when: f64,
    },
    /// From one to the other in the first `over` seconds.
    Drift {
        first: f64,
        last: f64,
        over: f64,
    },
}

impl Service {
    fn sample(self, now: f64, rng: &mut Rng) -> f64 {
        // In (0, 1], for logarithms.
        let share = 1.0 - rng.f64();
        let uneven = |middle: f64| middle * (0.8 + 0.4 * share);
        match self {
            Service::Around(middle) => uneven(middle),
            Service::Lognormal { median, sigma } => {
                let turn = rng.f64() * std::f64::consts::TAU;
                let normal = (-2.0 * share.ln()).sqrt() * turn.cos();
                median * (sigma * normal).exp()
            }
            Service::Exponential { least, mean } => least - mean * share.ln(),
            Service::Bimodal {
                fast,
                slow,
                share: slow_share,
            } => uneven(if rng.f64() < slow_share { slow } else { fast }),
            Service::Step {
                before,
                after,
                when,
            } => uneven(if now < when { before } else { after }),
            Service::Drift { first, last, over } => {
                uneven(first + (last - first) * (now / over).min(1.0))
            }
        }
    }
}

/// What the headers of all answers claim, whatever the limits are.
#[derive(Debug, Clone, Copy)]
pub enum Claim {
    Nothing,
    /// A quota of a day, which has ten hours to go.
    Day {
        quota: usize,
        left: usize,
    },
    /// A quota of an hour, which has just begun, in the headers of the IETF's draft.
    Hour {
        quota: usize,
    },
    NothingLeft,
    /// Nothing is left until a moment that was an hour ago.
    ResetInThePast,
}

impl Claim {
    fn headers(self, calls: usize) -> String {
        let (limit, left, reset) = match self {
            Claim::Nothing => return String::new(),
            Claim::Day { quota, left } => (quota, left.saturating_sub(calls), 36_000),
            Claim::Hour { quota } => {
                let left = quota.saturating_sub(calls);
                return format!(
                    "RateLimit-Policy: \"hour\";q={quota};w=3600\r\nRateLimit: \"hour\";r={left};t=3600\r\n"
                );
            }
            Claim::NothingLeft => (100, 0, 60),
            Claim::ResetInThePast => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH);
                (100, 0, now.map_or(0, |now| now.as_secs() - 3600))
            }
        };
        format!(
            "X-RateLimit-Limit: {limit}\r\nX-RateLimit-Remaining: {left}\r\nX-RateLimit-Reset: {reset}\r\n"
        )
    }
}

/// What kind of node it is.
#[derive(Debug, Clone)]
pub struct Config {
    pub service: Service,
    /// How long a create takes that is refused because the email is taken; else as any other.
    pub taken: Option<f64>,
    pub limits: Vec<Limit>,
    pub claim: Claim,
    /// Users that are there before.
    pub emails: Vec<String>,
    pub groups: usize,
    /// Whether `groups` in a create is obeyed.
    pub joins_on_create: bool,
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            service: Service::Around(0.04),
            taken: None,
            limits: Vec::new(),
            claim: Claim::Nothing,
            emails: Vec::new(),
            groups: 0,
            joins_on_create: true,
            seed: 1,
        }
    }
}

/// What one client did to the node.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Calls that were answered, and calls that were refused, by second.
    pub accepted: Vec<usize>,
    pub refused: Vec<usize>,
    /// By method.
    pub methods: HashMap<String, usize>,
    first: Option<f64>,
    last: f64,
}

impl Tally {
    /// From the first call to the last answer that was no refusal.
    pub fn seconds(&self) -> f64 {
        self.first.map_or(0.0, |first| self.last - first)
    }

    pub fn all_accepted(&self) -> usize {
        self.accepted.iter().sum()
    }

    pub fn all_refused(&self) -> usize {
        self.refused.iter().sum()
    }

    /// The share of all calls that was refused.
    pub fn share_refused(&self) -> f64 {
        let all = self.all_accepted() + self.all_refused();
        number(self.all_refused()) / number(all.max(1))
    }
}

struct State {
    epoch: Option<Instant>,
    rng: Rng,
    limits: Vec<Limit>,
    directory: Directory,
    mine: Tally,
    rivals: Tally,
}

struct Shared {
    config: Config,
    state: Mutex<State>,
    closing: AtomicBool,
}

/// A running node. It closes its port when it is dropped.
pub struct Node {
    shared: Arc<Shared>,
    port: u16,
}

impl Node {
    pub fn start(config: Config) -> Self {
        let mut directory = Directory::new(config.emails.iter().cloned(), config.groups);
        directory.joins_on_create = config.joins_on_create;
        let state = State {
            epoch: None,
            rng: Rng::with_seed(config.seed),
            limits: config.limits.clone(),
            directory,
            mine: Tally::default(),
            rivals: Tally::default(),
        };
        let shared = Arc::new(Shared {
            config,
            state: Mutex::new(state),
            closing: AtomicBool::new(false),
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let for_all = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if for_all.closing.load(Ordering::Relaxed) {
                    break;
                }
                let shared = Arc::clone(&for_all);
                std::thread::spawn(move || shared.serve(&stream));
            }
        });
        Node { shared, port }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!(
            "http://127.0.0.1:{}{}",
            self.port,
            BASE.trim_end_matches('/')
        )
    }

    /// Goes on with other limits, and counts time and calls from nothing.
    pub fn restart(&self, limits: Vec<Limit>) {
        let mut state = self.shared.lock();
        state.limits = limits;
        state.epoch = None;
        state.mine = Tally::default();
        state.rivals = Tally::default();
    }

    pub fn tally(&self) -> Tally {
        self.shared.lock().mine.clone()
    }

    pub fn rivals(&self) -> Tally {
        self.shared.lock().rivals.clone()
    }

    /// Looks at who is there now.
    pub fn look<T>(&self, look: impl Fn(&Directory) -> T) -> T {
        look(&self.shared.lock().directory)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// A call as it came in.
struct Call {
    request: Request,
    class: Class,
    is_rivals: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Answers the calls of one connection, one after the other, until it closes.
    fn serve(&self, stream: &TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut reader = BufReader::new(stream);
        let mut writer = stream;
        while let Some(call) = read(&mut reader) {
            let (answer, headers) = self.answer(&call);
            let Answer { status, body } = answer;
            let length = match status {
                204 => String::new(),
                _ => format!("Content-Length: {}\r\n", body.len()),
            };
            let whole = format!(
                "HTTP/1.1 {status} {}\r\nContent-Type: application/scim+json\r\n{length}{headers}\r\n{body}",
                reason(status)
            );
            if writer.write_all(whole.as_bytes()).is_err() {
                break;
            }
        }
    }

    fn answer(&self, call: &Call) -> (Answer, String) {
        match self.admit(call) {
            Ok(until) => {
                sleep_until(until);
                self.carry_out(call)
            }
            Err((answer, headers)) => {
                sleep(Duration::from_secs_f64(REFUSING));
                (answer, headers)
            }
        }
    }

    /// When a call is to be answered, or how it is refused.
    fn admit(&self, call: &Call) -> Result<Instant, (Answer, String)> {
        let state = &mut *self.lock();
        let epoch = *state.epoch.get_or_insert_with(Instant::now);
        let now = epoch.elapsed().as_secs_f64();
        state.tally(call).note_call(call, now);
        let State { rng, limits, .. } = state;
        let mut refused = None;
        for limit in limits.iter_mut() {
            if let Some(wait) = limit.refuses(call.class, now, rng) {
                refused.get_or_insert((limit.status, limit.retry_after, wait));
            }
        }
        if let Some((status, retry_after, wait)) = refused {
            state.tally(call).note_refused(now);
            let headers = state.headers(self.config.claim, call.class, now);
            let (answer, retry_after) = refusal(status, retry_after, wait);
            return Err((answer, retry_after + &headers));
        }
        let service = match self.config.taken {
            Some(taken) if state.directory.is_taken(&call.request) => taken,
            _ => self.config.service.sample(now, &mut state.rng),
        };
        let ends = state
            .limits
            .iter_mut()
            .map(|limit| limit.enter(call.class, now, service));
        let end = ends.fold(now + service, f64::max);
        Ok(epoch + Duration::from_secs_f64(end))
    }

    fn carry_out(&self, call: &Call) -> (Answer, String) {
        let state = &mut *self.lock();
        let now = state
            .epoch
            .map_or(0.0, |epoch| epoch.elapsed().as_secs_f64());
        for limit in &mut state.limits {
            limit.leave(call.class);
        }
        state.tally(call).note_accepted(now);
        let answer = state.directory.handle(&call.request);
        (answer, state.headers(self.config.claim, call.class, now))
    }
}

impl State {
    fn tally(&mut self, call: &Call) -> &mut Tally {
        if call.is_rivals {
            &mut self.rivals
        } else {
            &mut self.mine
        }
    }

    fn headers(&self, claim: Claim, class: Class, now: f64) -> String {
        let calls = self.mine.methods.values().sum();
        let limits = self.limits.iter().map(|limit| limit.headers(class, now));
        claim.headers(calls) + &limits.collect::<String>()
    }
}

impl Tally {
    fn note_call(&mut self, call: &Call, now: f64) {
        self.first.get_or_insert(now);
        let method = call.request.method.clone();
        *self.methods.entry(method).or_default() += 1;
    }

    fn note_accepted(&mut self, now: f64) {
        self.last = now;
        count(&mut self.accepted, now);
    }

    fn note_refused(&mut self, now: f64) {
        count(&mut self.refused, now);
    }
}

fn count(seconds: &mut Vec<usize>, now: f64) {
    let second = usize::try_from(Duration::from_secs_f64(now).as_secs()).unwrap();
    if seconds.len() <= second {
        seconds.resize(second + 1, 0);
    }
    seconds[second] += 1;
}

fn sleep_until(moment: Instant) {
    sleep(moment.saturating_duration_since(Instant::now()));
}

/// The answer that refuses a call, and its header `Retry-After`.
fn refusal(status: Status, retry_after: RetryAfter, wait: f64) -> (Answer, String) {
    // Of a limit on calls at once nobody knows when there will be room.
    let wait = wait.ceil().max(1.0);
    let answer = match status {
        Status::TooMany => directory::error(429, "Too many requests"),
        Status::Unavailable => directory::error(503, "Service unavailable"),
        Status::Failed => directory::error(500, "Rate limit exceeded, try again later"),
        Status::Throttled => Answer {
            status: 403,
            body: format!(
                r#"{{"error":"throttled","message":"Please try again in {wait} seconds"}}"#
            ),
        },
    };
    let header = match retry_after {
        RetryAfter::Absent => String::new(),
        RetryAfter::Seconds => format!("Retry-After: {wait}\r\n"),
        RetryAfter::Constant(seconds) => format!("Retry-After: {seconds}\r\n"),
    };
    (answer, header)
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Other",
    }
}

/// The next call of a connection; nothing when it was closed, or is no HTTP.
fn read(reader: &mut BufReader<&TcpStream>) -> Option<Call> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut parts = line.split_whitespace();
    let (method, target) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let (mut length, mut is_rivals) = (0, false);
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        match (&*name.to_ascii_lowercase(), value.trim()) {
            ("content-length", value) => length = value.parse().ok()?,
            ("authorization", token) => is_rivals = token.strip_prefix("Bearer ") == Some(RIVAL),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let path = path.strip_prefix(BASE).unwrap_or_default().to_owned();
    let class = match path.split('/').next() {
        Some("Users") => Class::Users,
        Some("Groups") => Class::Groups,
        _ => Class::All,
    };
    let query = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = query.map(|(name, value)| (name.to_owned(), decode(value)));
    let request = Request {
        method,
        path,
        query: query.collect(),
        body: String::from_utf8(body).ok()?,
    };
    Some(Call {
        request,
        class,
        is_rivals,
    })
}

/// Percent-decoded; `+` is a space.
fn decode(text: &str) -> String {
    let text = text.replace('+', " ");
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let code = part
            .get(..2)
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(code.unwrap_or(b'?'));
        bytes.extend(part.bytes().skip(2));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

//! Runs clients on nodes of their own, as many at once as this machine bears, and says how they fared.

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::directory;
use super::limits::number;
use super::node::{Node, RIVAL, Tally};
use super::plain::{Plain, Send};
use super::scenarios::{Rival, Scenario};
use harness::Desk;

/// A client is stopped after so many times the ideal.
const PATIENCE: f64 = 2.2;

/// How many calls a second run at once, reckoned by the ideals: more than these, and two processors of a test
/// machine with an unoptimised program would be the limit. A call of the plain client costs a quarter.
const CALLS_PER_SECOND: f64 = 600.0;

/// The token of whoever is not a rival.
const MINE: &str = "mine";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    Plain,
    Headcount,
}

/// How a client fared.
pub struct Measured {
    /// From the first call to the last that was accepted. Of a client that was stopped, as long as it would have
    /// taken at the pace it had.
    pub seconds: f64,
    /// Whether it came to its end in time.
    pub finished: bool,
    /// Rows that were carried out.
    pub done: usize,
    /// Rows that the results do not call done, or that the node does not have.
    pub lost: usize,
    /// Creates that were sent again after they were accepted.
    pub repeated: usize,
    /// Whether the node kept its own promises.
    pub sound: bool,
    /// What part of the accepted calls was not the rival's, until the first of both came to its end.
    pub share: f64,
    pub tally: Tally,
}

/// What runs now, and what waits for room.
struct Jobs {
    waiting: Vec<(Client, usize)>,
    running: f64,
}

/// Both clients on each node: the plain one, and the program.
pub fn measure_all(scenarios: &[Scenario]) -> Vec<[Measured; 2]> {
    let cost = |client, at: usize| {
        let scenario: &Scenario = &scenarios[at];
        let rate = number(scenario.rows) / scenario.ideal;
        match client {
            Client::Plain => rate / 4.0,
            Client::Headcount => rate,
        }
    };
    let both = |at| [(Client::Headcount, at), (Client::Plain, at)];
    let jobs = Mutex::new(Jobs {
        waiting: (0..scenarios.len()).flat_map(both).collect(),
        running: 0.0,
    });
    let room = Condvar::new();
    // The next that there is room for; nothing when all were begun.
    let next = || {
        let mut jobs = jobs.lock().unwrap();
        loop {
            if jobs.waiting.is_empty() {
                return None;
            }
            let left = CALLS_PER_SECOND - jobs.running;
            let fits = |&(client, at): &(Client, usize)| cost(client, at) <= left;
            if let Some(place) = jobs.waiting.iter().position(fits) {
                let (client, at) = jobs.waiting.remove(place);
                jobs.running += cost(client, at);
                return Some((client, at));
            }
            jobs = room.wait(jobs).unwrap();
        }
    };
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 * scenarios.len() {
            let Some((client, at)) = next() else {
                break;
            };
            let (jobs, room, done) = (&jobs, &room, &done);
            scope.spawn(move || {
                let measured = measure(&scenarios[at], client);
                done.lock().unwrap().push((at, client, measured));
                jobs.lock().unwrap().running -= cost(client, at);
                room.notify_all();
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(at, client, _)| (*at, *client == Client::Headcount));
    let mut done = done.into_iter().map(|(_, _, measured)| measured);
    std::iter::from_fn(|| Some([done.next()?, done.next()?])).collect()
}

/// One client on a node of its own, and its rival if it has one.
pub fn measure(scenario: &Scenario, client: Client) -> Measured {
    let mut config = scenario.node.clone();
    if let Some(every) = scenario.taken_every {
        let taken = (0..scenario.rows).step_by(every);
        config.emails = taken.map(|row| email('p', row)).collect();
    }
    let to_create = scenario.rows - config.emails.len();
    let node = Node::start(config);
    let run = Run {
        scenario,
        node: &node,
        client,
        desk: Desk::at(&node.url()),
        rivals_desk: Desk::at(&node.url()),
        patience: Duration::from_secs_f64(PATIENCE * scenario.ideal),
    };
    if let (Client::Headcount, Some((rows, limit))) = (client, &scenario.before) {
        node.restart(vec![limit.clone()]);
        run.import(&run.desk, MINE, 'b', *rows, Duration::from_mins(1));
        node.restart(scenario.node.limits.clone());
    }
    let stop = AtomicBool::new(false);
    let finished = std::thread::scope(|scope| {
        let rival = scope.spawn(|| run.rival(&stop));
        let finished = run.client(MINE, &stop);
        if matches!(scenario.rival, Rival::Plain { .. }) {
            stop.store(true, Ordering::Relaxed);
        }
        rival.join().unwrap() && finished
    });
    let (tally, rivals) = (node.tally(), node.rivals());
    let mut measured = node.look(|directory| Measured {
        seconds: tally.seconds(),
        finished,
        done: match scenario.node.groups {
            0 => directory.created_like('p'),
            _ => directory.memberships().min(directory.created_like('p')),
        },
        lost: 0,
        repeated: directory.repeated,
        sound: directory.is_sound(),
        share: share(&tally, &rivals),
        tally: tally.clone(),
    });
    if scenario.rival == Rival::Same {
        measured.seconds = measured.seconds.max(rivals.seconds());
    }
    if !finished {
        // What was not tried in time is not lost.
        let created = match scenario.rival {
            Rival::Same => usize::midpoint(
                measured.done,
                node.look(|directory| directory.created_like('r')),
            ),
            _ => measured.done,
        };
        measured.seconds = run.patience.as_secs_f64() * number(to_create) / number(created.max(1));
    } else if client == Client::Headcount {
        measured.lost =
            lost_rows(&run.desk, 'p', scenario.rows).max(to_create.saturating_sub(measured.done));
        if scenario.rival == Rival::Same {
            measured.lost += lost_rows(&run.rivals_desk, 'r', scenario.rows);
        }
    }
    measured
}

/// Everything that a client needs for one scenario.
struct Run<'a> {
    scenario: &'a Scenario,
    node: &'a Node,
    client: Client,
    desk: Desk,
    rivals_desk: Desk,
    patience: Duration,
}

impl Run<'_> {
    /// Whether the client came to its end in time.
    fn client(&self, token: &str, stop: &AtomicBool) -> bool {
        let rows = self.scenario.rows;
        let (desk, people) = match token {
            RIVAL => (&self.rivals_desk, 'r'),
            _ => (&self.desk, 'p'),
        };
        match self.client {
            Client::Headcount => self.import(desk, token, people, rows, self.patience),
            Client::Plain => {
                let until = Instant::now() + self.patience;
                let plain = self.plain(token, self.scenario.concurrency);
                let calls = (0..rows).map(|row| create(people, row));
                let created = plain.send_all(calls, until, stop);
                let joined = plain.send_all(self.joins().into_iter(), until, stop);
                created == rows && joined == self.scenario.node.groups
            }
        }
    }

    /// Whether the rival came to its end, if it has one.
    fn rival(&self, stop: &AtomicBool) -> bool {
        match self.scenario.rival {
            Rival::Nobody => true,
            Rival::Same => self.client(RIVAL, stop),
            Rival::Plain { workers } => {
                let until = Instant::now() + self.patience;
                let creates = (0..).map(|row| create('r', row));
                self.plain(RIVAL, workers).send_all(creates, until, stop);
                true
            }
        }
    }

    fn plain<'a>(&self, token: &'a str, workers: usize) -> Plain<'a> {
        Plain {
            port: self.node.port(),
            workers,
            token,
            seed: if token == RIVAL { 100 } else { 200 },
        }
    }

    /// The calls that put everyone in the groups of their rows.
    fn joins(&self) -> Vec<Send> {
        let groups = self.scenario.node.groups;
        let per_group = self.scenario.rows / groups.max(1);
        let join = |group: usize| {
            let rows = group * per_group..(group + 1) * per_group;
            let members = rows.filter_map(|row| {
                let id = self
                    .node
                    .look(|directory| directory.id_of(&email('p', row)))?;
                Some(format!(r#"{{"value":"{id}"}}"#))
            });
            let members = members.collect::<Vec<_>>().join(",");
            Send {
                method: "PATCH",
                path: format!("/scim/v2/Groups/{}", directory::id(group)),
                body: format!(
                    r#"{{"Operations":[{{"op":"add","path":"members","value":[{members}]}}]}}"#
                ),
            }
        };
        (0..groups).map(join).collect()
    }

    /// Whether the program came to its end in time with so many people of this letter.
    fn import(
        &self,
        desk: &Desk,
        token: &str,
        letter: char,
        rows: usize,
        patience: Duration,
    ) -> bool {
        let file = format!("{letter}.csv");
        desk.file(&file, people(letter, rows, self.scenario.node.groups));
        let log = std::fs::File::create(desk.path("stderr.txt")).unwrap();
        let concurrency = self.scenario.concurrency.to_string();
        let args = [
            "import",
            &file,
            "--on-conflict",
            "skip",
            "--concurrency",
            &concurrency,
        ];
        let mut command = desk.command(&args);
        command
            .env("HEADCOUNT_TOKEN", token)
            .stdout(Stdio::null())
            .stderr(log);
        wait(command.spawn().unwrap(), Instant::now() + patience)
    }
}

/// What part of the calls was accepted from the first of these, until the first of both came to its end.
fn share(mine: &Tally, rivals: &Tally) -> f64 {
    let seconds = mine.accepted.len().min(rivals.accepted.len().max(1));
    let sum = |tally: &Tally| number(tally.accepted.iter().take(seconds).sum());
    sum(mine) / (sum(mine) + sum(rivals)).max(1.0)
}

fn email(letter: char, row: usize) -> String {
    format!("{letter}{row}@example.com")
}

/// A spreadsheet of so many people. Those of one group stand together.
fn people(letter: char, rows: usize, groups: usize) -> String {
    let lines = (0..rows).map(|row| {
        let team = match groups {
            0 => String::new(),
            _ => format!("Team {}", row * groups / rows),
        };
        format!("{},First{row},Last{row},{team}\n", email(letter, row))
    });
    "email,first_name,last_name,teams\n".to_owned() + &lines.collect::<String>()
}

/// The call that creates the person of a row.
pub fn create(letter: char, row: usize) -> Send {
    Send {
        method: "POST",
        path: "/scim/v2/Users".to_owned(),
        body: format!(
            r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"{}","displayName":"First{row} Last{row}","name":{{"givenName":"First{row}","familyName":"Last{row}"}}}}"#,
            email(letter, row)
        ),
    }
}

/// Whether it came to its end before; it is killed else.
fn wait(mut child: Child, until: Instant) -> bool {
    while Instant::now() < until {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    false
}

/// Rows that the results do not call done; without results nobody knows of any.
fn lost_rows(desk: &Desk, letter: char, rows: usize) -> usize {
    let name = format!("{letter}.results.csv");
    if !desk.path(&name).exists() {
        return rows;
    }
    let done = |outcome: &str| matches!(outcome, "created" | "exists");
    let results = desk.rows(&name);
    let done = results.iter().filter(|row| done(&row["result_outcome"]));
    rows.saturating_sub(done.count())
}

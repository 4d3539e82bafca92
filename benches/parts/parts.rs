//! What the parts of a run cost, each on its own: rows understood, work planned, bodies made, answers and pages read.
//!
//! `cargo bench --package parts` prints rows, people or users a second, at the end as a table; `-- page` looks only at
//! what has that in its name. The people are those of the sandbox, with names as people have them, and what a node says
//! is what the sandbox said.

#[path = "../support/client.rs"]
mod client;
#[path = "../support/machine.rs"]
mod machine;
mod measured;

use std::borrow::Cow;
use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

use criterion::{BatchSize, Criterion, Throughput};
use headcount::attribute::Attribute;
use headcount::directory::{AccountLookup, Teams};
use headcount::plan::{self, Memberships, PlannedOperation};
use headcount::roster::{self, Action, Change, Roster};
use headcount::sandbox::{Options, Sandbox};
use headcount::scim::{Client, Raw, RequestTarget, User};
use headcount::sheet::{Cell, Format, Reading, Writer};
use headcount::transport::{Pace, RateSetting};
use reqwest::Method;

/// How many people there are.
const PEOPLE: usize = 10_000;

/// How many users a node gives in a page.
const PAGE: usize = 500;

/// How many people are shared out over calls at once: as many as a run has in its window.
const WINDOW: usize = 8_192;

/// How many are named in one change of a group.
const BATCH: usize = 100;

fn main() {
    let world = World::load();
    let begun = SystemTime::now();
    println!("{}\n", machine::facts());
    let mut criterion = Criterion::default().configure_from_args();
    rows(&mut criterion, &world);
    planning(&mut criterion, &world);
    sharing(&mut criterion);
    bodies(&mut criterion, &world);
    answers(&mut criterion, &world);
    criterion.final_summary();
    println!("\n{}", measured::table(begun));
}

/// Rows of a spreadsheet become changes; and the check of the whole file, which comes first.
fn rows(criterion: &mut Criterion, world: &World) {
    let mut group = criterion.benchmark_group("row to change");
    group.throughput(elements(PEOPLE));
    for (action, text) in [
        (Action::Create, joiners(&world.users)),
        (Action::Update, changed(&world.users)),
        (Action::Lock, leavers(&world.users)),
    ] {
        let roster = roster(&text, action);
        group.bench_function(action.to_string(), |bench| {
            bench.iter(|| {
                for entry in roster.entries().expect("a copy") {
                    black_box(entry.expect("a row").change.expect("a good row"));
                }
            });
        });
        group.bench_function(format!("{action}, the check before"), |bench| {
            bench.iter(|| roster.check(&mut |problem| panic!("{problem}")));
        });
    }
}

/// A change and what the node holds become work.
fn planning(criterion: &mut Criterion, world: &World) {
    let mut group = criterion.benchmark_group("plan");
    group.throughput(elements(PEOPLE));
    let creates: fn(&PlannedOperation) -> bool =
        |planned| matches!(planned, PlannedOperation::Create(_));
    for (name, text, action, is_right) in [
        ("create", joiners(&world.users), Action::Create, creates),
        ("update", changed(&world.users), Action::Update, |planned| {
            matches!(planned, PlannedOperation::Patch(_))
        }),
        (
            "nothing to do",
            joiners(&world.users),
            Action::Upsert,
            |planned| matches!(planned, PlannedOperation::Nothing { .. }),
        ),
        // Some are locked already.
        ("lock", leavers(&world.users), Action::Lock, |planned| {
            matches!(
                planned,
                PlannedOperation::Patch(_) | PlannedOperation::Nothing { .. }
            )
        }),
    ] {
        let changes = world.changes(&text, action);
        for (change, lookup) in &changes {
            let planned = plan::plan(change, lookup, &world.teams);
            assert!(is_right(&planned), "{name}: {planned:?}");
        }
        group.bench_function(name, |bench| {
            bench.iter(|| {
                for (change, lookup) in &changes {
                    black_box(plan::plan(change, lookup, &world.teams));
                }
            });
        });
    }
}

/// People who only join groups are shared out over calls.
fn sharing(criterion: &mut Criterion) {
    let groups: Vec<String> = (0..24).map(|n| format!("6111072051200{n:02}")).collect();
    // Where each person's groups begin among these, and how many they are.
    let few = |n: usize| n % 3..n % 3 + 3;
    let many = |n: usize| n % 20..n % 20 + 1 + n % 4;
    let mut group = criterion.benchmark_group("share");
    group.throughput(elements(WINDOW));
    for (name, joins) in [
        ("3 teams each, of 5", &few as &dyn Fn(usize) -> Range<usize>),
        ("1 to 4 teams each, of 24", &many),
    ] {
        let people: Vec<Memberships<'_>> = (0..WINDOW)
            .map(|n| Memberships {
                join: &groups[joins(n)],
                leave: &[],
            })
            .collect();
        group.bench_function(name, |bench| {
            bench.iter(|| plan::alone(black_box(&people), BATCH));
        });
    }
}

/// Work becomes the bytes that are sent.
fn bodies(criterion: &mut Criterion, world: &World) {
    let mut group = criterion.benchmark_group("body");
    group.throughput(elements(PEOPLE));
    for (name, text, action) in [
        ("POST", joiners(&world.users), Action::Create),
        ("PATCH", changed(&world.users), Action::Update),
    ] {
        let changes = world.changes(&text, action);
        let planned: Vec<PlannedOperation> = changes
            .iter()
            .map(|(change, lookup)| plan::plan(change, lookup, &world.teams))
            .collect();
        group.bench_function(name, |bench| {
            bench.iter(|| {
                for planned in &planned {
                    black_box(body(planned));
                }
            });
        });
    }
}

fn body(planned: &PlannedOperation) -> Vec<u8> {
    let body = match planned {
        PlannedOperation::Create(user) => serde_json::to_vec(user),
        PlannedOperation::Patch(account_patch) => serde_json::to_vec(&account_patch.patch()),
        PlannedOperation::Delete { .. }
        | PlannedOperation::Nothing { .. }
        | PlannedOperation::Impossible(_) => {
            panic!("nothing is sent for {planned:?}")
        }
    };
    body.expect("strings and booleans")
}

/// What a node says becomes users, and these become rows, as an export does it.
fn answers(criterion: &mut Criterion, world: &World) {
    let mut group = criterion.benchmark_group("answer");
    group.throughput(elements(1));
    group.bench_function("one user read", |bench| {
        bench.iter(|| black_box(&world.answer).resource::<User>());
    });
    group.throughput(elements(PAGE));
    group.bench_function("page of 500 users read", |bench| {
        bench.iter_with_large_drop(|| black_box(&world.page).page::<User>());
    });
    let users = &world.users[..PAGE];
    group.bench_function("page of 500 users written as CSV", |bench| {
        bench.iter_batched(
            || Vec::with_capacity(PAGE * 200),
            |to| export(users, to),
            BatchSize::SmallInput,
        );
    });
}

fn export(users: &[User], to: Vec<u8>) -> Vec<u8> {
    let header = "id,email,first_name,last_name,display_name,external_id,active,teams";
    let header: Vec<String> = header.split(',').map(str::to_owned).collect();
    let mut writer = Writer::new(to, Format::Csv, &header).expect("memory");
    for user in users {
        let groups = user.groups.iter().flatten();
        let teams = groups.filter_map(|group| group.display.as_deref());
        let teams: Vec<_> = teams.map(Cow::from).collect();
        let cells = [
            Cell::Text(&user.id),
            cell(user.texts.get(Attribute::UserName)),
            cell(user.texts.get(Attribute::GivenName)),
            cell(user.texts.get(Attribute::FamilyName)),
            cell(user.texts.get(Attribute::DisplayName)),
            cell(user.texts.get(Attribute::ExternalId)),
            user.active.map_or(Cell::Empty, Cell::Flag),
            Cell::List(&teams),
        ];
        writer.row(&cells).expect("memory");
    }
    writer.finish().expect("memory")
}

fn cell(text: Option<&str>) -> Cell<'_> {
    text.map_or(Cell::Empty, Cell::Text)
}

/// What there is before anything is measured.
struct World {
    /// What the node answers when it is asked for one user.
    answer: Raw,
    page: Raw,
    users: Vec<User>,
    teams: Teams,
}

impl World {
    fn load() -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
        runtime.block_on(async {
            let options = Options {
                users: PEOPLE,
                page_max: PEOPLE,
                token: Some(client::TOKEN.to_owned()),
                ..Options::default()
            };
            let node = Sandbox::start(options).await.expect("the sandbox starts");
            let client =
                client::client(&node.base_url(), Arc::new(Pace::new(1, RateSetting::Auto)));
            let all = ask(&client, &users_from_the_first(PEOPLE)).await;
            let users = all.page::<User>().expect("a page").resources;
            let world = World {
                answer: ask(&client, &RequestTarget::new(&["Users", &users[0].id])).await,
                page: ask(&client, &users_from_the_first(PAGE)).await,
                users,
                teams: Teams::list(&client, None).await.expect("a list"),
            };
            node.stop().await;
            world
        })
    }

    /// What rows ask for, and the accounts that they are about.
    fn changes(&self, text: &str, action: Action) -> Vec<(Change, AccountLookup)> {
        let entries = roster(text, action).entries().expect("a copy");
        let changes = entries.map(|entry| entry.expect("a row").change.expect("a good row"));
        let holders = self.users.iter().cloned().map(Box::new);
        changes.zip(holders.map(AccountLookup::Account)).collect()
    }
}

fn users_from_the_first(count: usize) -> RequestTarget {
    RequestTarget::new(&["Users"]).with("count", &count.to_string())
}

async fn ask(client: &Client, target: &RequestTarget) -> Raw {
    let answer = client.ask(Method::GET, target, None).await;
    answer.expect("the node answers")
}

fn roster(text: &str, default_action: Action) -> Roster {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("people.csv");
    std::fs::write(&file, text).expect("a disk");
    let options = roster::Options {
        default_action,
        forced_action: false,
        map: Vec::new(),
    };
    Roster::open(&file, &Reading::default(), options).expect("a good file")
}

/// Everybody as new people, as an HR system writes them.
fn joiners(users: &[User]) -> String {
    let header = "Employee ID,First Name,Last Name,Work Email,Department,Teams,Start Date";
    table(header, users, |user| {
        [
            shown(user.texts.get(Attribute::ExternalId)),
            shown(user.texts.get(Attribute::GivenName)),
            shown(user.texts.get(Attribute::FamilyName)),
            shown(user.texts.get(Attribute::UserName)),
            "Engineering".to_owned(),
            teams(user),
            "2026-12-01".to_owned(),
        ]
    })
}

/// Everybody married, and in one team more.
fn changed(users: &[User]) -> String {
    let header = "email,first_name,last_name,display_name,external_id,teams,comment";
    table(header, users, |user| {
        let (first, last) = (
            shown(user.texts.get(Attribute::GivenName)),
            shown(user.texts.get(Attribute::FamilyName)),
        );
        [
            shown(user.texts.get(Attribute::UserName)),
            String::new(),
            format!("{last}-Baker"),
            format!("{first} {last}-Baker"),
            String::new(),
            "Legal".to_owned(),
            "married".to_owned(),
        ]
    })
}

/// Everybody on a list of those who leave.
fn leavers(users: &[User]) -> String {
    table("Name,Email,Last Day", users, |user| {
        [
            format!(
                "{}, {}",
                shown(user.texts.get(Attribute::FamilyName)),
                shown(user.texts.get(Attribute::GivenName))
            ),
            shown(user.texts.get(Attribute::UserName)),
            "2026-12-31".to_owned(),
        ]
    })
}

fn table<const N: usize>(
    header: &str,
    users: &[User],
    row: impl Fn(&User) -> [String; N],
) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header.split(',')).expect("memory");
    for user in users {
        writer.write_record(row(user)).expect("memory");
    }
    String::from_utf8(writer.into_inner().expect("memory")).expect("it is text")
}

fn shown(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

fn teams(user: &User) -> String {
    let groups = user.groups.iter().flatten();
    let names = groups.filter_map(|group| group.display.clone());
    // Roles have a column of their own.
    let teams: Vec<String> = names.filter(|name| !name.starts_with("ROLE_")).collect();
    teams.join(";")
}

fn elements(count: usize) -> Throughput {
    Throughput::Elements(count as u64)
}

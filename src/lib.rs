//! `headcount` takes a spreadsheet of people and brings a Keeper node in line with it over SCIM 2.0: it
//! creates, updates, locks and unlocks users and assigns teams, many rows at once, never faster than
//! the node allows, and returns the same spreadsheet with the result of every row. It also exports all
//! users of a node.
//!
//! A row goes through in one direction. Each arrow is a type that one module makes and the next takes:
//!
//! ```text
//!  file ──sheet──▶ Row ──roster──▶ Change ──plan──▶ PlannedOperation ──run──▶ Outcome ──report──▶ results
//!                                     ▲                    │   ▲
//!                                 directory ◀──────────────┘   └── scim ── transport ── node
//! ```
//!
//! | module | what belongs there |
//! |---|---|
//! | [`cli`] | the command line: one file a command; parses, calls the library, prints |
//! | `job` | one file carried out on its nodes, and runs continued, retried and undone; knows neither the command line nor a terminal |
//! | [`attribute`] | the table of a user's text attributes: what SCIM and a spreadsheet call each |
//! | [`settings`] | which node, which token |
//! | [`sheet`] | spreadsheets in and out: format, dialect, header, formula-safe writing |
//! | [`roster`] | what a row means: columns, cell rules, validation; row to [`roster::Change`] |
//! | [`scim`] | the protocol: typed resources, one method an endpoint, paging. Knows no rows |
//! | [`transport`] | one HTTP client: rate limit, concurrency limit, what may be sent again, circuit breaker, redaction |
//! | [`directory`] | what the node holds now: people and teams, in the fewest calls |
//! | [`plan`] | change + directory to [`plan::PlannedOperation`]: pure functions |
//! | `guard` | limits that stop a run before it does harm |
//! | `histogram` | how long things took, in a fixed number of counts |
//! | [`run`] | the engine: one loop that owns every row, one person's rows in order, batches, bulk requests, stopping; emits [`run::Event`]s |
//! | [`ledger`] | the durable record of a run: what may have been sent, what became of it, what was there before |
//! | [`spec`] | what a job is asked to do, as plans and ledgers keep it |
//! | `preview` | what a run would do: lines, plan files |
//! | [`report`] | listens to events: progress, summary, results file; problems put together |
//! | `inspect` | a file looked at and not carried out: what was understood, what is wrong |
//! | `export` | what the node holds, as rows of a spreadsheet |
//! | `template` | example spreadsheets to fill in |
//! | `doctor` | looks at a node by reading only, and says what it found and what to fix |
//! | `request` | one call as it stands: its body checked, its answer made readable, the same for a shell |
//! | `teams` | teams and roles made and deleted, each once |
//! | `links` | links of the file system: what a name stands for |
//! | `private` | files and folders that only their owner may look into |
//! | `threads` | threads that last as long as a run, or an error |
//! | `wording` | numbers, times and slips of the pen, in words for people |
//! | [`sandbox`] | a Keeper-like node on loopback over real HTTP: a crate of its own, so that it shares nothing |
//!
//! Imports point down the picture: `scim` and `transport` know nothing of spreadsheets, `sheet` and
//! `roster` nothing of HTTP, `report` nothing of how rows are run.
//!
//! Public is what tests and benches need. Of the other modules the compiler says what nobody uses.

pub mod attribute;
pub mod cli;
pub mod directory;
pub mod ledger;
pub mod plan;
pub mod report;
pub mod roster;
pub mod run;
pub mod scim;
pub mod settings;
pub mod sheet;
pub mod spec;
pub mod transport;

mod doctor;
mod export;
mod guard;
mod histogram;
mod inspect;
mod job;
mod links;
mod preview;
mod private;
mod request;
mod teams;
mod template;
mod threads;
mod wording;

pub use headcount_sandbox as sandbox;

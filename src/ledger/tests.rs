//! What is written into a book is what is read from it.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::{About, Chain, History, RowSet, RunId, RunKind, RunRecord, RunState, RunStore};
use crate::roster::Action;
use crate::run::{Before, Note, Outcome, PriorAccount, PriorState, Proof, Verdict};
use crate::sheet::RowNumber;
use crate::spec::{ImportSpec, InputFile};

fn about() -> About {
    About {
        version: About::VERSION,
        kind: RunKind::Import,
        begun: Timestamp::from_second(1_800_000_000).unwrap(),
        input: InputFile {
            path: "people.csv".into(),
            sha256: "abc".into(),
        },
        import: ImportSpec::new(Action::Create),
        nodes: Vec::new(),
        node_ref: serde_json::Value::Null,
        rows: 4,
        results: "people.results.csv".into(),
        max_errors: None,
    }
}

fn begun(run_store: &RunStore) -> RunRecord {
    let input = &b"email\na@x.com\n"[..];
    run_store
        .begin(&about(), input, std::iter::empty())
        .unwrap()
}

fn sent(row: u64, before: Before) -> Note {
    Note::MayBeSent {
        row: RowNumber(row),
        node: 0,
        at: Timestamp::from_second(1_800_000_000 + i64::try_from(row).unwrap()).unwrap(),
        node_time: Some(1_700_000_000 + i64::try_from(row).unwrap()),
        before,
        written: oneshot::channel().0,
    }
}

fn settled(row: u64, verdict: Verdict) -> Note {
    Note::Settled {
        row: RowNumber(row),
        action: None,
        outcome: Box::new(Outcome::new(verdict).status(201)),
    }
}

fn account(id: &str) -> Before {
    Before::Account(PriorAccount {
        id: id.to_owned(),
        ..PriorAccount::default()
    })
}

fn before(record: &RunRecord, row: u64) -> Option<Before> {
    let rows = record.rows(RowNumber(row), 1).unwrap();
    rows.into_iter().next().and_then(|row| row.before)
}

#[test]
fn a_row_is_in_doubt_between_its_two_notes() {
    let folder = tempfile::tempdir().unwrap();
    let run_store = RunStore::at(Some(folder.path())).unwrap();
    let mut record = begun(&run_store);
    record
        .write(&[sent(2, Before::nobody()), sent(3, Before::nobody())])
        .unwrap();
    record
        .write(&[settled(2, Verdict::Created), settled(5, Verdict::Failed)])
        .unwrap();
    let counts = record.counts().unwrap();
    assert_eq!((counts.sent, counts.in_doubt), (2, 1));
    assert_eq!((counts.done(), counts.not_done(4)), (1, 3));
    assert_eq!(record.state().unwrap(), RunState::Open);
    record.end(Some("interrupted")).unwrap();
    assert!(
        matches!(record.state().unwrap(), RunState::Stopped { why, .. } if why == "interrupted")
    );
    record.begin_again().unwrap();
    assert_eq!(record.state().unwrap(), RunState::Open);
    let mut input = Vec::new();
    record.copy_input(&mut input).unwrap();
    assert_eq!(input, b"email\na@x.com\n");
}

#[test]
fn what_was_there_first_stays_and_a_newcomer_may_turn_out_to_be_somebody() {
    let folder = tempfile::tempdir().unwrap();
    let run_store = RunStore::at(Some(folder.path())).unwrap();
    let mut record = begun(&run_store);
    record
        .write(&[sent(2, account("first")), sent(2, account("second"))])
        .unwrap();
    assert_eq!(before(&record, 2), Some(account("first")));
    record
        .write(&[sent(3, Before::nobody()), sent(3, account("adopted"))])
        .unwrap();
    assert_eq!(before(&record, 3), Some(account("adopted")));
    let first = record.rows(RowNumber(2), 1).unwrap().remove(0);
    assert_eq!(first.node_time, Some(1_700_000_002));
    let since = first.sent_at;
    assert_eq!(since.map(Timestamp::as_second), Some(1_800_000_002));
}

#[test]
fn a_run_that_goes_on_knows_who_is_done_and_who_is_in_doubt() {
    let folder = tempfile::tempdir().unwrap();
    let run_store = RunStore::at(Some(folder.path())).unwrap();
    let mut record = begun(&run_store);
    record
        .write(&[
            sent(2, Before::nobody()),
            settled(2, Verdict::Created),
            sent(3, Before::nobody()),
            settled(4, Verdict::NotAttempted),
        ])
        .unwrap();
    let history = History::of_resumed(&record).unwrap();
    let done = (2..=5).map(|row| history.is_done(RowNumber(row)));
    assert_eq!(done.collect::<Vec<_>>(), [true, false, false, false]);
    assert!(history.is_unclean());
}

/// What says that a row may have been sent, if it is to be looked for.
fn proof(record: &RunRecord, row: u64) -> Option<Proof> {
    let written = record.rows(RowNumber(row), 1).unwrap().into_iter().next();
    let written = written.filter(|written| written.number == RowNumber(row));
    match History::of_resumed(record)
        .unwrap()
        .prior_state(RowNumber(row), written)
    {
        PriorState::InDoubt(doubt) => Some(doubt.proof),
        PriorState::Fresh => None,
        PriorState::Settled(_) => panic!("row {row} is done with"),
    }
}

#[test]
fn only_what_is_written_down_says_that_a_row_may_have_been_sent() {
    let folder = tempfile::tempdir().unwrap();
    let run_store = RunStore::at(Some(folder.path())).unwrap();
    let mut record = begun(&run_store);
    record
        .write(&[
            sent(2, Before::nobody()),
            sent(3, Before::nobody()),
            settled(3, Verdict::Unknown),
            sent(4, Before::nobody()),
            settled(4, Verdict::NotAttempted),
            settled(5, Verdict::NotAttempted),
        ])
        .unwrap();
    // It was killed: the last notes may be lost.
    let all = |record: &RunRecord| [2, 3, 4, 5, 6].map(|row| proof(record, row));
    let (noted, missing) = (Some(Proof::Noted), Some(Proof::Missing));
    assert_eq!(all(&record), [noted, noted, missing, missing, missing]);
    // It went on and stopped in good order, and has not looked for everybody.
    record.begin_again().unwrap();
    record
        .write(&[
            settled(2, Verdict::Unknown),
            settled(6, Verdict::NotAttempted),
        ])
        .unwrap();
    record.keep_calls("some").unwrap();
    record.end(Some("interrupted")).unwrap();
    assert_eq!(all(&record), [noted, noted, missing, missing, missing]);
    // One that was not sent is about to be sent after all.
    record.begin_again().unwrap();
    record.write(&[sent(4, Before::nobody())]).unwrap();
    assert_eq!(proof(&record, 4), noted);
    assert_eq!(record.counts().unwrap().in_doubt, 1);
}

#[test]
fn a_run_that_stopped_in_good_order_has_lost_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run_store = RunStore::at(Some(folder.path())).unwrap();
    let mut record = begun(&run_store);
    record
        .write(&[
            settled(2, Verdict::NotAttempted),
            // It was announced, and the run stopped before it was sent.
            sent(3, Before::nobody()),
            settled(3, Verdict::NotAttempted),
            sent(4, Before::nobody()),
            settled(4, Verdict::Unknown),
        ])
        .unwrap();
    record.keep_calls("some").unwrap();
    record.end(Some("interrupted")).unwrap();
    let all = [2, 3, 4].map(|row| proof(&record, row));
    assert_eq!(all, [None, None, Some(Proof::Noted)]);
}

#[test]
fn runs_are_found_by_their_beginning_and_kept_apart() {
    let folder = tempfile::tempdir().unwrap();
    let run_store = RunStore::at(Some(folder.path())).unwrap();
    assert!(run_store.runs().unwrap().is_empty());
    // Both begin in the same millisecond.
    let (one, other) = (begun(&run_store), begun(&run_store));
    assert_ne!(one.id(), other.id());
    let ids: Vec<RunId> = run_store.runs().unwrap();
    assert_eq!(ids, [other.id().clone(), one.id().clone()]);
    assert_eq!(&run_store.find(one.id().as_str()).unwrap(), one.id());
    let day = &one.id().as_str()[..10];
    let error = run_store.find(day).unwrap_err().to_string();
    assert!(error.contains(one.id().as_str()), "{error}");
    assert!(run_store.find("1999").is_err());
    assert!(run_store.is_going(one.id()));
    assert!(run_store.open(one.id()).is_err(), "somebody writes it");
    let id = one.id().clone();
    drop(one);
    assert!(!run_store.is_going(&id));
    run_store.remove(&id).unwrap();
    assert_eq!(run_store.runs().unwrap(), [other.id().clone()]);
}

#[test]
fn looking_whether_a_run_is_going_keeps_nobody_from_it() {
    use std::sync::atomic::{AtomicBool, Ordering};

    let folder = tempfile::tempdir().unwrap();
    let run_store = RunStore::at(Some(folder.path())).unwrap();
    let id = begun(&run_store).id().clone();
    let over = AtomicBool::new(false);
    let until_over = |look: &dyn Fn()| {
        while !over.load(Ordering::Relaxed) {
            look();
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                until_over(&|| {
                    let _ = run_store.is_going(&id);
                });
            });
        }
        scope.spawn(|| until_over(&|| drop(run_store.read(&id).unwrap().counts().unwrap())));
        let opened = || run_store.open(&id).map(|(_, recovered)| recovered);
        let all: Vec<_> = (0..50).map(|_| opened()).collect();
        over.store(true, Ordering::Relaxed);
        for recovered in all {
            assert!(!recovered.unwrap(), "a record that is read is not damaged");
        }
    });
    assert!(!run_store.is_going(&id));
}

#[test]
fn only_looking_at_a_lock_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run_store = RunStore::at(Some(folder.path())).unwrap();
    let record = begun(&run_store);
    let lock = folder.path().join(format!("runs/{}.lock", record.id()));
    let who = std::fs::read(&lock).unwrap();
    assert!(run_store.is_going(record.id()) && run_store.is_going(record.id()));
    assert_eq!(std::fs::read(&lock).unwrap(), who);
    let id = record.id().clone();
    drop(record);
    // One who looks is not taken for a run by another one.
    let looks = std::fs::File::open(&lock).unwrap();
    looks.lock_shared().unwrap();
    assert!(!run_store.is_going(&id));
    drop(looks);
    std::fs::remove_file(&lock).unwrap();
    assert!(!run_store.is_going(&id));
    assert!(!lock.exists());
}

#[test]
fn what_a_report_needs_is_kept_for_each_part_of_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let run_store = RunStore::at(Some(folder.path())).unwrap();
    let mut record = begun(&run_store);
    let took = Some(Duration::from_millis(1_234));
    record
        .write(&[Note::Settled {
            row: RowNumber(2),
            action: None,
            outcome: Box::new(Outcome {
                took,
                ..Outcome::new(Verdict::Created)
            }),
        }])
        .unwrap();
    record.keep_calls("first").unwrap();
    record.end(Some("interrupted")).unwrap();
    record.begin_again().unwrap();
    record.keep_calls("second").unwrap();
    let parts = record.parts().unwrap();
    assert_eq!(parts[0].begun, about().begun);
    let calls = parts.iter().map(|part| part.calls.as_deref());
    assert_eq!(calls.collect::<Vec<_>>(), [Some("first"), Some("second")]);
    let outcome = record.rows(RowNumber(2), 1).unwrap().remove(0).outcome;
    assert_eq!(outcome.unwrap().took, took);
}

#[test]
fn only_accounts_that_the_run_is_proven_to_have_made_are_locked() {
    let folder = tempfile::tempdir().unwrap();
    let run_store = RunStore::at(Some(folder.path())).unwrap();
    let mut record = begun(&run_store);
    let made = |row: u64, status: u16, proven| Note::Settled {
        row: RowNumber(row),
        action: None,
        outcome: Box::new(Outcome {
            proven,
            ..Outcome::new(Verdict::Created)
                .status(status)
                .user(format!("u-{row}"))
        }),
    };
    let completed = |row, proven| {
        let before = Before::Nobody {
            email: Some("ann@example.com".to_owned()),
            made: Some(format!("u-{row}")),
            proven,
        };
        sent(row, before)
    };
    let all: Vec<Note> = (2..=6).map(|row| sent(row, Before::nobody())).collect();
    record.write(&all).unwrap();
    record
        .write(&[
            made(2, 201, true),
            made(3, 200, false),
            made(4, 200, true),
            // These are of a version that did not note it.
            made(5, 201, false),
            made(6, 200, false),
            // These were cut short while their teams were added.
            completed(7, true),
            completed(8, false),
        ])
        .unwrap();
    let older = "UPDATE row SET proven = NULL WHERE number IN (5, 6)";
    record.connection.execute_batch(older).unwrap();
    let (mut locked, mut irreversible) = (Vec::new(), Vec::new());
    let back = record.undo_steps::<super::LedgerError>(
        |row| {
            locked.push((row.id, row.step));
            Ok(())
        },
        |each| irreversible.push((each.row.0, each.why)),
    );
    back.unwrap();
    let lock = |row| (format!("u-{row}"), super::UndoStep::Lock);
    assert_eq!(locked, [2, 4, 5, 7].map(lock));
    let rows: Vec<u64> = irreversible.iter().map(|(row, _)| *row).collect();
    assert_eq!(rows, [3, 6, 8]);
    assert!(
        irreversible
            .iter()
            .all(|(_, why)| why.contains("not proven"))
    );
}

#[test]
fn a_row_that_was_plainly_refused_is_sent_again_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let run_store = RunStore::at(Some(folder.path())).unwrap();
    let mut record = begun(&run_store);
    let unknown = |row: u64, status: Option<u16>| Note::Settled {
        row: RowNumber(row),
        action: None,
        outcome: Box::new(Outcome::new(Verdict::Unknown).status(status)),
    };
    record
        .write(&[
            sent(2, Before::nobody()),
            unknown(2, Some(409)),
            sent(3, Before::nobody()),
            unknown(3, None),
        ])
        .unwrap();
    assert_eq!(proof(&record, 2), None);
    assert_eq!(proof(&record, 3), Some(Proof::Noted));

    // Of a row that failed, only a definite no is enough.
    let mut record = begun(&run_store);
    let statuses = [
        (2, Some(400), false),
        (3, Some(404), false),
        (4, Some(409), false),
        (5, Some(408), true),
        (6, Some(429), true),
        (7, Some(500), true),
        // It was made, and is not as asked.
        (8, Some(201), true),
        (9, None, true),
    ];
    for (row, status, _) in statuses {
        let outcome = Box::new(Outcome::new(Verdict::Failed).status(status));
        let failed = Note::Settled {
            row: RowNumber(row),
            action: None,
            outcome,
        };
        record
            .write(&[sent(row, Before::nobody()), failed])
            .unwrap();
    }
    record.end(None).unwrap();
    let chain = Chain::of(record.reader().unwrap());
    let history = History::of_chain(&chain, RowSet::default()).unwrap();
    for (row, status, in_doubt) in statuses {
        let written = record.rows(RowNumber(row), 1).unwrap().pop();
        let prior_state = history.prior_state(RowNumber(row), written);
        assert_eq!(
            matches!(prior_state, PriorState::InDoubt(_)),
            in_doubt,
            "{status:?}"
        );
    }
}

#[test]
fn a_record_of_another_version_is_refused_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let run_store = RunStore::at(Some(folder.path())).unwrap();
    let record = begun(&run_store);
    let id = record.id().clone();
    // Its other fields may mean anything.
    let older = r#"UPDATE about SET json = '{"version": 1, "terms": {}}'"#;
    record.connection.execute_batch(older).unwrap();
    drop(record);
    let record = folder.path().join(format!("runs/{id}.db"));
    let before = std::fs::read(&record).unwrap();
    let refused = [
        run_store.read(&id).unwrap_err(),
        run_store.open(&id).unwrap_err(),
        run_store.recover(&id).unwrap_err(),
    ];
    for error in refused {
        let message = error.to_string();
        assert!(
            message.contains("its format is 1, this version reads 2"),
            "{message}"
        );
    }
    assert_eq!(std::fs::read(&record).unwrap(), before);
}

/// Damages a record that is closed: its head counts free pages that there are none of.
fn damage(record: &Path) {
    /// Where in the head that is, by the format of `SQLite`'s files.
    const FREE_PAGES: std::ops::Range<usize> = 36..40;
    let mut bytes = std::fs::read(record).unwrap();
    bytes[FREE_PAGES].copy_from_slice(&7_u32.to_be_bytes());
    std::fs::write(record, bytes).unwrap();
}

#[test]
fn what_can_be_read_of_a_damaged_record_is_all_there_in_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let run_store = RunStore::at(Some(folder.path())).unwrap();
    let mut record = begun(&run_store);
    let took = Some(Duration::from_millis(1_234));
    let outcome = Outcome {
        took,
        ..Outcome::new(Verdict::Created).user("u-1".to_owned())
    };
    let action = None;
    let row = RowNumber(2);
    record
        .write(&[
            sent(2, account("first")),
            Note::Settled {
                row,
                action,
                outcome: Box::new(outcome.clone()),
            },
            settled(3, Verdict::NotAttempted),
        ])
        .unwrap();
    record.keep_calls("first").unwrap();
    record.end(Some("interrupted")).unwrap();
    let id = record.id().clone();
    drop(record);
    damage(&folder.path().join(format!("runs/{id}.db")));

    let (mut record, recovered) = run_store.open(&id).unwrap();
    assert!(recovered);
    let written = record.rows(row, 1).unwrap().remove(0);
    assert_eq!(written.before, Some(account("first")));
    let read = written.outcome.unwrap();
    assert_eq!(
        (read.verdict, read.user_id),
        (outcome.verdict, outcome.user_id)
    );
    let mut input = Vec::new();
    record.copy_input(&mut input).unwrap();
    assert_eq!(input, b"email\na@x.com\n");
    let calls = record.parts().unwrap().into_iter().map(|part| part.calls);
    let calls: Vec<_> = calls.collect();
    assert_eq!((read.took, calls), (took, vec![Some("first".to_owned())]));
    // Whatever comes now: who else was sent is not certain any more.
    assert_eq!(record.state().unwrap(), RunState::Open);
    record.begin_again().unwrap();
    record.write(&[settled(4, Verdict::NotAttempted)]).unwrap();
    record.keep_calls("second").unwrap();
    record.end(Some("interrupted")).unwrap();
    assert_eq!(proof(&record, 4), Some(Proof::Missing));
}

#[test]
fn runs_are_in_order_by_their_names_whatever_the_clock_says() {
    let folder = tempfile::tempdir().unwrap();
    let run_store = RunStore::at(Some(folder.path())).unwrap();
    let at = |second| {
        let about = About {
            begun: Timestamp::from_second(second).unwrap(),
            ..about()
        };
        run_store
            .begin(&about, &b""[..], std::iter::empty())
            .unwrap()
            .id()
            .clone()
    };
    let (first, second, third) = (at(1_800_000_000), at(1_700_000_000), at(1_800_000_001));
    assert!(first < second && second < third, "{first} {second} {third}");
}

//! A job started by something that is no terminal.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::*;
use crate::preview::Line;
use crate::report::{Progress, When};
use crate::roster::Action;
use crate::sandbox::{Options, Sandbox};
use crate::spec::ImportSpec;

/// Gives the same answer to every question, and writes down what it hears.
#[derive(Default)]
struct Page {
    agrees: bool,
    heard: Mutex<Vec<String>>,
}

impl Page {
    fn note(&self, what: &dyn Display) {
        self.heard.lock().unwrap().push(what.to_string());
    }

    fn has_heard(&self, what: &str) -> bool {
        let heard = self.heard.lock().unwrap();
        heard.iter().any(|each| each.contains(what))
    }
}

impl Caller for Page {
    fn tell(&self, message: &dyn Display) {
        self.note(message);
    }

    fn remark(&self, message: &dyn Display) {
        self.note(message);
    }

    fn can_ask(&self) -> bool {
        true
    }

    fn choose(&self, choices: &[&str]) -> io::Result<Option<usize>> {
        self.note(&choices.join(", "));
        Ok(None)
    }

    fn agrees(&self, question: &str) -> io::Result<bool> {
        self.note(&question);
        Ok(self.agrees)
    }

    fn may_stop(&self, stops: Vec<Arc<StopSwitch>>) {
        assert!(!stops.is_empty());
    }

    fn progress(&self, rows: u64) -> Progress {
        Progress::new(When::Never, true, rows)
    }
}

/// A node, and a folder for everything else.
struct Office {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
}

impl Office {
    async fn new() -> Self {
        let options = Options {
            users: 30,
            ..Options::default()
        };
        Office {
            sandbox: Sandbox::start(options).await.unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn spec(&self, file: &Path, action: Action) -> JobSpec {
        let node = NodeRef {
            url: Some(self.sandbox.base_url()),
            token_file: Some(self.write("token", self.sandbox.token())),
            ..NodeRef::default()
        };
        JobSpec {
            file: file.to_owned(),
            import: ImportSpec::new(action),
            node,
            options: RunOptions {
                state_dir: Some(self.folder.path().join("state")),
                ..RunOptions::default()
            },
        }
    }

    async fn is_active(&self, email: &str) -> bool {
        let Outlook::Preview(preview) = Job::new(
            self.spec(
                &self.write("who.csv", &format!("email\n{email}\n")),
                Action::Unlock,
            ),
            Arc::new(Page::default()),
        )
        .preview()
        .await
        .unwrap() else {
            panic!("there is a row to look at");
        };
        let keep = |lines: &mut Vec<String>, line: &Line| {
            lines.push(line.to_string());
            Ok::<_, String>(())
        };
        let (_, lines) = preview.rehearse(Vec::new(), keep).await.unwrap();
        assert_eq!(lines.len(), 1);
        lines[0].contains("nothing to change")
    }
}

#[tokio::test]
async fn a_file_is_previewed_and_carried_out_without_a_terminal() {
    let office = Office::new().await;
    let file = office.write(
        "joiners.csv",
        "email,first_name,last_name,shoe_size\nann@example.com,Ann,Lee,38\nbob@example.com,Bob,Ray,44\n",
    );
    let page = Arc::new(Page::default());
    let job = Job::new(office.spec(&file, Action::Create), page.clone());
    let Outlook::Preview(preview) = job.preview().await.unwrap() else {
        panic!("there are rows to look at");
    };
    let count = |lines: &mut u64, _: &Line| {
        *lines += 1;
        Ok::<_, String>(())
    };
    let (previewed, lines) = preview.rehearse(0, count).await.unwrap();
    assert_eq!((previewed.exit(), lines), (Exit::Done, 2));
    assert!(page.has_heard("shoe_size"));

    let job = Job::new(office.spec(&file, Action::Create), page);
    let finished = job.carry_out().await.unwrap();
    assert_eq!(finished.exit, Exit::Done);
    let summary = serde_json::to_value(finished.summary.unwrap()).unwrap();
    assert_eq!(summary["outcomes"]["created"], 2);
    let results = std::fs::read_to_string(file.with_file_name("joiners.results.csv")).unwrap();
    assert_eq!(results.matches(",created,").count(), 2, "{results}");
}

#[tokio::test]
async fn nobody_is_locked_unless_the_caller_agrees() {
    let office = Office::new().await;
    let joiner = office.write("joiner.csv", "email,last_name\nann@example.com,Lee\n");
    let job = Job::new(
        office.spec(&joiner, Action::Create),
        Arc::new(Page::default()),
    );
    job.carry_out().await.unwrap();
    let leaver = office.write("leaver.csv", "email\nann@example.com\n");

    let wary = Arc::new(Page::default());
    let job = Job::new(office.spec(&leaver, Action::Lock), wary.clone());
    let refused = job.carry_out().await.unwrap_err();
    assert_eq!(refused.exit, Exit::Usage, "{refused}");
    assert!(
        wary.has_heard("lock 1 on node 1234567890"),
        "{:?}",
        wary.heard
    );
    assert!(office.is_active("ann@example.com").await);

    let agrees = Arc::new(Page {
        agrees: true,
        ..Page::default()
    });
    let job = Job::new(office.spec(&leaver, Action::Lock), agrees);
    assert_eq!(job.carry_out().await.unwrap().exit, Exit::Done);
    assert!(!office.is_active("ann@example.com").await);
}

#[test]
fn how_a_node_was_named_is_read_again_and_another_version_is_refused() {
    let now = NodeRef {
        rate: Some("5/s".parse().unwrap()),
        ..NodeRef::default()
    };
    let earlier = NodeRef {
        profiles: vec!["sales".to_owned()],
        rate: Some("9/s".parse().unwrap()),
        concurrency: Some(3),
        ..NodeRef::default()
    };
    let mut record = earlier.to_record().unwrap();
    let read = now.clone().or_recorded(&record).unwrap();
    assert_eq!(read.profiles, ["sales"]);
    assert_eq!((read.rate, read.concurrency), (now.rate, Some(3)));
    record["version"] = 2.into();
    let refused = now.or_recorded(&record).unwrap_err();
    assert!(refused.message.contains("its format is 2"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn what_calls_wait_for_is_told_before_anything_is_sent() {
    let page = Page::default();
    let held = PaceReport {
        waiting: 1,
        held_for: Some(Duration::from_secs(30)),
        ..PaceReport::default()
    };
    let work = tokio::time::sleep(Duration::from_secs(25));
    telling_waits(&page, || held, work).await;
    let words =
        "Nothing was sent yet: 1 call waiting (the node takes no more for now; next try in 30 s).";
    assert_eq!(*page.heard.lock().unwrap(), [words, words]);

    let page = Page::default();
    let work = tokio::time::sleep(Duration::from_secs(25));
    telling_waits(&page, PaceReport::default, work).await;
    assert!(page.heard.lock().unwrap().is_empty());
}

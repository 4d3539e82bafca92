//! The examples of docs/how-to.md and docs/scale.md for schedulers: crontab, systemd, Windows, GitHub Actions, Kubernetes.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Command;

use harness::{Desk, Ended, Node, TOKEN, ended};
use headcount::sandbox::Options;

const GUIDES: &str = include_str!("../../docs/how-to.md");
const SCALE: &str = include_str!("../../docs/scale.md");

/// What stands in the blocks of a page that are of this kind.
fn blocks(page: &str, kind: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut block: Option<String> = None;
    for line in page.lines() {
        match &mut block {
            Some(_) if line == "```" => found.extend(block.take()),
            Some(block) => {
                block.push_str(line);
                block.push('\n');
            }
            None if line.strip_prefix("```") == Some(kind) => block = Some(String::new()),
            None => {}
        }
    }
    found
}

/// The only block of the how-to that has these words in it.
fn block(kind: &str, words: &str) -> String {
    let mut found = blocks(GUIDES, kind);
    found.retain(|block| block.contains(words));
    assert_eq!(found.len(), 1, "{kind} with {words}");
    found.remove(0)
}

/// The words behind the name of the program, up to what is the shell's own, if the line calls it.
fn arguments(line: &str) -> Option<Vec<String>> {
    let calls = ["/usr/bin/headcount ", "headcount.exe\" ", "run: headcount "];
    let line = line.trim();
    let behind = calls
        .iter()
        .find_map(|call| line.split_once(call).map(|(_, behind)| behind))
        .or_else(|| line.strip_prefix("headcount "))?;
    let end = [" || ", " 2>> "]
        .iter()
        .filter_map(|sign| behind.find(sign));
    let behind = &behind[..end.min().unwrap_or(behind.len())];
    // What a workflow fills in is one word.
    let behind = behind.replace("${{ ", "${{").replace(" }}", "}}");
    let mut words = vec![String::new()];
    let mut quoted = false;
    for sign in behind.chars() {
        let word = words.last_mut().expect("there is always one");
        match sign {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => word.push(sign),
        }
    }
    words.retain(|word| !word.is_empty());
    Some(words)
}

#[test]
fn every_command_is_one_that_there_is() {
    let mut tried = 0;
    for kind in ["crontab", "systemd", "powershell", "yaml"] {
        let blocks = [blocks(GUIDES, kind), blocks(SCALE, kind)].concat();
        for words in blocks.iter().flat_map(|block| block.lines()) {
            let Some(words) = arguments(words) else {
                continue;
            };
            tried += 1;
            let line = std::iter::once("headcount".to_owned()).chain(words);
            let line: Vec<String> = line.collect();
            if let Err(error) = headcount::cli::command().try_get_matches_from(&line) {
                panic!("{kind}: {line:?}: {error}");
            }
        }
    }
    assert_eq!(tried, 10);

    // Of Kubernetes, whose words stand in a list.
    let jobs = blocks(SCALE, "yaml");
    let job = jobs.iter().find(|block| block.contains("kind: Job"));
    let args = job.and_then(|job| job.split_once("args:")?.1.split_once("env:"));
    let args = args.expect("a job with arguments").0.lines();
    let args = args.filter_map(|line| line.trim().strip_prefix("- "));
    let line = std::iter::once("headcount").chain(args);
    headcount::cli::command()
        .try_get_matches_from(line)
        .unwrap();
}

/// A node of 60, and a desk with three of them on the list.
struct Scene {
    node: Node,
    desk: Desk,
}

impl Scene {
    fn new() -> Self {
        let node = Node::start(Options {
            users: 60,
            ..Options::default()
        });
        let desk = node.desk();
        let users = node.sandbox().snapshot().users.into_iter();
        let leavers = users.filter(|user| user.active).take(3);
        let leavers: String = leavers.map(|user| user.user_name + "\n").collect();
        desk.file("leavers.csv", format!("email\n{leavers}"));
        desk.file("token", TOKEN);
        let profile = format!(
            "[profiles.sales]\nurl = '{}'\ntoken_file = 'token'\n",
            node.url()
        );
        desk.file("config.toml", profile);
        Scene { node, desk }
    }

    /// The text with the places of this desk instead of those of the guide.
    fn here(&self, text: &str) -> String {
        let program = self.desk.command(&[]).get_program().to_owned();
        let desk = self.desk.path("");
        let desk = desk.to_string_lossy();
        text.replace("/usr/bin/headcount", &program.to_string_lossy())
            .replace("/srv/headcount", desk.trim_end_matches('/'))
    }

    /// Runs a line of shell with nothing in its environment but what a scheduler would have.
    fn run(&self, line: &str, environment: &[(String, String)]) -> Ended {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", line])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.desk.path("home"))
            .env("HEADCOUNT_CONFIG", self.desk.path("config.toml"))
            .envs(environment.iter().cloned());
        ended(&mut shell)
    }

    /// How many of those on the list are locked.
    fn locked(&self) -> usize {
        let list = fs::read_to_string(self.desk.path("leavers.csv")).unwrap();
        let users = self.node.sandbox().snapshot().users.into_iter();
        let locked = users.filter(|user| !user.active && list.contains(&user.user_name));
        locked.count()
    }
}

#[test]
fn cron_locks_those_on_the_list_and_sends_mail_only_when_something_is_wrong() {
    let scene = Scene::new();
    let table = block("crontab", "headcount lock");
    let jobs = table.lines().filter(|line| line.contains("/usr/bin/"));
    let jobs: Vec<String> = jobs
        .map(|line| {
            let line = line.splitn(6, ' ').last().expect("a command").trim();
            // Which cron itself does: a sign of percent without it begins the input.
            assert!(!line.replace("\\%", "").contains('%'), "{line}");
            scene.here(&line.replace("\\%", "%"))
        })
        .collect();
    assert_eq!(jobs.len(), 2);
    for job in &jobs {
        let ended = scene.run(job, &[]).with(0);
        assert_eq!(ended.stdout + &ended.stderr, "", "{job}");
    }
    assert_eq!(scene.locked(), 3);
    let done = fs::read_dir(scene.desk.path("")).unwrap();
    let done = done.map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(done.filter(|name| name.starts_with("done-20")).count(), 1);

    scene.desk.file("leavers.csv", "email\nnobody\n");
    let ended = scene.run(&jobs[0], &[]);
    assert!(ended.stdout.starts_with("exit code 2, see "), "{ended:?}");
}

/// What a unit says of a key, each time.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    let lines = unit.lines().filter_map(|line| line.split_once('='));
    let lines = lines.filter(|(name, _)| *name == key);
    lines.map(|(_, value)| value).collect()
}

#[test]
fn a_service_finds_its_token_and_is_tried_again_when_that_may_help() {
    let scene = Scene::new();
    let unit = scene.here(&block("systemd", "[Service]"));
    let environment = |url: &str| -> Vec<(String, String)> {
        let of_unit = values(&unit, "Environment").into_iter().map(|pair| {
            let pair = pair
                .replace("%d", &scene.desk.path("").to_string_lossy())
                .replace("%S", &scene.desk.path("lib").to_string_lossy());
            let (name, value) = pair.split_once('=').expect("NAME=value");
            (name.to_owned(), value.to_owned())
        });
        let of_file = [("HEADCOUNT_URL".to_owned(), url.to_owned())];
        of_unit.chain(of_file).collect()
    };
    let folder = values(&unit, "WorkingDirectory")[0];
    let command = format!("cd {folder} && {}", values(&unit, "ExecStart")[0]);
    let not_again = values(&unit, "RestartPreventExitStatus")[0];
    let not_again: Vec<i32> = not_again
        .split(' ')
        .map(|code| code.parse().unwrap())
        .collect();

    let away = scene.run(&command, &environment("http://127.0.0.1:1/v2"));
    assert!(!not_again.contains(&away.with(3).code));
    scene.run(&command, &environment(&scene.node.url())).with(0);
    assert_eq!(scene.locked(), 3);
    assert!(Path::new(&scene.desk.path("lib/headcount/runs")).is_dir());
    let tidy = values(&unit, "ExecStartPost")[0];
    scene.run(tidy, &environment(&scene.node.url())).with(0);
    scene.desk.file("leavers.csv", "email\nnobody\n");
    let wrong = scene.run(&command, &environment(&scene.node.url()));
    assert!(not_again.contains(&wrong.with(2).code));
}

#[test]
#[ignore = "needs systemd-analyze"]
fn systemd_has_nothing_to_say_against_the_units() {
    let scene = Scene::new();
    for (name, part) in [("service", "[Service]"), ("timer", "[Timer]")] {
        let unit = scene.here(&block("systemd", part));
        let file = scene.desk.file(&format!("headcount-leavers.{name}"), unit);
        let output = Command::new("systemd-analyze")
            .arg("verify")
            .arg(file)
            .output()
            .unwrap();
        // It ends well even if it has something to say.
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            (output.status.success(), said.as_ref()),
            (true, ""),
            "{name}"
        );
    }
}

#[test]
fn the_workflow_leaves_results_and_a_report() {
    let scene = Scene::new();
    let workflow = block("yaml", "name: leavers");
    fs::create_dir(scene.desk.path("lists")).unwrap();
    fs::copy(
        scene.desk.path("leavers.csv"),
        scene.desk.path("lists/leavers.csv"),
    )
    .unwrap();
    let line = workflow
        .lines()
        .find_map(|line| line.split_once("run: headcount "));
    let line = line.expect("a step that runs it").1;
    let line = format!("cd /srv/headcount && /usr/bin/headcount {line}");
    let environment = [
        ("HEADCOUNT_URL", scene.node.url()),
        ("HEADCOUNT_TOKEN", TOKEN.to_owned()),
        ("HEADCOUNT_STATE_DIR", "state".to_owned()),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value));
    scene.run(&scene.here(&line), &environment).with(0);
    assert_eq!(scene.locked(), 3);
    let kept = workflow.split_once("path: |").expect("what is kept").1;
    let kept = kept.lines().skip(1).take(3).map(str::trim);
    let kept: Vec<&str> = kept.collect();
    assert_eq!(kept.len(), 3);
    for name in kept {
        assert!(scene.desk.path(name).exists(), "{name}");
    }
}

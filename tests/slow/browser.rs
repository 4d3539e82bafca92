//! The report of a run as a browser shows it.
//!
//! `cargo test --test slow browser -- --ignored` needs Chromium. A page around the report looks at it, since the report itself
//! runs no script: how wide it is where it has the width of a phone, and what words can be seen.

use std::path::Path;
use std::process::{Command, Stdio};

use harness::{Desk, Node};
use headcount::sandbox::Options;

/// Names under which it is installed.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

fn browser() -> &'static str {
    let is_there = |name: &&str| {
        let version = Command::new(name).arg("--version").output();
        version.is_ok_and(|version| version.status.success())
    };
    let found = BROWSERS.into_iter().find(is_there);
    found.unwrap_or_else(|| {
        panic!("none of {BROWSERS:?} is installed; Debian's package is chromium")
    })
}

/// What a script finds in a page that is as wide as `width`.
fn look(desk: &Desk, page: &str, width: u32, script: &str) -> String {
    let around = format!(
        "<!DOCTYPE html><title>around</title><iframe id=\"page\" src=\"{page}\" style=\"border:0;width:{width}px;height:4000px\">\
         </iframe><pre id=\"found\"></pre><script>\
         document.getElementById('page').onload = (event) => {{\
         const page = event.target.contentDocument, view = event.target.contentWindow;\
         for (const part of page.querySelectorAll('details')) part.open = true;\
         document.getElementById('found').textContent = 'found[' + (() => {{ {script} }})() + ']';\
         }};</script>"
    );
    let around = desk.file("around.html", around);
    let profile = desk.path("browser");
    let output = Command::new(browser())
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            // So that the page around may look into the other.
            "--allow-file-access-from-files",
            "--window-size=1400,1000",
            "--virtual-time-budget=20000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(address(&around))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let found = shown
        .split_once(">found[")
        .and_then(|(_, found)| found.split_once("]</pre>"));
    let Some((found, _)) = found else {
        let said = String::from_utf8_lossy(&output.stderr);
        panic!("the browser has found nothing\n{shown}\n{said}");
    };
    found.to_owned()
}

fn address(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// A run with everything that a page may have to show, some of it long.
fn reported() -> Desk {
    let node = Node::start(Options {
        users: 30,
        faults: "429=10%,503@before=3%".parse().unwrap(),
        seed: 3,
        ..Options::default()
    });
    let desk = node.desk();
    let taken = node.sandbox().snapshot().users[0].user_name.clone();
    let long = "Wolfeschlegelsteinhausenbergerdorff".repeat(3);
    let rows = (0..80).map(|at| format!("p{at}@example.com,Pat,No {at}\n"));
    let text = format!(
        "email,first name,last name,id\n{taken},{long},{long},\n{}{}@{}.example,<b>Bold</b>,\u{5dc}\u{5d9}\u{202e}abc,\n{taken},Old,Hand,\n",
        rows.map(|row| row.replace('\n', ",\n")).collect::<String>(),
        "x".repeat(60),
        "y".repeat(60),
    );
    desk.file("people.csv", text);
    let args = ["import", "people.csv", "--skip-invalid", "--bulk", "off"];
    desk.headcount(&[&args[..], &["--report", "page.html"]].concat());
    desk
}

#[test]
#[ignore = "needs Chromium; run with --ignored"]
fn a_page_fits_a_phone_and_a_desk() {
    let desk = reported();
    for width in [320, 360, 1280] {
        // What scrolls on its own is no part of the page's width.
        let wide = look(
            &desk,
            "page.html",
            width,
            "const over = [...page.querySelectorAll('body *')].filter((each) => !each.closest('.wide') \
             && !each.closest('.skip') && each.getBoundingClientRect().right > view.innerWidth + 1);\
             return page.documentElement.scrollWidth + ' ' + over.map((each) => each.outerHTML).join(' ');",
        );
        assert_eq!(wide.trim(), width.to_string(), "at {width} pixels");
    }
}

#[test]
#[ignore = "needs Chromium; run with --ignored"]
fn what_is_on_a_page_can_be_seen() {
    let desk = reported();
    let words = look(&desk, "page.html", 360, "return page.body.innerText;");
    for said in [
        "Report: import of people.csv",
        "rows are as asked",
        "Calls by the status code that came back",
        "too many calls; sent again later",
        "How long the node took to answer",
        "Each line is",
        "Slowest rows",
        "--concurrency",
    ] {
        assert!(words.contains(said), "{said:?} is not seen:\n{words}");
    }
    let shapes = look(
        &desk,
        "page.html",
        360,
        "const shown = (each) => each.getBoundingClientRect().height > 5 && each.getBoundingClientRect().width > 200;\
         return [...page.querySelectorAll('svg[role=img]')].filter(shown).length + ' ' + page.scripts.length;",
    );
    assert_eq!(shapes, "2 0");
}

//! The page as a browser, a screen reader and an attacker meet it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use quick_xml::Reader;
use quick_xml::events::Event as Xml;

use super::{PEOPLE, at, facts, page, text};
use crate::report::page::{End, Facts, Setting};

#[test]
fn nobody_gets_out_of_their_cell() {
    let hostile = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</title></style><svg onload=alert(1)>",
        "{{ 7 * 7 }} {% raw %}",
        "]]><!--",
        "\u{202e}moc.live@nimda\u{2066}",
        "&lt;b&gt; &amp; \u{b}\u{0}",
    ];
    for name in hostile {
        let quoted = name.replace('"', "\"\"").replace('\0', "");
        let text_of_file =
            format!("id,last name\n1,\"{quoted}\"\n\"{quoted}\",\"{quoted}\"\n3,x\n4,x\n");
        let page = page(&text_of_file, name);
        let facts = Facts {
            file: name.to_owned(),
            nodes: vec![(name.to_owned(), name.to_owned())],
            settings: vec![Setting {
                flag: "--map",
                about: "Heading",
                value: name.to_owned(),
            }],
            results: PathBuf::from(name),
            end: End::Stopped {
                at: at(1),
                why: name.to_owned(),
            },
            ..facts()
        };
        let html = page.render(&facts).unwrap();
        let harmless = super::page(PEOPLE, "x").render(&super::facts()).unwrap();
        assert_eq!(tags(&html), tags(&harmless), "{name}");
        assert!(!html.contains('\u{202e}') && !html.contains('\0'), "{name}");
        text(&html);
    }
}

/// The tags that there are, with their attributes' names.
fn tags(html: &str) -> BTreeSet<String> {
    let mut reader = Reader::from_str(html);
    let mut tags = BTreeSet::new();
    loop {
        match reader.read_event().unwrap() {
            Xml::Start(tag) | Xml::Empty(tag) => {
                let mut name = tag.name().as_ref().to_owned();
                for attribute in tag.attributes() {
                    let attribute = attribute.unwrap();
                    name.push(' ');
                    name.push_str(attribute.key.as_ref());
                }
                tags.insert(name);
            }
            Xml::Eof => return tags,
            _ => {}
        }
    }
}

#[test]
fn a_page_loads_nothing_and_runs_nothing() {
    let html = page(PEOPLE, "see https://example.com/ or javascript:x")
        .render(&facts())
        .unwrap();
    for (attribute, value) in attributes(&html) {
        let is_outside = ["src", "srcset", "action", "data", "poster", "background"];
        assert!(!is_outside.contains(&&*attribute), "{attribute}={value}");
        assert!(!attribute.starts_with("on"), "{attribute}={value}");
        assert!(
            !attribute.ends_with("href") || value.starts_with('#'),
            "{attribute}={value}"
        );
    }
    for word in [
        "<script",
        "<link",
        "<iframe",
        "url(",
        "@import",
        "@font-face",
    ] {
        assert!(!html.contains(word), "{word}");
    }
}

fn attributes(html: &str) -> Vec<(String, String)> {
    let mut reader = Reader::from_str(html);
    let mut all = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Xml::Start(tag) | Xml::Empty(tag) => all.extend(tag.attributes().map(|attribute| {
                let attribute = attribute.unwrap();
                let value = attribute.value.into_owned();
                (attribute.key.as_ref().to_owned(), value)
            })),
            Xml::Eof => return all,
            _ => {}
        }
    }
}

/// Every table has a caption and headings that say for what, every picture a name, every link a place that is there.
#[test]
fn a_page_can_be_heard() {
    let html = page(PEOPLE, "taken").render(&facts()).unwrap();
    let count = |what: &str| html.matches(what).count();
    assert_eq!(count("<table"), count("<caption>"));
    assert_eq!(
        count("<th "),
        count("scope=\"col\"") + count("scope=\"row\"")
    );
    for (attribute, value) in attributes(&html) {
        let places = match &*attribute {
            "href" => vec![value.trim_start_matches('#')],
            "aria-labelledby" => value.split(' ').collect(),
            _ => continue,
        };
        for place in places {
            assert_eq!(count(&format!("id=\"{place}\"")), 1, "{place}");
        }
    }
    assert_eq!(
        count("<svg"),
        count("role=\"img\"") + count("focusable=\"false\"")
    );
    for landmark in ["<header>", "<nav ", "<main>", "<footer>", "lang=\"en\""] {
        assert_eq!(count(landmark), 1, "{landmark}");
    }
}

/// By WCAG 2.2, success criteria 1.4.3 and 1.4.11: 4.5 to 1 for words, 3 to 1 for what else has a meaning.
#[test]
fn colours_can_be_told_from_what_is_behind_them() {
    let style = include_str!("../page.css");
    let blocks: Vec<&str> = style.split(":root {").skip(1).collect();
    assert_eq!(blocks.len(), 3, "light, dark and printed");
    for block in blocks {
        let colour = |name: &str| {
            let at = block.find(&format!("--{name}: #")).unwrap() + name.len() + 5;
            let digits = block[at..].split(';').next().unwrap();
            let part = |at: usize| match digits.len() {
                3 => u8::from_str_radix(&digits[at..=at].repeat(2), 16).unwrap(),
                _ => u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap(),
            };
            luminance([part(0), part(1), part(2)])
        };
        for behind in ["ground", "panel"].map(colour) {
            let contrast = |name: &str| {
                let front = colour(name);
                (front.max(behind) + 0.05) / (front.min(behind) + 0.05)
            };
            for words in ["ink", "faint", "good", "bad", "caution", "link"] {
                assert!(contrast(words) >= 4.5, "{words}: {}", contrast(words));
            }
            for shape in ["plain", "calls"] {
                assert!(contrast(shape) >= 3.0, "{shape}: {}", contrast(shape));
            }
        }
    }
}

fn luminance(colour: [u8; 3]) -> f64 {
    let linear = colour.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

//! JSON as text: checked, and laid out without touching what is in it. Numbers keep all their
//! digits, members their order, repeated names their place.

use serde::de::IgnoredAny;

/// Whether a text is JSON.
pub(super) fn check(text: &str) -> Result<(), serde_json::Error> {
    serde_json::from_str::<IgnoredAny>(text).map(|_| ())
}

/// A body laid out in lines, if it is JSON.
#[must_use]
pub fn pretty(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    check(text).ok()?;
    Some(laid_out(text))
}

fn laid_out(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' | '\r' => {}
            '{' | '[' => {
                out.push(c);
                while chars.next_if(char::is_ascii_whitespace).is_some() {}
                match chars.next_if(|next| matches!(next, '}' | ']')) {
                    Some(end) => out.push(end),
                    None => {
                        depth += 1;
                        new_line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth -= 1;
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            '"' => {
                out.push(c);
                let mut escaped = false;
                for c in chars.by_ref() {
                    out.push(c);
                    match c {
                        _ if escaped => escaped = false,
                        '\\' => escaped = true,
                        '"' => break,
                        _ => {}
                    }
                }
            }
            c => out.push(c),
        }
    }
    out.push('\n');
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_it_is_touched() {
        let body = r#"{"id":12345678901234567890123,"x":1.10,"s":"a\"b, {c}: [","e":{},"l":[ ],"n":[1,[2]],"id":null}"#;
        insta::assert_snapshot!(pretty(body.as_bytes()).unwrap(), @r#"
        {
          "id": 12345678901234567890123,
          "x": 1.10,
          "s": "a\"b, {c}: [",
          "e": {},
          "l": [],
          "n": [
            1,
            [
              2
            ]
          ],
          "id": null
        }
        "#);
    }

    #[test]
    fn what_is_laid_out_means_the_same() {
        let value = serde_json::json!({"a": [1, {"b": "\\\" \u{e9}\n"}], "c": {"d": []}, "e": ""});
        let laid = pretty(value.to_string().as_bytes()).unwrap();
        assert_eq!(
            laid.trim_end(),
            serde_json::to_string_pretty(&value).unwrap()
        );
        assert_eq!(pretty(b"<html>"), None);
        assert_eq!(pretty(b""), None);
    }
}

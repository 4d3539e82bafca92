//! Long lines on a terminal: they go on below, at words, a little further in.

use textwrap::core::Word;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

use super::style::Style;

/// How much further in a line goes on.
const HANG: usize = 2;

/// How much room a text needs beside its head to stand there.
const ROOM: usize = 30;

/// The text in lines that are no wider than this, as far as its words allow: a path, or a command to be typed, that
/// is wider stays whole, so that it can be copied.
pub(super) fn wrapped(text: &str, width: usize) -> String {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let words = line.trim_start_matches(' ');
        let indent = line.len() - words.len();
        wrap(words, width, indent, indent + HANG, &mut lines);
    }
    lines.join("\n")
}

/// `text` beside its head, in lines of `width` that begin where the first one does; below it where that is too narrow.
#[must_use]
pub fn paragraph(head: &str, text: &str, width: usize) -> String {
    let indent = textwrap::core::display_width(head);
    let mut lines = Vec::new();
    if indent + ROOM > width {
        lines.push(head.trim_end().to_owned());
        wrap(text, width, 2 * HANG, 2 * HANG, &mut lines);
    } else {
        wrap(text, width, indent, indent, &mut lines);
        lines[0].replace_range(..indent, head);
    }
    lines.join("\n") + "\n"
}

/// Adds the lines of `text`, one at least: the first `first` columns in, the others `others`.
fn wrap(text: &str, width: usize, first: usize, others: usize, lines: &mut Vec<String>) {
    let (first, others) = (" ".repeat(first), " ".repeat(others));
    let options = Options::new(width)
        .initial_indent(&first)
        .subsequent_indent(&others)
        .break_words(false)
        .word_separator(WordSeparator::Custom(words))
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    let wrapped = textwrap::wrap(text, options);
    lines.extend(wrapped.into_iter().map(std::borrow::Cow::into_owned));
}

/// Words end at blanks; those of a command belong together.
fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let (begin, end) = Style::Command.marks();
    let mut rest = line;
    Box::new(std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut at = 0;
        let mut is_command = false;
        let mut was_blank = false;
        while let Some(c) = rest[at..].chars().next() {
            if rest[at..].starts_with(&begin) {
                is_command = true;
            } else if rest[at..].starts_with(&end) {
                is_command = false;
            }
            let is_blank = c == ' ' && !is_command;
            if was_blank && !is_blank {
                break;
            }
            was_blank = is_blank;
            at += c.len_utf8();
        }
        let (word, others) = rest.split_at(at);
        rest = others;
        Some(Word::from(word))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_on_at_words_and_further_in() {
        let text = "9 rows on node 1234567890: 1 created, 3 updated, 1 locked.\n  an indented line that is too long\nshort";
        insta::assert_snapshot!(wrapped(text, 30), @r"
        9 rows on node 1234567890: 1
          created, 3 updated, 1
          locked.
          an indented line that is too
            long
        short
        ");
    }

    #[test]
    fn what_is_to_be_copied_stays_whole() {
        let command = Style::Command.on("headcount runs resume 2026-11-24-0907");
        let text = format!("Go on with it: {command} or not.");
        let lines = super::super::style::plain(&wrapped(&text, 40));
        insta::assert_snapshot!(lines, @r"
        Go on with it:
          headcount runs resume 2026-11-24-0907
          or not.
        ");
        let path = "Results: /a/path/that/is/much/longer/than/a/line.csv";
        insta::assert_snapshot!(wrapped(path, 20), @r"
        Results:
          /a/path/that/is/much/longer/than/a/line.csv
        ");
    }

    #[test]
    fn colours_take_no_room_and_wide_characters_take_two() {
        let red = Style::Bad.on("failed");
        assert_eq!(wrapped(&format!("12 {red} 1"), 11), format!("12 {red} 1"));
        assert_eq!(wrapped("日本 語", 6), "日本\n  語");
    }

    #[test]
    fn a_text_stands_beside_its_head_where_there_is_room() {
        let text = "a note that is too long for one line, so that it goes on below its beginning";
        insta::assert_snapshot!(paragraph("  note   clock  ", text, 60), @r"
          note   clock  a note that is too long for one line, so
                        that it goes on below its beginning
        ");
        insta::assert_snapshot!(paragraph("  note   clock  ", text, 40), @r"
          note   clock
            a note that is too long for one
            line, so that it goes on below its
            beginning
        ");
    }
}

//! How the bytes of a text file stand for letters, and the way to UTF-8.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{CoderResult, UTF_8, UTF_16BE, UTF_16LE};

use super::reading::{Encoding, Letters};

/// What is found out of a file's bytes while they are copied.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// How many characters of more than one byte are right UTF-8.
    good: u64,
    /// How many bytes are not.
    bad: u64,
    /// Of a character that goes on behind the chunk, what there is.
    begun: Vec<u8>,
    /// How many bytes of zero there are at even and at odd places.
    zeros: [u64; 2],
    length: u64,
}

impl Survey {
    /// Looks at the next bytes.
    pub(super) fn add(&mut self, chunk: &[u8]) {
        for at in memchr::memchr_iter(0, chunk) {
            let place = self.length + at as u64;
            self.zeros[usize::from(place % 2 == 1)] += 1;
        }
        self.length += chunk.len() as u64;
        if self.begun.is_empty() {
            return self.look(chunk);
        }
        // A character is four bytes at most: a few of the chunk are enough to end it.
        let mut joint = std::mem::take(&mut self.begun);
        let more = chunk.len().min(4);
        joint.extend_from_slice(&chunk[..more]);
        if more == chunk.len() {
            return self.look(&joint);
        }
        let mut middle = Survey::default();
        middle.look(&joint);
        self.good += middle.good;
        self.bad += middle.bad;
        // What is left over begins in the chunk, since all of a joint character is in `joint`.
        let rest = more.saturating_sub(middle.begun.len());
        self.look(&chunk[rest..]);
    }

    fn look(&mut self, mut bytes: &[u8]) {
        loop {
            match std::str::from_utf8(bytes) {
                Ok(text) => {
                    self.good += count_wide(text.as_bytes());
                    return;
                }
                Err(error) => {
                    let (right, rest) = bytes.split_at(error.valid_up_to());
                    self.good += count_wide(right);
                    match error.error_len() {
                        None => {
                            self.begun = rest.to_vec();
                            return;
                        }
                        Some(length) => {
                            self.bad += length as u64;
                            bytes = &rest[length..];
                        }
                    }
                }
            }
        }
    }

    /// Whether every byte is right UTF-8.
    pub(super) fn is_utf8(&self) -> bool {
        self.bad == 0 && self.begun.is_empty()
    }

    /// Whether it is UTF-8 in the main, with a few bytes that are not: text in another encoding makes
    /// a right character of UTF-8 only by chance.
    pub(super) fn is_utf8_in_the_main(&self) -> bool {
        self.good > self.bad + self.begun.len() as u64
    }

    /// UTF-16 without a mark: one of each two bytes is zero in most of what stands in such files.
    pub(super) fn looks_like_utf16(&self) -> Option<Encoding> {
        let [even, odd] = self.zeros;
        let most = even.max(odd);
        let is_wide = self.length.is_multiple_of(2) && most * 8 > self.length && most > 1;
        if !is_wide || even.min(odd) * 16 > most {
            None
        } else if odd > even {
            Some(UTF_16LE.into())
        } else {
            Some(UTF_16BE.into())
        }
    }
}

/// How many characters of more than one byte there are in right UTF-8.
fn count_wide(text: &[u8]) -> u64 {
    if text.is_ascii() {
        return 0;
    }
    text.iter().filter(|byte| **byte >= 0xC0).count() as u64
}

/// The encoding that a byte order mark stands for.
pub(super) fn marked(start: &[u8]) -> Option<Encoding> {
    encoding_rs::Encoding::for_bom(start).map(|(encoding, _)| encoding.into())
}

/// The likeliest encoding of a text that is neither marked nor UTF-8.
pub(super) fn guess(mut from: impl Read) -> io::Result<Encoding> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = from.read(&mut buffer)?;
        detector.feed(&buffer[..read], read == 0);
        if read == 0 {
            return Ok(detector.guess(None, Utf8Detection::Deny).into());
        }
    }
}

/// Why a text could not be put in UTF-8.
#[derive(Debug)]
pub(super) enum Untranslatable {
    /// It cannot be read.
    Read(io::Error),
    /// There is no room for it.
    Write(io::Error),
    /// It is not in this encoding.
    Wrong,
}

/// Writes a text in UTF-8, without a mark.
pub(super) fn to_utf8(
    from: impl Read,
    encoding: Encoding,
    to: &File,
) -> Result<(), Untranslatable> {
    match encoding.0 {
        Letters::Standard(encoding) => decode(from, encoding, to),
        Letters::Dos(page) => look_up(from, &page.upper(), to),
    }
}

fn look_up(mut from: impl Read, upper: &[char; 128], to: &File) -> Result<(), Untranslatable> {
    let mut to = BufWriter::with_capacity(64 << 10, to);
    let mut buffer = vec![0; 32 << 10];
    let mut text = String::with_capacity(96 << 10);
    loop {
        let read = from.read(&mut buffer).map_err(Untranslatable::Read)?;
        if read == 0 {
            return to.flush().map_err(Untranslatable::Write);
        }
        text.clear();
        text.extend(buffer[..read].iter().map(|byte| letter(*byte, upper)));
        to.write_all(text.as_bytes())
            .map_err(Untranslatable::Write)?;
    }
}

/// What a byte stands for, of an encoding of one byte a letter.
pub(super) fn letter(byte: u8, upper: &[char; 128]) -> char {
    match byte.checked_sub(128) {
        None => char::from(byte),
        Some(at) => upper[usize::from(at)],
    }
}

fn decode(
    mut from: impl Read,
    encoding: &'static encoding_rs::Encoding,
    to: &File,
) -> Result<(), Untranslatable> {
    let mut decoder = encoding.new_decoder_with_bom_removal();
    let mut to = BufWriter::with_capacity(64 << 10, to);
    let mut buffer = vec![0; 32 << 10];
    let mut text = vec![0; 128 << 10];
    loop {
        let read = from.read(&mut buffer).map_err(Untranslatable::Read)?;
        let mut rest = &buffer[..read];
        loop {
            let (result, taken, written, is_wrong) =
                decoder.decode_to_utf8(rest, &mut text, read == 0);
            if is_wrong {
                return Err(Untranslatable::Wrong);
            }
            to.write_all(&text[..written])
                .map_err(Untranslatable::Write)?;
            rest = &rest[taken..];
            if result == CoderResult::InputEmpty {
                break;
            }
        }
        if read == 0 {
            return to.flush().map_err(Untranslatable::Write);
        }
    }
}

impl Encoding {
    /// Whether files in it are read as they are.
    pub(super) fn is_utf8(self) -> bool {
        self.0 == Letters::Standard(UTF_8)
    }

    /// What the bytes from 128 on stand for, where each byte is a letter of its own.
    pub(super) fn upper(self) -> Option<[char; 128]> {
        match self.0 {
            Letters::Dos(page) => Some(page.upper()),
            Letters::Standard(encoding) if encoding.is_single_byte() => {
                let mut upper = ['\u{FFFD}'; 128];
                for (byte, place) in (128..=u8::MAX).zip(&mut upper) {
                    let byte = [byte];
                    let (letter, _) = encoding.decode_without_bom_handling(&byte);
                    *place = letter.chars().next().unwrap_or('\u{FFFD}');
                }
                Some(upper)
            }
            Letters::Standard(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn survey(bytes: &[u8], by: usize) -> Survey {
        let mut survey = Survey::default();
        bytes.chunks(by).for_each(|chunk| survey.add(chunk));
        survey
    }

    #[test]
    fn what_is_utf8_is_seen_wherever_a_chunk_ends() {
        for (text, is_utf8, in_the_main) in [
            (&b"email\n"[..], true, false),
            ("Jürgen,Žižek,李,😀\n".as_bytes(), true, true),
            (b"J\xFCrgen\n", false, false),
            (b"J\xC3\xBCrgen,J\xC3\xBCrgen,J\xFCrgen\n", false, true),
            (b"J\xC3\xBCrgen,J\xFCrgen,J\xFCrgen\n", false, false),
            (b"Ren\xC3", false, false),
            (b"\xF0\x9F\x98", false, false),
        ] {
            for by in [1, 2, 3, 4, 5, 7, 64] {
                let survey = survey(text, by);
                let text = String::from_utf8_lossy(text);
                assert_eq!(survey.is_utf8(), is_utf8, "{text:?} by {by}");
                assert_eq!(
                    survey.is_utf8_in_the_main(),
                    in_the_main,
                    "{text:?} by {by}"
                );
            }
        }
    }

    #[test]
    fn wide_text_without_a_mark_is_told_from_other_bytes() {
        let wide = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            text.encode_utf16().flat_map(bytes).collect()
        };
        let text = "email;name\r\nann@example.com;Žižek\r\n";
        let little = survey(&wide(text, u16::to_le_bytes), 5);
        assert_eq!(little.looks_like_utf16(), Some(UTF_16LE.into()));
        let big = survey(&wide(text, u16::to_be_bytes), 5);
        assert_eq!(big.looks_like_utf16(), Some(UTF_16BE.into()));
        for other in [&b"a\0b\n"[..], b"\0\0\0\0", b"plain\n", b""] {
            assert_eq!(survey(other, 3).looks_like_utf16(), None, "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn a_survey_agrees_with_the_standard_library(
            bytes in prop::collection::vec(
                prop_oneof![Just(b'a'), Just(0xC3), Just(0xBC), Just(0xE2), Just(0x82), Just(0xAC), any::<u8>()],
                0..60,
            ),
            by in 1..20_usize,
        ) {
            let survey = survey(&bytes, by);
            prop_assert_eq!(survey.is_utf8(), std::str::from_utf8(&bytes).is_ok());
            let lossy = String::from_utf8_lossy(&bytes);
            let replaced = lossy.matches('\u{FFFD}').count();
            let wide = lossy.chars().filter(|c| c.len_utf8() > 1).count();
            prop_assert_eq!(survey.good, (wide - replaced) as u64);
        }
    }
}

//! Whether the letters of a text make words when it is read in an encoding that was guessed. Encodings of one byte a letter
//! cannot be told apart by what is allowed in them, only by what comes out.

use std::io::{self, Read};

use super::encoding::letter;
use super::reading::Encoding;

/// The words of a text that are not in ASCII, in one reading and in others.
#[derive(Debug)]
struct Words {
    /// How many there are.
    seen: u64,
    readings: Vec<Odd>,
}

/// What comes out of a text in one encoding.
#[derive(Debug)]
struct Odd {
    encoding: Encoding,
    upper: [char; 128],
    /// How many words nobody would write.
    words: u64,
}

/// Another encoding in which a text makes more sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BetterEncoding {
    pub(super) encoding: Encoding,
    /// A word in the encoding that was guessed.
    pub(super) odd: String,
    /// The same word in the other one.
    pub(super) word: String,
}

/// In what spreadsheet programs and DOS write beside what is usually guessed right, the likeliest first.
const OTHERS: [&str; 5] = ["macintosh", "cp850", "cp852", "cp437", "windows-1252"];

/// How much of a word is looked at, in bytes.
const LONGEST: usize = 64;

/// Whether a text makes more sense in another encoding than in the one that was guessed: one word in four is odd in that,
/// and at most a quarter of these in the other.
pub(super) fn better(from: impl Read, guess: Encoding) -> io::Result<Option<BetterEncoding>> {
    let Some(upper) = guess.upper() else {
        return Ok(None);
    };
    let of = |encoding: Encoding| Some((encoding, encoding.upper()?));
    let others = OTHERS.iter().filter_map(|name| name.parse().ok());
    let others = others.filter(|other| *other != guess).filter_map(of);
    let odd = |(encoding, upper)| Odd {
        encoding,
        upper,
        words: 0,
    };
    let mut words = Words {
        seen: 0,
        readings: [(guess, upper)]
            .into_iter()
            .chain(others)
            .map(odd)
            .collect(),
    };
    let first_odd = words.read(from)?;
    Ok(first_odd.and_then(|word| words.judge(&word)))
}

impl Words {
    /// Looks at all words. The first one that is odd in the guess.
    fn read(&mut self, mut from: impl Read) -> io::Result<Option<Vec<u8>>> {
        let mut first_odd = None;
        let (mut word, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
        loop {
            let read = from.read(&mut buffer)?;
            for &byte in &buffer[..read] {
                if byte.is_ascii_alphanumeric() || !byte.is_ascii() {
                    if word.len() < LONGEST {
                        word.push(byte);
                    }
                    continue;
                }
                self.end(&mut word, &mut first_odd);
            }
            if read == 0 {
                self.end(&mut word, &mut first_odd);
                return Ok(first_odd);
            }
        }
    }

    fn end(&mut self, word: &mut Vec<u8>, first_odd: &mut Option<Vec<u8>>) {
        if !word.is_ascii() {
            self.seen += 1;
            for (nth, reading) in self.readings.iter_mut().enumerate() {
                if is_odd(&reading.letters(word)) {
                    reading.words += 1;
                    if nth == 0 && first_odd.is_none() {
                        *first_odd = Some(word.clone());
                    }
                }
            }
        }
        word.clear();
    }

    /// `word` is odd in the guess.
    fn judge(&self, word: &[u8]) -> Option<BetterEncoding> {
        let (guess, others) = self.readings.split_first()?;
        let best = others.iter().min_by_key(|other| other.words)?;
        let is_worse = guess.words * 4 >= self.seen && best.words * 4 <= guess.words;
        let shown = |reading: &Odd| -> String {
            let letters = reading.letters(word).into_iter();
            letters
                .map(|c| if c.is_control() { '\u{FFFD}' } else { c })
                .collect()
        };
        is_worse.then(|| BetterEncoding {
            encoding: best.encoding,
            odd: shown(guess),
            word: shown(best),
        })
    }
}

impl Odd {
    fn letters(&self, word: &[u8]) -> Vec<char> {
        word.iter().map(|byte| letter(*byte, &self.upper)).collect()
    }
}

/// Whether nobody would write a word like this: with a control character, a capital behind a small letter, or a sign within
/// it. Only letters that can be small and capital count, so that scripts without such are never odd.
fn is_odd(word: &[char]) -> bool {
    (0..word.len()).any(|at| {
        let before = at.checked_sub(1).map(|before| word[before]);
        odd_at(before, word[at], word.get(at + 1).copied())
    })
}

fn odd_at(before: Option<char>, c: char, next: Option<char>) -> bool {
    let is_small = |c: Option<char>| c.is_some_and(char::is_lowercase);
    let is_capital = |c: Option<char>| c.is_some_and(char::is_uppercase);
    let is_letter = |c: Option<char>| is_small(c) || is_capital(c);
    match c {
        _ if c.is_ascii() => false,
        _ if c.is_control() || c == '\u{FFFD}' => true,
        _ if c.is_uppercase() => is_small(before) || (is_capital(before) && is_small(next)),
        _ if c.is_alphanumeric() => false,
        // What stands in names, and what cannot be seen.
        '’' | '´' | '·' | '\u{A0}' | '\u{AD}' | '\u{2010}' | '\u{2011}' => false,
        '–' | '—' => is_small(before) && is_small(next),
        // What begins words in one language and ends them in another.
        '“' => is_letter(before) && is_letter(next),
        // What many take for an apostrophe.
        '‘' => is_letter(before) && is_small(next),
        // What ends words.
        '”' | '»' | '›' | '™' | '®' | '©' | '°' | '²' | '³' | '…' => is_letter(next),
        // What begins them.
        '„' | '‚' | '«' | '‹' | '¡' | '¿' | '•' | '†' => is_letter(before),
        _ => is_letter(before) || is_letter(next),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names as people have them, with few letters that are not in ASCII.
    const NAMES: [&str; 4] = [
        "Jürgen;Müller;Köln\nRené;Strauß;Žilina\n",
        "María;Muñoz;Málaga\nÁngel;Peña;Cádiz\nIñigo;Núñez;León\n",
        "François;Lefèvre;Orléans\nÉlodie;Bénard;Nîmes\nZoë;Lacôte;Besançon\n",
        "BJÖRN;SJÖBERG;MALMÖ\nÅsa;Ångström;Västerås\nSøren;Kjær;Århus\n",
    ];

    fn written(text: &str, encoding: Encoding) -> Vec<u8> {
        let upper = encoding.upper().unwrap();
        let byte = |c: char| {
            let at = upper.iter().position(|known| *known == c);
            at.map(|at| u8::try_from(at + 128).unwrap())
        };
        let known = text.chars().filter_map(|c| match c {
            c if c.is_ascii() => u8::try_from(c).ok(),
            c => byte(c),
        });
        known.collect()
    }

    #[test]
    fn a_text_that_makes_sense_is_left_alone() {
        for guess in ["windows-1252", "windows-1250", "macintosh", "cp850"] {
            let guess: Encoding = guess.parse().unwrap();
            for names in NAMES {
                let bytes = written(names, guess);
                assert_eq!(better(&bytes[..], guess).unwrap(), None, "{guess}: {names}");
            }
        }
        let western: Encoding = "windows-1252".parse().unwrap();
        for text in [
            "D’Angelo;O’Néill;„Müller“;»Bär«;“Zoë”",
            "D‘Arcy;“Kim”;„Kim“;•Kim;†Kim",
            "MUñOZ;STRAßE;Voß–Meyer;CAFÉ’S;¿Qué?;1.º;Acme™",
            "100 €;20°C;§ 5;±3;m²;Größe–Gewicht",
            "plain",
            "",
        ] {
            let bytes = written(text, western);
            assert_eq!(better(&bytes[..], western).unwrap(), None, "{text}");
        }
        // Letters that are neither small nor capital.
        let (hebrew, encoding, _) = encoding_rs::WINDOWS_1255.encode("שָׁלוֹם;אַבְרָהָם");
        let encoding: Encoding = encoding.name().parse().unwrap();
        assert_eq!(better(&hebrew[..], encoding).unwrap(), None);
    }

    #[test]
    fn what_a_mac_or_dos_has_written_is_not_taken_for_windows() {
        let western: Encoding = "windows-1252".parse().unwrap();
        for other in ["macintosh", "cp850", "cp437"] {
            let other: Encoding = other.parse().unwrap();
            for names in NAMES {
                let bytes = written(names, other);
                let better = better(&bytes[..], western).unwrap();
                assert!(better.is_some(), "{other}: {names}");
            }
        }
        let bytes = written(NAMES[0], "macintosh".parse().unwrap());
        let better = better(&bytes[..], western).unwrap().unwrap();
        assert_eq!((&*better.odd, &*better.word), ("JŸrgen", "Jürgen"));
        assert_eq!(better.encoding.to_string(), "macintosh");
    }

    #[test]
    fn one_odd_word_among_many_changes_nothing() {
        let western: Encoding = "windows-1252".parse().unwrap();
        let text = format!("{}Strau§;", NAMES[0]);
        let bytes = written(&text, western);
        assert_eq!(better(&bytes[..], western).unwrap(), None);
    }
}

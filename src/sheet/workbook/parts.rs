//! What is in a workbook that is a zip file, and whether it can be taken apart within bounds.
//!
//! A zip file says how large its parts are, but not truly if it was made to harm. So every part is
//! unpacked once to nowhere, and counted.

use std::io::{self, Read, Seek, SeekFrom};

use zip::ZipArchive;
use zip::result::ZipError;

use super::{Bytes, Trouble};
use crate::sheet::file_kind::Misfit;

/// How large a workbook may be, in bytes.
const LARGEST_FILE: u64 = 128 << 20;

/// How much may be in all parts together, unpacked.
const LARGEST_WHOLE: u64 = 1280 << 20;

/// What a workbook is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Office Open XML.
    Xlsx,
    /// The same in a binary form.
    Xlsb,
    /// `OpenDocument`.
    Ods,
}

/// What is in a workbook.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) format: Format,
    /// Whether there may be formulas in it.
    pub(super) has_formulas: bool,
}

/// What a part may come to.
struct Bound {
    /// How many bytes, unpacked.
    bytes: u64,
    /// How many between two `<`: one text or one tag, which is kept in memory.
    between_tags: u64,
    is_sheet: bool,
}

impl Bound {
    fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let is_sheet = name.contains("worksheets/") || name == "content.xml";
        let (bytes, between_tags) = if is_sheet {
            (1 << 30, 1 << 20)
        } else if name.contains("sharedstrings") {
            // All of it is kept in memory, about three times as large.
            (128 << 20, 1 << 20)
        } else if name.ends_with("styles.xml") {
            // What one says of fonts is kept for each of many others.
            (8 << 20, 2 << 10)
        } else {
            (32 << 20, u64::MAX)
        };
        Bound {
            bytes,
            between_tags,
            is_sheet,
        }
    }
}

/// Looks at all parts.
pub(super) fn check(mut bytes: Bytes) -> Result<Contents, Trouble> {
    check_directory(&mut bytes)?;
    let mut archive = ZipArchive::new(bytes).map_err(damaged)?;
    let format = format(&mut archive)?;
    let mut whole = 0;
    let mut has_formulas = false;
    for at in 0..archive.len() {
        let mut part = archive.by_index(at).map_err(damaged)?;
        let name = String::from_utf8_lossy(part.name_raw()).into_owned();
        let bound = Bound::of(&name);
        let mut counter = Counter::default();
        count(&mut part, &name, &bound, &mut counter)?;
        whole += counter.bytes;
        has_formulas |= bound.is_sheet && counter.has_formulas;
        if whole > LARGEST_WHOLE {
            return Err(too_large("the workbook", LARGEST_WHOLE));
        }
        drop(part);
        if name.to_ascii_lowercase().contains("sharedstrings.xml") {
            check_promise(&mut archive, at, counter.bytes)?;
        }
    }
    Ok(Contents {
        format,
        has_formulas,
    })
}

/// The list of parts is read into memory before it can be asked how long it is.
fn check_directory(bytes: &mut Bytes) -> Result<(), Trouble> {
    let length = bytes.seek(SeekFrom::End(0))?;
    if length > LARGEST_FILE {
        return Err(too_large("the workbook", LARGEST_FILE));
    }
    let tail = length.min(66 << 10);
    bytes.seek(SeekFrom::Start(length - tail))?;
    let mut end = Vec::new();
    bytes.read_to_end(&mut end)?;
    bytes.rewind()?;
    // A directory of the larger kind can have any number of parts. No workbook of this size needs one.
    let last = memchr::memmem::rfind(&end, b"PK\x05\x06");
    let is_wide = last
        .and_then(|last| last.checked_sub(20))
        .is_some_and(|at| end[at..].starts_with(b"PK\x06\x07"));
    if is_wide {
        return Err(Trouble::TooLarge(
            "the list of its parts is of a kind that is meant for files of many GiB".to_owned(),
        ));
    }
    Ok(())
}

fn format(archive: &mut ZipArchive<Bytes>) -> Result<Format, Trouble> {
    let names: Vec<String> = archive
        .file_names_raw()
        .map(|name| {
            String::from_utf8_lossy(name)
                .replace('\\', "/")
                .to_ascii_lowercase()
        })
        .collect();
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    if has("mimetype") && has("content.xml") {
        check_ods(archive)?;
        return Ok(Format::Ods);
    }
    if has("xl/workbook.bin") {
        return Ok(Format::Xlsb);
    }
    if has("[content_types].xml") && names.iter().any(|name| name.ends_with("workbook.xml")) {
        return Ok(Format::Xlsx);
    }
    Err(Trouble::Other(
        if names.iter().any(|name| name.starts_with("index/document.")) {
            Misfit::to_save_again("a document of Numbers or Pages")
        } else if has("word/document.xml") {
            Misfit::to_save_again("a Word document")
        } else {
            Misfit::to_unpack("a zip file without a workbook in it")
        },
    ))
}

fn check_ods(archive: &mut ZipArchive<Bytes>) -> Result<(), Trouble> {
    let mut start = |name: &str, most: u64| -> Result<Vec<u8>, Trouble> {
        let mut bytes = Vec::new();
        match archive.by_name(name) {
            Ok(part) => part.take(most).read_to_end(&mut bytes)?,
            Err(ZipError::FileNotFound) => 0,
            Err(error) => return Err(damaged(error)),
        };
        Ok(bytes)
    };
    if !start("mimetype", 200)?.starts_with(b"application/vnd.oasis.opendocument.spreadsheet") {
        let what = "an OpenDocument file, but no spreadsheet";
        return Err(Trouble::Other(Misfit::to_save_again(what)));
    }
    let manifest = start("META-INF/manifest.xml", 4 << 20)?;
    if memchr::memmem::find(&manifest, b"encryption-data").is_some() {
        return Err(Trouble::Password);
    }
    Ok(())
}

/// What was seen of a part.
#[derive(Debug, Default)]
struct Counter {
    bytes: u64,
    since_tag: u64,
    has_formulas: bool,
    /// Whether the last byte may be the beginning of a formula.
    begins: bool,
}

impl Counter {
    /// A formula begins with `<f`, or behind a prefix with `:f`; little else in a sheet does.
    fn look_for_formulas(&mut self, chunk: &[u8]) {
        if self.has_formulas {
            return;
        }
        let inside = memchr::memchr_iter(b'f', chunk).any(|at| match at.checked_sub(1) {
            Some(before) => matches!(chunk[before], b'<' | b':'),
            None => self.begins,
        });
        self.has_formulas = inside;
        self.begins = matches!(chunk, [.., b'<' | b':']);
    }
}

fn count(
    part: &mut impl Read,
    name: &str,
    bound: &Bound,
    counter: &mut Counter,
) -> Result<(), Trouble> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = match part.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Trouble::Damaged(format!("{name}: {error}"))),
            Ok(0) => return Ok(()),
            Ok(read) => read,
        };
        counter.bytes += read as u64;
        if counter.bytes > bound.bytes {
            return Err(too_large(name, bound.bytes));
        }
        let chunk = &buffer[..read];
        counter.look_for_formulas(chunk);
        let mut from = 0;
        let mut longest = 0;
        for tag in memchr::memchr_iter(b'<', chunk) {
            longest = longest.max(counter.since_tag + (tag - from) as u64);
            (counter.since_tag, from) = (0, tag);
        }
        counter.since_tag += (read - from) as u64;
        if longest.max(counter.since_tag) > bound.between_tags {
            return Err(Trouble::TooLarge(format!(
                "{name} has a text longer than {} bytes",
                bound.between_tags
            )));
        }
    }
}

/// The list of texts says how many there are, and room is made for as many.
fn check_promise(archive: &mut ZipArchive<Bytes>, at: usize, length: u64) -> Result<(), Trouble> {
    let part = archive.by_index(at).map_err(damaged)?;
    let mut xml = quick_xml::Reader::from_reader(io::BufReader::new(part.take(64 << 10)));
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer) {
            Ok(quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag)) => {
                for attribute in tag.attributes().with_checks(false).flatten() {
                    let count = attribute.value.trim().parse::<u64>();
                    if attribute.key.as_ref() == "uniqueCount"
                        && count.is_ok_and(|count| count > length)
                    {
                        return Err(Trouble::Damaged(
                            "the list of its texts is shorter than it says".to_owned(),
                        ));
                    }
                }
                if tag.local_name().as_ref() == "sst" {
                    return Ok(());
                }
            }
            Ok(quick_xml::events::Event::Eof) | Err(_) => {
                return Err(Trouble::Damaged(
                    "the list of its texts cannot be read".to_owned(),
                ));
            }
            Ok(_) => {}
        }
    }
}

fn too_large(what: &str, limit: u64) -> Trouble {
    Trouble::TooLarge(format!("{what} comes to more than {} MiB", limit >> 20))
}

fn damaged(error: ZipError) -> Trouble {
    match error {
        ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => Trouble::Io(error),
        other => Trouble::Damaged(other.to_string()),
    }
}

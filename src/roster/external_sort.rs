//! Sorts more fingerprints than should be kept in memory.
//!
//! Sorted runs are written to one anonymous temporary file and merged as they are read back.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use super::fingerprint::{Fingerprint, SIZE};

/// How many fingerprints are kept in memory: about two MiB.
const IN_MEMORY: usize = 32 << 10;

/// How much of each run is read at a time.
const READ_AHEAD: usize = 128;

/// Takes fingerprints in any order.
#[derive(Debug)]
pub(super) struct ExternalSort {
    capacity: usize,
    buffer: Vec<Fingerprint>,
    spill: Option<Spill>,
}

#[derive(Debug)]
struct Spill {
    file: File,
    /// Where each run begins and ends, in bytes.
    runs: Vec<(u64, u64)>,
    end: u64,
}

impl ExternalSort {
    pub(super) fn new() -> Self {
        Self::with_capacity(IN_MEMORY)
    }

    fn with_capacity(capacity: usize) -> Self {
        ExternalSort {
            capacity,
            buffer: Vec::new(),
            spill: None,
        }
    }

    pub(super) fn push(&mut self, fingerprint: Fingerprint) -> io::Result<()> {
        self.buffer.push(fingerprint);
        if self.buffer.len() >= self.capacity {
            self.spill()
        } else {
            Ok(())
        }
    }

    fn spill(&mut self) -> io::Result<()> {
        self.buffer.sort_unstable();
        let spill = match &mut self.spill {
            Some(spill) => spill,
            None => self.spill.insert(Spill {
                file: tempfile::tempfile()?,
                runs: Vec::new(),
                end: 0,
            }),
        };
        let mut to = BufWriter::new(&spill.file);
        for fingerprint in self.buffer.drain(..) {
            to.write_all(&fingerprint.to_bytes())?;
            spill.end += SIZE as u64;
        }
        to.flush()?;
        let begin = spill.runs.last().map_or(0, |(_, end)| *end);
        spill.runs.push((begin, spill.end));
        Ok(())
    }

    /// All of them, in order.
    pub(super) fn sorted(mut self) -> io::Result<SortedFingerprints> {
        if self.spill.is_some() && !self.buffer.is_empty() {
            self.spill()?;
        }
        self.buffer.sort_unstable();
        self.buffer.reverse();
        let mut sorted = SortedFingerprints {
            rest: self.buffer,
            heap: BinaryHeap::new(),
            runs: Vec::new(),
            file: None,
        };
        if let Some(spill) = self.spill {
            let run = |(at, end)| Run {
                at,
                end,
                ahead: Vec::new(),
            };
            sorted.runs = spill.runs.into_iter().map(run).collect();
            sorted.file = Some(spill.file);
            for run in 0..sorted.runs.len() {
                sorted.refill(run)?;
            }
        }
        Ok(sorted)
    }
}

/// Fingerprints in order.
#[derive(Debug)]
pub(super) struct SortedFingerprints {
    /// Those that were never spilled, the last first.
    rest: Vec<Fingerprint>,
    /// The first of each run that has any left.
    heap: BinaryHeap<Reverse<(Fingerprint, usize)>>,
    runs: Vec<Run>,
    file: Option<File>,
}

#[derive(Debug)]
struct Run {
    at: u64,
    end: u64,
    /// Read already, the last first.
    ahead: Vec<Fingerprint>,
}

impl SortedFingerprints {
    pub(super) fn next(&mut self) -> io::Result<Option<Fingerprint>> {
        let Some(Reverse((first, run))) = self.heap.pop() else {
            return Ok(self.rest.pop());
        };
        self.refill(run)?;
        Ok(Some(first))
    }

    /// Puts the next of a run on the heap.
    fn refill(&mut self, at: usize) -> io::Result<()> {
        let run = &mut self.runs[at];
        if run.ahead.is_empty()
            && run.at < run.end
            && let Some(file) = &mut self.file
        {
            let length = (run.end - run.at).min((READ_AHEAD * SIZE) as u64);
            file.seek(SeekFrom::Start(run.at))?;
            let mut bytes = Vec::with_capacity(READ_AHEAD * SIZE);
            file.take(length).read_to_end(&mut bytes)?;
            run.at += length;
            let (whole, _) = bytes.as_chunks::<SIZE>();
            run.ahead = whole.iter().rev().map(Fingerprint::from_bytes).collect();
        }
        if let Some(first) = run.ahead.pop() {
            self.heap.push(Reverse((first, at)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spilled_or_not_they_come_in_order() {
        for (capacity, count) in [
            (1_000, 500),
            (10, 500),
            (7, 5_000),
            (300, 300),
            (300, 301),
            (5, 0),
        ] {
            let mut sort = ExternalSort::with_capacity(capacity);
            let mut random = fastrand::Rng::with_seed(1);
            let mut expected = Vec::new();
            for row in 0..count {
                let fingerprint = Fingerprint {
                    key: random.u64(0..100),
                    row,
                    ..Fingerprint::default()
                };
                expected.push(fingerprint);
                sort.push(fingerprint).unwrap();
            }
            expected.sort_unstable();
            let mut in_order = sort.sorted().unwrap();
            let mut got = Vec::new();
            while let Some(fingerprint) = in_order.next().unwrap() {
                got.push(fingerprint);
            }
            assert_eq!(got, expected, "{count} by {capacity}");
        }
    }
}

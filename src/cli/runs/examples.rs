//! What help shows of each command.

pub(super) const LIST: &str = "\
Examples:
  headcount runs list
  headcount runs list --format json         for a program";

pub(super) const SHOW: &str = "\
Examples:
  headcount runs show                       the latest one
  headcount runs show 2026-11-24-0907
  headcount runs show --format json         for a program";

pub(super) const RESULTS: &str = "\
Examples:
  headcount runs results -o so-far.csv
  headcount runs results 2026-11-24-0907 -o done.xlsx";

pub(super) const REPORT: &str = "\
Examples:
  headcount runs report -o people.html      of the latest run
  headcount runs report 2026-11-24-0907 --report-mask";

pub(super) const RESUME: &str = "\
Examples:
  headcount runs resume                     the latest unfinished one
  headcount runs resume 2026-11-24-0907 --rate 60/min";

pub(super) const RETRY: &str = "\
Examples:
  headcount runs retry                      what the latest run has not done
  headcount runs retry people.results.csv   with rows that were corrected there";

pub(super) const UNDO: &str = "\
Examples:
  headcount runs undo --dry-run             what that would be, for the latest run
  headcount runs undo 2026-11-24-0907";

pub(super) const DISCARD: &str = "\
Examples:
  headcount runs discard 2026-11-24-0907";

pub(super) const PRUNE: &str = "\
Examples:
  headcount runs prune --older-than 90d";

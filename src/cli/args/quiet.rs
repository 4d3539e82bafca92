//! Whether commands say what they have done.

use std::fmt::Display;

use clap::Args;
use clap::builder::FalseyValueParser;

use crate::report::say;

/// Whether anything is said but errors.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(in crate::cli) struct QuietArgs {
    /// Say nothing but errors
    #[arg(short, long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_QUIET")]
    quiet: bool,
}

impl QuietArgs {
    pub(in crate::cli) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Says something that is no error.
    pub(in crate::cli) fn say(self, words: impl Display) {
        if !self.quiet {
            say(words);
        }
    }
}

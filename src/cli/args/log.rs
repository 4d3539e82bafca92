//! What the program notes of its own work: `tracing` to standard error, or to a file.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Mutex;

use clap::{ArgAction, Args, ValueEnum};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::report::Screen;

/// How much is logged, and where to.
#[derive(Debug, Args)]
#[command(next_help_heading = "Log")]
pub(in crate::cli) struct LogArgs {
    /// Log more: -v what the program decides, -vv every call
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// How the log is written
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        env = "HEADCOUNT_LOG_FORMAT"
    )]
    log_format: LogFormat,
    /// Write the log to this file instead of standard error
    #[arg(long, global = true, value_name = "FILE", env = "HEADCOUNT_LOG_FILE")]
    log_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum LogFormat {
    #[default]
    Text,
    Json,
}

impl LogArgs {
    /// Begins to log. Only this program's own notes are logged: those of the HTTP layers below
    /// could hold header fields.
    pub(in crate::cli) fn start(&self) -> Result<(), String> {
        let level = match (self.verbose, &self.log_file) {
            (0, None) => LevelFilter::WARN,
            (0 | 1, _) => LevelFilter::INFO,
            (2, _) => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        };
        let filter = Targets::new().with_target("headcount", level);
        let writer = match &self.log_file {
            None => BoxMakeWriter::new(Screen),
            Some(path) => {
                let open = File::options().append(true).create(true).open(path);
                let file = open.map_err(|error| {
                    format!("the log file {} cannot be written: {error}", path.display())
                })?;
                BoxMakeWriter::new(Mutex::new(file))
            }
        };
        let log = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_writer(writer);
        match self.log_format {
            LogFormat::Text => log.with_target(false).finish().with(filter).init(),
            LogFormat::Json => log.json().finish().with(filter).init(),
        }
        Ok(())
    }
}

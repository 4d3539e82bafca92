//! The command line, files, formats and texts: what needs no server.

mod awkward;
mod check;
mod columns;
mod config;
mod hostile;
mod manual;
mod template;

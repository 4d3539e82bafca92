//! `--color`: whether there are colours. It has to be known before the command line is understood, since that may
//! fail, which is said in colours, too.

use std::ffi::OsString;

use clap::{Args, ColorChoice, ValueEnum};

use crate::report::Colours;

/// The variable that says it if no flag does.
const VARIABLE: &str = "HEADCOUNT_COLOR";

/// How the terminal is written on.
#[derive(Debug, Args)]
#[command(next_help_heading = "Screen")]
pub(in crate::cli) struct ColourArgs {
    /// When to use colours; auto obeys `NO_COLOR` and `CLICOLOR_FORCE`, too
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        env = VARIABLE
    )]
    pub(in crate::cli) color: Colours,
}

/// What the flag, or else the variable, says. Whatever is not understood is left to the command line to refuse.
pub(in crate::cli) fn asked_for(arguments: impl IntoIterator<Item = OsString>) -> Colours {
    let arguments: Vec<OsString> = arguments
        .into_iter()
        .take_while(|argument| argument != "--")
        .collect();
    let mut said = None;
    for (at, argument) in arguments.iter().enumerate() {
        let Some(argument) = argument.to_str() else {
            continue;
        };
        if argument == "--color" {
            said = arguments.get(at + 1).cloned();
        } else if let Some(value) = argument.strip_prefix("--color=") {
            said = Some(value.into());
        }
    }
    let said = said.or_else(|| std::env::var_os(VARIABLE));
    said.and_then(|value| Colours::from_str(value.to_str()?, false).ok())
        .unwrap_or_default()
}

/// The same for help and errors of the command line.
pub(in crate::cli) fn of_help(colours: Colours) -> ColorChoice {
    match colours {
        Colours::Auto => ColorChoice::Auto,
        Colours::Always => ColorChoice::Always,
        Colours::Never => ColorChoice::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Colours {
        asked_for(line.split(' ').map(OsString::from))
    }

    #[test]
    fn the_flag_is_found_wherever_it_stands() {
        assert_eq!(asked("--color never import x.csv"), Colours::Never);
        assert_eq!(asked("runs list --color=always"), Colours::Always);
        assert_eq!(
            asked("runs list --color never --color always"),
            Colours::Always
        );
        assert_eq!(asked("import -- --color=always"), Colours::Auto);
        assert_eq!(asked("import --color"), Colours::Auto);
        assert_eq!(asked("import --color pink"), Colours::Auto);
    }
}

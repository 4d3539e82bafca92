//! Colours: what each stands for, and whether there are any.
//!
//! Text is painted wherever it is made, as if there always were colours. Whether they are kept is decided in one
//! place: by [`Colours::hold`], by `NO_COLOR` and `CLICOLOR_FORCE`, and by what is at the other end, when
//! [`say`](super::say) and [`TerminalWriter`](super::TerminalWriter) write it. A colour only repeats what a word says.

use std::fmt;

use anstyle::AnsiColor;

/// When there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Colours {
    /// On a terminal
    #[default]
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

impl Colours {
    /// This holds for everything that is written from now on.
    pub fn hold(self) {
        let choice = match self {
            Colours::Auto => anstream::ColorChoice::Auto,
            Colours::Always => anstream::ColorChoice::Always,
            Colours::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}

/// What a colour stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// It is as it should be, or something is added.
    Good,
    /// It is wrong, or something is taken away.
    Bad,
    /// Worth a second look.
    Care,
    /// Not so important.
    Faint,
    /// To be typed as it stands: it is kept on one line where there is room.
    Command,
}

impl Style {
    const fn style(self) -> anstyle::Style {
        let colour = match self {
            Style::Good => AnsiColor::Green,
            Style::Bad => AnsiColor::Red,
            Style::Care => AnsiColor::Yellow,
            Style::Faint => return anstyle::Style::new().dimmed(),
            Style::Command => return anstyle::Style::new().bold(),
        };
        colour.on_default()
    }

    /// What stands before and behind a text in this colour.
    pub(super) fn marks(self) -> (String, String) {
        let style = self.style();
        (style.to_string(), format!("{style:#}"))
    }

    /// The text in this colour.
    #[must_use]
    pub fn on(self, text: impl fmt::Display) -> String {
        let style = self.style();
        format!("{style}{text}{style:#}")
    }
}

/// The text without colours.
#[must_use]
pub fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

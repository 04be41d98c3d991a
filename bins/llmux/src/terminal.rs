//! Where text goes: answers to standard output, everything about them to standard error.

use std::env;
use std::fmt::{self, Display};
use std::io::{self, IsTerminal, Write};

use crate::cli::Color;

/// The two output streams and whether each takes colours.
#[derive(Debug)]
pub(crate) struct Terminal {
    out: io::Stdout,
    err: io::Stderr,
    color_out: bool,
    color_err: bool,
}

impl Terminal {
    /// Decides about colours once, for both streams.
    pub(crate) fn new(color: Color) -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let wanted = |is_terminal: bool| match color {
            Color::Auto => is_terminal && !plain,
            Color::Always => true,
            Color::Never => false,
        };
        let (color_out, color_err) = (wanted(out.is_terminal()), wanted(err.is_terminal()));
        Self { out, err, color_out, color_err }
    }

    /// Standard output.
    pub(crate) fn out(&mut self) -> &mut io::Stdout {
        &mut self.out
    }

    /// Text in a style, for standard output.
    pub(crate) fn paint<T: Display>(&self, style: Style, text: T) -> Painted<T> {
        Painted { style: self.color_out.then_some(style), text }
    }

    /// Writes a line about the work, not part of its result, to standard error.
    pub(crate) fn note(&mut self, text: &str) {
        let line = Painted { style: self.color_err.then_some(Style::Dim), text };
        self.err_line(&line);
    }

    /// Writes `error: …` to standard error.
    pub(crate) fn error(&mut self, text: &str) {
        let label = Painted { style: self.color_err.then_some(Style::Bad), text: "error:" };
        self.err_line(&format_args!("{label} {text}"));
    }

    /// Shows a prompt for the next line of input.
    pub(crate) fn prompt(&mut self, text: &str) {
        let prompt = Painted { style: self.color_err.then_some(Style::Strong), text };
        let shown = write!(self.err, "{prompt}").and_then(|()| self.err.flush());
        drop(shown);
    }

    fn err_line(&mut self, line: &dyn Display) {
        // Nobody is left to tell when standard error itself is closed.
        drop(writeln!(self.err, "{line}"));
    }
}

/// How a piece of text looks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Style {
    /// Headings.
    Strong,
    /// What is less important.
    Dim,
    /// Errors.
    Bad,
    /// Warnings.
    Doubtful,
    /// Success.
    Good,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Strong => "\x1b[1m",
            Self::Dim => "\x1b[2m",
            Self::Bad => "\x1b[1;31m",
            Self::Doubtful => "\x1b[1;33m",
            Self::Good => "\x1b[1;32m",
        }
    }
}

/// Text that shows itself in its style, or plain.
#[derive(Debug)]
pub(crate) struct Painted<T> {
    style: Option<Style>,
    text: T,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.style {
            Some(style) => {
                f.write_str(style.code())?;
                self.text.fmt(f)?;
                f.write_str("\x1b[0m")
            }
            None => self.text.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn painted_text_keeps_its_padding() {
        let plain = Painted { style: None, text: "ok" };
        let bold = Painted { style: Some(Style::Strong), text: "ok" };
        assert_eq!(format!("{plain:>4}|"), "  ok|");
        assert_eq!(format!("{bold:>4}|"), "\x1b[1m  ok\x1b[0m|");
    }

    #[test]
    fn never_means_no_escape_codes() {
        let terminal = Terminal::new(Color::Never);
        assert_eq!(terminal.paint(Style::Bad, "no").to_string(), "no");
    }
}

//! Tables as documents have them.

use crate::support::median;

/// A table with a title and a heading for each column.
pub struct Table {
    text: String,
}

impl Table {
    pub fn new(title: &str, headings: &[&str]) -> Self {
        let mut table = Table {
            text: format!("\n### {title}\n\n"),
        };
        table.row(headings);
        table.row(&vec!["---"; headings.len()]);
        table
    }

    pub fn row(&mut self, cells: &[&str]) {
        for cell in cells {
            self.text += &format!("| {cell} ");
        }
        self.text += "|\n";
    }

    pub fn print(&self) {
        print!("{}", self.text);
    }
}

/// The median, and between what the figures are where there are several.
pub fn spread(figures: &[f64], digits: usize) -> String {
    let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let most = figures.iter().copied().fold(0.0, f64::max);
    let middle = median(figures);
    match figures {
        [_] => format!("{middle:.digits$}"),
        _ => format!("{middle:.digits$} ({least:.digits$} to {most:.digits$})"),
    }
}

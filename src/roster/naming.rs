//! Where a file says who somebody is.

use super::column::Column;
use super::header::Columns;

/// The columns in which a file says who somebody is.
#[derive(Debug, Clone, Copy)]
pub struct Naming {
    pub(crate) email: Option<usize>,
    pub(crate) id: Option<usize>,
    pub(crate) display_name: Option<usize>,
    pub(crate) names: [Option<usize>; 2],
    pub(crate) others: [Option<usize>; 2],
}

impl Naming {
    /// As the headings say.
    #[must_use]
    pub fn of(columns: &Columns) -> Self {
        Naming {
            email: columns.at(Column::Email),
            id: columns.at(Column::Id),
            display_name: columns.at(Column::DisplayName),
            names: [columns.at(Column::FirstName), columns.at(Column::LastName)],
            others: [columns.at(Column::NewEmail), columns.at(Column::ExternalId)],
        }
    }
}

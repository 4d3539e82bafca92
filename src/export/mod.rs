//! What a node holds, as rows of a spreadsheet: users, teams, memberships; all, or those that a filter
//! matches.
//!
//! Users are streamed page by page; an export of users is itself a valid input of an import. Rows
//! that are to be sorted are held in memory.

mod filter;
mod filter_words;
mod groups;
mod matching;
mod shortened;
mod table;
mod terms;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::iter;
use std::sync::Arc;

pub use filter::Filter;
pub use table::{Choice, ExportTable};
pub use terms::About;

use groups::{Groups, with_members};
use matching::Subject;
use shortened::Shortened;

use crate::attribute::Attribute;
use crate::scim::{Client, Error, Group, Listing, Overlap, Query, User};
use crate::sheet::Cell;

/// What to export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// Everybody, with the teams they are in
    Users,
    /// Teams and roles
    Teams,
    /// Who is in which team or role
    Members,
}

/// An export that did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The node.
    #[error(transparent)]
    Node(#[from] Error),
    /// The file.
    #[error("the export cannot be written: {0}")]
    File(#[from] io::Error),
}

impl What {
    /// The headings.
    #[must_use]
    pub fn header(self) -> Vec<&'static str> {
        match self {
            What::Users => {
                let texts = Attribute::all().map(Attribute::column);
                let others = ["active", "teams", "roles"];
                iter::once("id").chain(texts).chain(others).collect()
            }
            What::Teams => vec!["id", "name", "kind"],
            What::Members => vec!["team_id", "team", "kind", "user_id", "email"],
        }
    }

    /// What a filter is about.
    #[must_use]
    pub fn about(self) -> About {
        match self {
            What::Users | What::Members => About::Users,
            What::Teams => About::Groups,
        }
    }
}

/// The heading of the node's name, where there is one.
pub const NODE: &str = "node";

/// Exports from one node.
#[derive(Debug)]
pub struct Export<'c> {
    client: &'c Arc<Client>,
    role_prefix: Option<String>,
    /// What stands in the last column of every row, where rows of several nodes are put together.
    node: Option<&'c str>,
    filter: Option<&'c Filter>,
}

/// How far an export is: rows written, rows in all if known.
pub type OnPage<'f> = dyn FnMut(u64, Option<u64>) + Send + 'f;

impl<'c> Export<'c> {
    /// From this node; groups whose names begin with the prefix are roles.
    #[must_use]
    pub fn new(client: &'c Arc<Client>, role_prefix: Option<String>) -> Self {
        Export {
            client,
            role_prefix: role_prefix.filter(|prefix| !prefix.is_empty()),
            node: None,
            filter: None,
        }
    }

    /// The same with the node's name in one more column, [`NODE`].
    #[must_use]
    pub fn named(self, node: &'c str) -> Self {
        Export {
            node: Some(node),
            ..self
        }
    }

    /// The same with those only that match; who is in which team, with the users that match.
    #[must_use]
    pub fn only(self, filter: Option<&'c Filter>) -> Self {
        Export { filter, ..self }
    }

    /// Writes all of `what`, and returns how many rows that were.
    ///
    /// # Errors
    /// When the node's list cannot be read to its end, or the file not be written.
    pub async fn write<W: Write>(
        &self,
        what: What,
        table: &mut ExportTable<W>,
        on_page: &mut OnPage<'_>,
    ) -> Result<u64, ExportError> {
        match what {
            What::Users => self.users(table, on_page).await,
            What::Teams => self.teams(table, on_page).await,
            What::Members => self.members(table, on_page).await,
        }
    }

    /// What the node is asked for.
    fn query(&self) -> Query {
        Query {
            filter: self.filter.and_then(Filter::for_the_node),
            ..Query::default()
        }
    }

    fn admits(&self, subject: &Subject<'_>) -> bool {
        self.filter.is_none_or(|filter| filter.matches(subject))
    }

    async fn users<W: Write>(
        &self,
        table: &mut ExportTable<W>,
        on_page: &mut OnPage<'_>,
    ) -> Result<u64, ExportError> {
        let by_groups = self.filter.is_some_and(Filter::is_about_groups);
        let needs_groups = by_groups || table.needs(&["teams", "roles"]);
        let mut groups = Groups::default();
        let mut listing = Shortened::<User>::new(self.client, self.query());
        let mut rows = 0;
        while let Some(mut page) = listing.next().await? {
            if self.filter.is_none() {
                table.expect(listing.total())?;
            }
            if !by_groups {
                page.retain(|user| self.admits(&Subject::user(user, &[])));
            }
            if needs_groups {
                groups.learn_for(self.client, &page).await?;
            }
            for user in &page {
                let memberships = groups.of(user);
                if by_groups && !self.admits(&Subject::user(user, &memberships)) {
                    continue;
                }
                self.user(table, user, &memberships)?;
                rows += 1;
            }
            on_page(rows, listing.total());
        }
        Ok(rows)
    }

    fn user<W: Write>(
        &self,
        table: &mut ExportTable<W>,
        user: &User,
        memberships: &[(&str, Option<&str>)],
    ) -> io::Result<()> {
        let (mut teams, mut roles) = (Vec::new(), Vec::new());
        for &(id, name) in memberships {
            match name.and_then(|name| self.role_of(name)) {
                Some(role) => roles.push(cell_name(Some(role), id)),
                None => teams.push(cell_name(name, id)),
            }
        }
        let mut cells = vec![Cell::Text(&user.id)];
        cells.extend(Attribute::all().map(|attribute| optional(user.texts.get(attribute))));
        cells.extend([
            user.active.map_or(Cell::Empty, Cell::Flag),
            Cell::List(&teams),
            Cell::List(&roles),
        ]);
        self.row(table, &cells)
    }

    async fn teams<W: Write>(
        &self,
        table: &mut ExportTable<W>,
        on_page: &mut OnPage<'_>,
    ) -> Result<u64, ExportError> {
        let lean = Query {
            excluded: Some("members"),
            ..self.query()
        };
        let mut listing = Shortened::<Group>::new(self.client, lean);
        let mut rows = 0;
        while let Some(page) = listing.next().await? {
            for group in &page {
                if !self.admits(&Subject::group(group)) {
                    continue;
                }
                let (kind, name) = self.kind(group.display_name.as_deref().unwrap_or_default());
                self.row(
                    table,
                    &[Cell::Text(&group.id), Cell::Text(name), Cell::Text(kind)],
                )?;
                rows += 1;
            }
            on_page(rows, listing.total());
        }
        Ok(rows)
    }

    /// Nodes tell memberships with the group, with the user, or with both: the two are put together.
    async fn members<W: Write>(
        &self,
        table: &mut ExportTable<W>,
        on_page: &mut OnPage<'_>,
    ) -> Result<u64, ExportError> {
        let groups = Listing::<Group>::new(self.client, Query::default(), Overlap::One)
            .all()
            .await?;
        let mut users = Shortened::<User>::new(self.client, self.query());
        let mut page = users.next().await?;
        let users_tell = page.iter().flatten().any(|user| user.groups.is_some());
        let groups = if users_tell {
            groups
        } else {
            with_members(self.client, groups).await?
        };
        let told = Groups::told_by(&groups);
        let mut emails = BTreeMap::new();
        let mut memberships: BTreeSet<(String, String)> = BTreeSet::new();
        while let Some(some) = page {
            for user in some {
                let of_user = told.with_own(&user);
                if !self.admits(&Subject::user(&user, &of_user)) {
                    continue;
                }
                let of_user = of_user.iter().map(|(group, _)| (*group).to_owned());
                memberships.extend(of_user.map(|group| (group, user.id.clone())));
                let email = user.user_name().unwrap_or_default().to_owned();
                emails.insert(user.id, email);
            }
            page = users.next().await?;
        }
        let mut rows = 0;
        for group in groups {
            // A node may list members that it does not list as users.
            if self.filter.is_none() {
                let members = group.members.into_iter().flatten();
                memberships.extend(members.map(|user| (group.id.clone(), user.value)));
            }
            let (kind, name) = self.kind(group.display_name.as_deref().unwrap_or_default());
            let first = (group.id.clone(), String::new());
            for (_, user) in memberships
                .range(first..)
                .take_while(|(team, _)| *team == group.id)
            {
                let email = optional(emails.get(user).map(String::as_str));
                self.row(
                    table,
                    &[
                        Cell::Text(&group.id),
                        Cell::Text(name),
                        Cell::Text(kind),
                        Cell::Text(user),
                        email,
                    ],
                )?;
                rows += 1;
            }
            on_page(rows, None);
        }
        Ok(rows)
    }

    fn row<W: Write>(&self, table: &mut ExportTable<W>, cells: &[Cell<'_>]) -> io::Result<()> {
        match self.node {
            None => table.row(cells),
            Some(node) => table.row(&[cells, &[Cell::Text(node)]].concat()),
        }
    }

    fn role_of<'n>(&self, name: &'n str) -> Option<&'n str> {
        name.strip_prefix(self.role_prefix.as_deref()?)
    }

    fn kind<'n>(&self, name: &'n str) -> (&'static str, &'n str) {
        match self.role_of(name) {
            Some(role) => ("role", role),
            None => ("team", name),
        }
    }
}

fn optional(text: Option<&str>) -> Cell<'_> {
    text.map_or(Cell::Empty, Cell::Text)
}

/// The name, unless it would be torn apart at its own separators when it is read back.
fn cell_name<'n>(name: Option<&'n str>, id: &'n str) -> Cow<'n, str> {
    match name {
        Some(name) if !name.contains([';', '|']) => name.into(),
        _ => id.into(),
    }
}

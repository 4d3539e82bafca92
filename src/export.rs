//! What a node holds, as rows of a spreadsheet: users, teams, memberships.
//!
//! Users are streamed page by page; an export of users is itself a valid input of an import.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use crate::scim::{Client, Error, Group, Listing, Overlap, Query, User};
use crate::sheet::{Cell, Writer};

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
    pub fn header(self) -> &'static [&'static str] {
        match self {
            What::Users => &[
                "id",
                "email",
                "first_name",
                "last_name",
                "display_name",
                "external_id",
                "active",
                "teams",
                "roles",
            ],
            What::Teams => &["id", "name", "kind"],
            What::Members => &["team_id", "team", "kind", "user_id", "email"],
        }
    }
}

/// The heading of the node's name, where there is one.
pub const NODE: &str = "node";

/// Exports from one node.
#[derive(Debug)]
pub struct Export<'c> {
    client: &'c Client,
    role_prefix: Option<String>,
    /// What stands in the last column of every row, where rows of several nodes are put together.
    node: Option<&'c str>,
}

/// How far an export is: rows written, rows in all if known.
pub type OnPage<'f> = dyn FnMut(u64, Option<u64>) + Send + 'f;

impl<'c> Export<'c> {
    /// From this node; groups whose names begin with the prefix are roles.
    #[must_use]
    pub fn new(client: &'c Client, role_prefix: Option<String>) -> Self {
        Export {
            client,
            role_prefix: role_prefix.filter(|prefix| !prefix.is_empty()),
            node: None,
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

    /// Writes all of `what`, and returns how many rows that were.
    ///
    /// # Errors
    /// When the node's list cannot be read to its end, or the file not be written.
    pub async fn write<W: Write>(
        &self,
        what: What,
        writer: &mut Writer<W>,
        on_page: &mut OnPage<'_>,
    ) -> Result<u64, ExportError> {
        match what {
            What::Users => self.users(writer, on_page).await,
            What::Teams => self.teams(writer, on_page).await,
            What::Members => self.members(writer, on_page).await,
        }
    }

    async fn users<W: Write>(
        &self,
        writer: &mut Writer<W>,
        on_page: &mut OnPage<'_>,
    ) -> Result<u64, ExportError> {
        let mut groups = Groups::default();
        let mut listing = Listing::<User>::new(self.client, Query::default(), Overlap::One);
        let mut rows = 0;
        while let Some(page) = listing.next().await? {
            groups.learn_for(self.client, &page).await?;
            for user in &page {
                self.user(writer, user, &groups)?;
                rows += 1;
            }
            on_page(rows, listing.total());
        }
        Ok(rows)
    }

    fn user<W: Write>(
        &self,
        writer: &mut Writer<W>,
        user: &User,
        groups: &Groups,
    ) -> io::Result<()> {
        let (mut teams, mut roles) = (Vec::new(), Vec::new());
        for (id, name) in groups.of(user) {
            match name.and_then(|name| self.role_of(name)) {
                Some(role) => roles.push(cell_name(Some(role), id)),
                None => teams.push(cell_name(name, id)),
            }
        }
        self.row(
            writer,
            &[
                Cell::Text(&user.id),
                optional(user.user_name.as_deref()),
                optional(user.given_name.as_deref()),
                optional(user.family_name.as_deref()),
                optional(user.display_name.as_deref()),
                optional(user.external_id.as_deref()),
                user.active.map_or(Cell::Empty, Cell::Flag),
                Cell::List(&teams),
                Cell::List(&roles),
            ],
        )
    }

    async fn teams<W: Write>(
        &self,
        writer: &mut Writer<W>,
        on_page: &mut OnPage<'_>,
    ) -> Result<u64, ExportError> {
        let lean = Query {
            excluded: Some("members"),
            ..Query::default()
        };
        let mut listing = Listing::<Group>::new(self.client, lean, Overlap::One);
        let mut rows = 0;
        while let Some(page) = listing.next().await? {
            for group in &page {
                let (kind, name) = self.kind(group.display_name.as_deref().unwrap_or_default());
                self.row(
                    writer,
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
        writer: &mut Writer<W>,
        on_page: &mut OnPage<'_>,
    ) -> Result<u64, ExportError> {
        let groups = Listing::<Group>::new(self.client, Query::default(), Overlap::One)
            .all()
            .await?;
        let mut emails = BTreeMap::new();
        let mut memberships: BTreeSet<(String, String)> = BTreeSet::new();
        let mut users = Listing::<User>::new(self.client, Query::default(), Overlap::One);
        while let Some(page) = users.next().await? {
            for user in page {
                memberships.extend(
                    user.groups
                        .into_iter()
                        .flatten()
                        .map(|group| (group.value, user.id.clone())),
                );
                emails.insert(user.id, user.user_name.unwrap_or_default());
            }
        }
        let mut rows = 0;
        for group in groups {
            memberships.extend(
                group
                    .members
                    .into_iter()
                    .flatten()
                    .map(|user| (group.id.clone(), user.value)),
            );
            let (kind, name) = self.kind(group.display_name.as_deref().unwrap_or_default());
            let first = (group.id.clone(), String::new());
            for (_, user) in memberships
                .range(first..)
                .take_while(|(team, _)| *team == group.id)
            {
                let email = optional(emails.get(user).map(String::as_str));
                self.row(
                    writer,
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

    fn row<W: Write>(&self, writer: &mut Writer<W>, cells: &[Cell<'_>]) -> io::Result<()> {
        match self.node {
            None => writer.row(cells),
            Some(node) => writer.row(&[cells, &[Cell::Text(node)]].concat()),
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

/// What has to be asked of the groups where users do not say it themselves.
#[derive(Debug, Default)]
struct Groups {
    /// Name by id, once somebody's group came without its name.
    names: Option<BTreeMap<String, String>>,
    /// Groups by member, once somebody came without groups.
    by_member: Option<BTreeMap<String, Vec<String>>>,
}

impl Groups {
    /// Asks for the groups if one of these users makes it necessary; once in an export.
    async fn learn_for(&mut self, client: &Client, users: &[User]) -> Result<(), Error> {
        let silent = self.by_member.is_none() && users.iter().any(|user| user.groups.is_none());
        let nameless = |user: &User| {
            user.groups
                .iter()
                .flatten()
                .any(|group| group.display.is_none())
        };
        if !silent && (self.names.is_some() || !users.iter().any(nameless)) {
            return Ok(());
        }
        let excluded = if silent { None } else { Some("members") };
        let query = Query {
            excluded,
            ..Query::default()
        };
        let groups = Listing::<Group>::new(client, query, Overlap::One)
            .all()
            .await?;
        let mut by_member: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut names = BTreeMap::new();
        for group in groups {
            for member in group.members.into_iter().flatten() {
                by_member
                    .entry(member.value)
                    .or_default()
                    .push(group.id.clone());
            }
            names.insert(group.id, group.display_name.unwrap_or_default());
        }
        self.names = Some(names);
        if silent {
            self.by_member = Some(by_member);
        }
        Ok(())
    }

    /// Ids of the groups that a user is in, with their names as far as known.
    fn of<'g>(&'g self, user: &'g User) -> Vec<(&'g str, Option<&'g str>)> {
        let name = |id: &str| {
            self.names
                .as_ref()?
                .get(id)
                .map(String::as_str)
                .filter(|name| !name.is_empty())
        };
        match (&user.groups, &self.by_member) {
            (Some(groups), _) => groups
                .iter()
                .map(|group| {
                    (
                        &*group.value,
                        group.display.as_deref().or_else(|| name(&group.value)),
                    )
                })
                .collect(),
            (None, Some(by_member)) => by_member
                .get(&user.id)
                .into_iter()
                .flatten()
                .map(|id| (&**id, name(id)))
                .collect(),
            (None, None) => Vec::new(),
        }
    }
}

fn optional(text: Option<&str>) -> Cell<'_> {
    text.map_or(Cell::Empty, Cell::Text)
}

/// The name, unless it would be torn apart at its own separators when it is read back.
fn cell_name(name: Option<&str>, id: &str) -> String {
    match name {
        Some(name) if !name.contains([';', '|']) => name.to_owned(),
        _ => id.to_owned(),
    }
}

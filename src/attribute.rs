//! The text attributes of a user: one table of what SCIM and a spreadsheet call each of them. Whatever reads, compares,
//! sends or shows users goes through the table, and names an attribute only where that one is special.

use std::ops::{Index, IndexMut};

use strum::{EnumCount, VariantArray};

/// A text attribute of a user (RFC 7643, sections 3.1 and 4.1.1), in the order of the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumCount, VariantArray)]
pub enum Attribute {
    /// The email address that the user signs in with.
    UserName,
    /// First name.
    GivenName,
    /// Last name.
    FamilyName,
    /// The name shown to others.
    DisplayName,
    /// The id that the company knows the user by.
    ExternalId,
}

/// A row of the table.
struct Definition {
    path: &'static str,
    column: &'static str,
    case_exact: bool,
}

impl Attribute {
    /// All but the user name, which has to be an email address and says who the user is.
    pub const FREE_TEXTS: [Attribute; Attribute::COUNT - 1] = *Self::VARIANTS.last_chunk().unwrap();

    const fn definition(self) -> Definition {
        let (path, column, case_exact) = match self {
            Attribute::UserName => ("userName", "email", false),
            Attribute::GivenName => ("name.givenName", "first_name", false),
            Attribute::FamilyName => ("name.familyName", "last_name", false),
            Attribute::DisplayName => ("displayName", "display_name", false),
            Attribute::ExternalId => ("externalId", "external_id", true),
        };
        Definition {
            path,
            column,
            case_exact,
        }
    }

    /// Its path in a PATCH and a filter (RFC 7644, section 3.10).
    #[must_use]
    pub const fn path(self) -> &'static str {
        self.definition().path
    }

    /// The name of its column.
    #[must_use]
    pub const fn column(self) -> &'static str {
        self.definition().column
    }

    /// Whether upper and lower case are different (RFC 7643, section 2.2).
    #[must_use]
    pub const fn is_case_exact(self) -> bool {
        self.definition().case_exact
    }

    /// All of them, in the order of the columns.
    pub fn all() -> impl Iterator<Item = Attribute> {
        Self::VARIANTS.iter().copied()
    }

    /// Those that stand in the user itself, with their names there.
    pub fn simple() -> impl Iterator<Item = (&'static str, Attribute)> {
        let all = Self::all().map(|attribute| (attribute.path(), attribute));
        all.filter(|(path, _)| !path.contains('.'))
    }

    /// The sub-attributes of `name`, with their names there.
    #[must_use]
    pub fn of_name() -> impl DoubleEndedIterator<Item = (&'static str, Attribute)> {
        let all = Self::VARIANTS.iter();
        all.filter_map(|attribute| Some((attribute.path().strip_prefix("name.")?, *attribute)))
    }
}

/// Something for each attribute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Attributes<T>([T; Attribute::COUNT]);

/// The texts of a user; none where there is no text.
pub type Texts = Attributes<Option<String>>;

impl<T> Attributes<T> {
    /// What `of` gives for each.
    pub fn of(mut of: impl FnMut(Attribute) -> T) -> Self {
        Attributes(std::array::from_fn(|at| of(Attribute::VARIANTS[at])))
    }
}

impl Texts {
    /// One of the texts.
    #[must_use]
    pub fn get(&self, attribute: Attribute) -> Option<&str> {
        self[attribute].as_deref()
    }
}

impl<T> Index<Attribute> for Attributes<T> {
    type Output = T;

    fn index(&self, attribute: Attribute) -> &T {
        &self.0[attribute as usize]
    }
}

impl<T> IndexMut<Attribute> for Attributes<T> {
    fn index_mut(&mut self, attribute: Attribute) -> &mut T {
        &mut self.0[attribute as usize]
    }
}

impl<T: Default, const N: usize> From<[(Attribute, T); N]> for Attributes<T> {
    fn from(some: [(Attribute, T); N]) -> Self {
        let mut attributes = Self::of(|_| T::default());
        for (attribute, value) in some {
            attributes[attribute] = value;
        }
        attributes
    }
}

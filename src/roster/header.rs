//! Headings, and what they stand for.

use super::code::Code;
use super::column::Column;
use super::heading::{Likeness, ambiguous, key, meaning, near};
use super::mapping::{MappedBy, Mapping, Target, flag};
use super::problem::Problem;

/// The columns that the results of a run add.
const RESULTS: [&str; 8] = [
    "resultrow",
    "resultaction",
    "resultoutcome",
    "resultstatus",
    "resultuserid",
    "resultattempts",
    "resulterror",
    "resultfinishedat",
];

/// What the headings of a file stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    known: Vec<(Column, usize)>,
    meanings: Vec<Meaning>,
    unknown: Vec<String>,
    results: Vec<usize>,
}

/// What one heading stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// A column.
    Column(Column, Why),
    /// A result of an earlier run, which is left out.
    Result,
    /// Nothing: it is only carried over to the results.
    CarriedOver(Idle),
}

/// Why a heading stands for a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Somebody says so.
    Mapped(MappedBy),
    /// It is the column's name.
    Name,
    /// People and their systems call it so.
    Alias,
}

/// Why a heading stands for no column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Idle {
    /// There is none.
    Empty,
    /// Somebody says so.
    Ignored(MappedBy),
    /// Another one stands for that column, and better.
    Outdone(Column),
    /// It is not understood. It is like a name of this column, which the file lacks.
    Unknown {
        /// The column.
        near: Option<Column>,
    },
}

/// How good a heading's claim to a column is; the smaller, the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Flag,
    Profile,
    Likeness(Likeness),
}

/// A heading that may stand for a column.
#[derive(Debug)]
struct Claim {
    column: Column,
    rank: Rank,
    why: Why,
    at: usize,
}

/// Headings that are being understood.
struct Look<'f> {
    file: &'f str,
    header: &'f [String],
    /// The columns that matter.
    reads: &'f dyn Fn(Column) -> bool,
    problems: Vec<Problem>,
}

impl Columns {
    /// Understands the headings of `file`, as far as they can be, and says all that is wrong with them:
    /// nobody is named, two headings mean the same, a heading that `map` names is not there.
    ///
    /// That two headings compete for a column is no problem where nobody `reads` it.
    #[must_use]
    pub fn look(
        file: &str,
        header: &[String],
        map: &[Mapping],
        reads: &dyn Fn(Column) -> bool,
    ) -> (Self, Vec<Problem>) {
        let mut look = Look {
            file,
            header,
            reads,
            problems: Vec::new(),
        };
        let mut columns = Columns {
            meanings: vec![Meaning::CarriedOver(Idle::Empty); header.len()],
            ..Columns::default()
        };
        let mut claims = Vec::new();
        for (at, heading) in header.iter().enumerate() {
            match look.claim(at, &key(heading), map) {
                Ok(claim) => claims.push(claim),
                Err(meaning) => columns.meanings[at] = meaning,
            }
        }
        look.whole_or_part(&mut claims);
        columns.settle(&mut look, claims);
        columns.name_the_near(header);
        look.missing(map);
        let named = |column| columns.at(column).is_some();
        if look.problems.is_empty() && !named(Column::Email) && !named(Column::Id) {
            let what = columns.nobody_named(header);
            look.problem(Code::NobodyNamed, what);
        }
        (columns, look.problems)
    }

    /// Gives each column the heading with the best claim to it.
    fn settle(&mut self, look: &mut Look, mut claims: Vec<Claim>) {
        claims.sort_by_key(|claim| (claim.column.name(), claim.rank, claim.at));
        for same in claims.chunk_by(|one, other| one.column == other.column) {
            let best = &same[0];
            self.known.push((best.column, best.at));
            self.meanings[best.at] = Meaning::Column(best.column, best.why.clone());
            let rivals: Vec<usize> = same
                .iter()
                .take_while(|claim| claim.is_rival(best))
                .map(|claim| claim.at)
                .collect();
            if rivals.len() > 1 && (look.reads)(best.column) {
                look.compete(best.column, &rivals);
            }
            for claim in &same[1..] {
                self.meanings[claim.at] = Meaning::CarriedOver(Idle::Outdone(claim.column));
            }
        }
    }

    /// Finds out which headings that are not understood are slips of the pen. A column that the file has
    /// needs no second heading.
    fn name_the_near(&mut self, header: &[String]) {
        for (at, heading) in header.iter().enumerate() {
            let is_unknown = matches!(
                self.meanings[at],
                Meaning::CarriedOver(Idle::Unknown { .. })
            );
            let near = near(&key(heading)).filter(|column| self.at(*column).is_none());
            if is_unknown {
                self.meanings[at] = Meaning::CarriedOver(Idle::Unknown { near });
            }
            match self.meanings[at] {
                Meaning::Result => self.results.push(at),
                Meaning::CarriedOver(Idle::Unknown { .. } | Idle::Outdone(_)) => {
                    self.unknown.push(heading.clone());
                }
                Meaning::Column(..) | Meaning::CarriedOver(Idle::Empty | Idle::Ignored(_)) => {}
            }
        }
    }

    /// Where a column stands, from 0.
    #[must_use]
    pub fn at(&self, column: Column) -> Option<usize> {
        self.known
            .iter()
            .find(|(known, _)| *known == column)
            .map(|(_, at)| *at)
    }

    /// What each heading stands for, in the order of the file.
    #[must_use]
    pub fn meanings(&self) -> &[Meaning] {
        &self.meanings
    }

    /// The headings that mean nothing, but for those of which somebody says so.
    #[must_use]
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Where the results of an earlier run stand.
    #[must_use]
    pub fn results(&self) -> &[usize] {
        &self.results
    }

    /// What to say of headings that are near to a name, but not one: one line each.
    #[must_use]
    pub fn slips(&self, header: &[String]) -> Vec<String> {
        let slip = |(heading, meaning): (&String, &Meaning)| match meaning {
            Meaning::CarriedOver(Idle::Unknown { near: Some(near) }) => {
                let near = near.name();
                Some(format!(
                    "{heading:?} is not understood; did you mean {near}? Say {}",
                    flag(heading, near)
                ))
            }
            _ => None,
        };
        header.iter().zip(&self.meanings).filter_map(slip).collect()
    }

    /// The headings of which somebody says what they stand for.
    pub fn mapped<'h>(
        &self,
        header: &'h [String],
    ) -> impl Iterator<Item = (&'h str, Target)> + use<'h, '_> {
        let target = |(heading, meaning): (&'h String, &Meaning)| match meaning {
            Meaning::Column(column, Why::Mapped(_)) => {
                Some((heading.as_str(), Target::Column(*column)))
            }
            Meaning::CarriedOver(Idle::Ignored(_)) => Some((heading.as_str(), Target::Ignored)),
            _ => None,
        };
        header.iter().zip(&self.meanings).filter_map(target)
    }

    fn nobody_named(&self, header: &[String]) -> String {
        if header.iter().any(|heading| heading.contains('@')) {
            return "the first row looks like a person, not like headings; put a row with headings on top, such as: email"
                .to_owned();
        }
        let slip = header.iter().zip(&self.meanings).find(|(_, meaning)| {
            matches!(
                meaning,
                Meaning::CarriedOver(Idle::Unknown {
                    near: Some(Column::Email)
                })
            )
        });
        if let Some((heading, _)) = slip {
            return format!(
                "there is no column with emails or ids. Did you mean email by {heading:?}? Say {}",
                flag(heading, "email")
            );
        }
        format!(
            "there is no column with emails or ids. The headings are {}. If one of them holds the emails, say so: {}",
            listed(header),
            flag(header.first().map_or("HEADING", String::as_str), "email")
        )
    }
}

impl Claim {
    /// Whether nothing tells which of the two is meant; `best` may be the better one.
    fn is_rival(&self, best: &Claim) -> bool {
        let by_words = |rank| matches!(rank, Rank::Likeness(Likeness::Name | Likeness::Alias));
        let two_emails = self.column == Column::Email && by_words(self.rank) && by_words(best.rank);
        let logins = |rank| matches!(rank, Rank::Likeness(Likeness::Alias | Likeness::Login));
        let email_or_login = logins(self.rank) && logins(best.rank);
        self.rank == best.rank || two_emails || email_or_login
    }
}

impl Look<'_> {
    fn problem(&mut self, code: Code, what: String) {
        self.problems.push(Problem {
            file: self.file.to_owned(),
            row: None,
            column: None,
            value: None,
            code,
            what,
        });
    }

    /// The column that a heading asks for, or else what it is.
    fn claim(&mut self, at: usize, name: &str, map: &[Mapping]) -> Result<Claim, Meaning> {
        let claim = |column, rank, why| {
            Ok(Claim {
                column,
                rank,
                why,
                at,
            })
        };
        if RESULTS.contains(&name) {
            return Err(Meaning::Result);
        }
        if let Some(mapping) = self.mapping(at, map) {
            let rank = match mapping.by {
                MappedBy::Flag => Rank::Flag,
                MappedBy::Profile(_) => Rank::Profile,
            };
            return match mapping.to {
                Target::Column(column) => claim(column, rank, Why::Mapped(mapping.by.clone())),
                Target::Ignored => Err(Meaning::CarriedOver(Idle::Ignored(mapping.by.clone()))),
            };
        }
        match meaning(name) {
            Some((column, likeness)) => {
                let why = match likeness {
                    Likeness::Name => Why::Name,
                    Likeness::Alias | Likeness::Login => Why::Alias,
                };
                claim(column, Rank::Likeness(likeness), why)
            }
            None if ambiguous(name).is_some() => claim(
                Column::DisplayName,
                Rank::Likeness(Likeness::Alias),
                Why::Alias,
            ),
            None if name.is_empty() => Err(Meaning::CarriedOver(Idle::Empty)),
            None => Err(Meaning::CarriedOver(Idle::Unknown { near: None })),
        }
    }

    /// What somebody says of a heading: flags go before profiles, which must agree.
    fn mapping<'m>(&mut self, at: usize, map: &'m [Mapping]) -> Option<&'m Mapping> {
        let of_this = map.iter().filter(|mapping| self.names(mapping, at));
        let (flags, profiles): (Vec<&Mapping>, Vec<&Mapping>) =
            of_this.partition(|mapping| mapping.by == MappedBy::Flag);
        let said = if flags.is_empty() { &profiles } else { &flags };
        let first = *said.first()?;
        if let Some(other) = said.iter().find(|mapping| mapping.to != first.to) {
            let heading = &self.header[at];
            let what = format!(
                "{} says that {heading:?} stands for {}, and {} that it stands for {}; say which with {}",
                first.by,
                first.to.name(),
                other.by,
                other.to.name(),
                flag(heading, "COLUMN")
            );
            self.problem(Code::MappingsDisagree, what);
        }
        Some(first)
    }

    /// Whether a mapping is about a heading. One that is written just so goes before others that are
    /// written alike.
    fn names(&self, mapping: &Mapping, at: usize) -> bool {
        let heading = &self.header[at];
        if self.header.contains(&mapping.heading) {
            return *heading == mapping.heading;
        }
        key(heading) == key(&mapping.heading)
    }

    /// Settles what words such as "Name" mean, which may be the whole name or a part of it.
    fn whole_or_part(&mut self, claims: &mut [Claim]) {
        let heading_of = |claims: &[Claim], column: Column| {
            let claim = claims.iter().find(|claim| claim.column == column);
            claim.map(|claim| claim.at)
        };
        let first = heading_of(claims, Column::FirstName);
        let last = heading_of(claims, Column::LastName);
        let (part, missing) = match (first, last) {
            (Some(first), None) => (first, Column::LastName),
            (None, Some(last)) => (last, Column::FirstName),
            _ => return,
        };
        for claim in claims {
            let is_mapped = matches!(claim.why, Why::Mapped(_));
            let Some(word) = ambiguous(&key(&self.header[claim.at])).filter(|_| !is_mapped) else {
                continue;
            };
            let decided = match missing {
                Column::LastName => word.last_beside,
                _ => word.first_beside,
            };
            let neighbour = key(&self.header[part]);
            if decided.iter().any(|name| key(name) == neighbour) {
                claim.column = missing;
            } else if (self.reads)(missing) {
                let heading = &self.header[claim.at];
                let what = format!(
                    "{heading:?} may be the whole name or, beside {:?}, the {} only; say which with {} or {}",
                    self.header[part],
                    missing.name().replace('_', " "),
                    flag(heading, "display_name"),
                    flag(heading, missing.name())
                );
                self.problem(Code::AmbiguousHeading, what);
            }
        }
    }

    /// Says that several headings stand for one column.
    fn compete(&mut self, column: Column, rivals: &[usize]) {
        let headings: Vec<String> = rivals.iter().map(|at| self.header[*at].clone()).collect();
        let column = column.name();
        let advice = if headings.windows(2).all(|pair| pair[0] == pair[1]) {
            "keep one of them, or give them different names".to_owned()
        } else {
            format!("keep one of them, or say which is meant with --map 'HEADING={column}'")
        };
        let what = format!(
            "the columns {} {} mean {column}; {advice}",
            listed(&headings),
            if rivals.len() == 2 { "both" } else { "all" },
        );
        self.problem(Code::AmbiguousHeading, what);
    }

    /// Says which headings that flags name are not there.
    fn missing(&mut self, map: &[Mapping]) {
        for mapping in map.iter().filter(|mapping| mapping.by == MappedBy::Flag) {
            let is_there = (0..self.header.len()).any(|at| self.names(mapping, at));
            if !is_there {
                let what = format!(
                    "--map names the heading {:?}, but there is none; there are {}",
                    mapping.heading,
                    listed(self.header)
                );
                self.problem(Code::NoSuchHeading, what);
            }
        }
    }
}

fn listed(headings: &[String]) -> String {
    headings
        .iter()
        .filter(|heading| !heading.is_empty())
        .map(|heading| format!("{heading:?}"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(headings: &[&str]) -> Vec<String> {
        headings
            .iter()
            .map(|heading| (*heading).to_owned())
            .collect()
    }

    fn understand(headings: &[&str]) -> Result<Columns, Vec<Problem>> {
        understand_by(headings, &[])
    }

    fn understand_by(headings: &[&str], map: &[Mapping]) -> Result<Columns, Vec<Problem>> {
        let (columns, problems) = Columns::look("people.csv", &header(headings), map, &|_| true);
        if problems.is_empty() {
            Ok(columns)
        } else {
            Err(problems)
        }
    }

    fn flag(text: &str) -> Mapping {
        text.parse().unwrap()
    }

    fn of_profile(name: &str, heading: &str, to: &str) -> Mapping {
        Mapping {
            heading: heading.to_owned(),
            to: to.parse().unwrap(),
            by: MappedBy::Profile(name.to_owned()),
        }
    }

    #[test]
    fn headings_are_matched_as_hr_systems_write_them() {
        let columns = understand(&[
            "Employee ID",
            "E-Mail",
            "First Name",
            "SURNAME",
            "Start Date",
            "result_status",
            "",
        ])
        .unwrap();
        assert_eq!(columns.at(Column::ExternalId), Some(0));
        assert_eq!(columns.at(Column::Email), Some(1));
        assert_eq!(columns.at(Column::FirstName), Some(2));
        assert_eq!(columns.at(Column::LastName), Some(3));
        assert_eq!(columns.unknown(), ["Start Date"]);
        assert_eq!(columns.results(), [5]);
    }

    #[test]
    fn the_proper_name_beats_an_alias_and_a_mapping_beats_both() {
        let columns = understand(&["User Name", "email"]).unwrap();
        assert_eq!(
            (columns.at(Column::Email), columns.unknown()),
            (Some(1), &header(&["User Name"])[..])
        );
        let columns = understand_by(&["User Name", "email"], &[flag("User Name=email")]).unwrap();
        assert_eq!(columns.at(Column::Email), Some(0));
    }

    #[test]
    fn headings_that_cannot_be_understood_are_said_in_words() {
        let said = |headings: &[&str]| understand(headings).unwrap_err()[0].to_string();
        insta::assert_snapshot!(said(&["Name", "Team"]), @r#"people.csv: there is no column with emails or ids. The headings are "Name", "Team". If one of them holds the emails, say so: --map 'Name=email'"#);
        insta::assert_snapshot!(said(&["ann@example.com"]), @"people.csv: the first row looks like a person, not like headings; put a row with headings on top, such as: email");
        insta::assert_snapshot!(said(&["Mail", "UPN"]), @r#"people.csv: the columns "Mail", "UPN" both mean email; keep one of them, or say which is meant with --map 'HEADING=email'"#);
        let missing = understand_by(&["email"], &[flag("Work Mail=email")]).unwrap_err();
        insta::assert_snapshot!(missing[0].to_string(), @r#"people.csv: --map names the heading "Work Mail", but there is none; there are "email""#);
    }

    /// What each heading stands for; `-` for nothing.
    fn read(headings: &[&str]) -> String {
        let columns = understand(headings)
            .unwrap_or_else(|problems| panic!("{headings:?}: {}", problems[0].what));
        let names = columns.meanings().iter().map(|meaning| match meaning {
            Meaning::Column(column, _) => column.name(),
            _ => "-",
        });
        names.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn exports_of_hr_systems_and_directories_are_understood() {
        for (system, headings, names) in [
            (
                "Workday",
                &[
                    "Employee ID",
                    "Legal Name - First Name",
                    "Legal Name - Last Name",
                    "Email - Primary Work",
                    "Email - Primary Home",
                    "Business Title",
                    "Worker Status",
                ][..],
                "external_id first_name last_name email - - -",
            ),
            (
                "BambooHR",
                &[
                    "Employee #",
                    "First Name",
                    "Last Name",
                    "Preferred Name",
                    "Work Email",
                    "Home Email",
                    "Status",
                    "Department",
                ],
                "external_id first_name last_name - email - - -",
            ),
            (
                "Personio",
                &[
                    "ID",
                    "Vorname",
                    "Nachname",
                    "E-Mail",
                    "Private E-Mail",
                    "Status",
                    "Personalnummer",
                    "Vorgesetzter",
                ],
                "id first_name last_name email - - external_id -",
            ),
            (
                "SAP SuccessFactors",
                &[
                    "STATUS",
                    "USERID",
                    "USERNAME",
                    "FIRSTNAME",
                    "LASTNAME",
                    "MI",
                    "EMAIL",
                    "MANAGER",
                    "HR",
                ],
                "- - - first_name last_name - email - -",
            ),
            (
                "ADP",
                &[
                    "Associate ID",
                    "Legal First Name",
                    "Legal Last Name",
                    "Work Contact: Work Email",
                    "Personal Contact: Personal Email",
                    "Position Status",
                ],
                "external_id first_name last_name email - -",
            ),
            (
                "Google Workspace",
                &[
                    "First Name [Required]",
                    "Last Name [Required]",
                    "Email Address [Required]",
                    "Password [Required]",
                    "Org Unit Path [Required]",
                    "New Primary Email [UPLOAD ONLY]",
                    "Status [READ ONLY]",
                    "Recovery Email",
                    "Home Secondary Email",
                    "Work Secondary Email",
                    "Employee ID",
                    "Manager Email",
                ],
                "first_name last_name email - - new_email - - - - external_id -",
            ),
            (
                "Microsoft 365",
                &[
                    "Block credential",
                    "City",
                    "Display name",
                    "First name",
                    "Last name",
                    "Object Id",
                    "Proxy addresses",
                    "Title",
                    "User principal name",
                ],
                "- - display_name first_name last_name - - - email",
            ),
            (
                "Entra, bulk create",
                &[
                    "Name [displayName] Required",
                    "User name [userPrincipalName] Required",
                    "Initial password [passwordProfile] Required",
                    "Block sign in (Yes/No) [accountEnabled] Required",
                    "First name [givenName]",
                    "Last name [surname]",
                ],
                "display_name email - - first_name last_name",
            ),
            (
                "Active Directory",
                &[
                    "DistinguishedName",
                    "Enabled",
                    "GivenName",
                    "Name",
                    "ObjectClass",
                    "ObjectGUID",
                    "SamAccountName",
                    "SID",
                    "Surname",
                    "UserPrincipalName",
                ],
                "- active first_name display_name - - - - last_name email",
            ),
            (
                "Outlook, French",
                &["Prénom", "Nom", "Adresse de messagerie", "Société"],
                "first_name last_name email -",
            ),
            (
                "a clerk in Madrid",
                &[
                    "Nombre",
                    "Apellidos",
                    "Correo electrónico",
                    "Correo personal",
                    "Nº de empleado",
                    "Equipo",
                ],
                "first_name last_name email - external_id teams",
            ),
            (
                "a clerk in Osaka",
                &["社員番号", "姓", "名", "セイ", "メイ", "ﾒｰﾙｱﾄﾞﾚｽ", "部署"],
                "external_id last_name first_name - - email -",
            ),
            (
                "a clerk in Hamburg",
                &[
                    "Pers.-Nr.",
                    "Name",
                    "Vorname",
                    "Geschaeftliche E-Mail",
                    "Abteilung",
                ],
                "external_id last_name first_name email -",
            ),
        ] {
            assert_eq!(read(headings), names, "{system}");
        }
    }

    #[test]
    fn a_name_is_the_whole_name_unless_what_stands_beside_it_says_otherwise() {
        assert_eq!(read(&["Name", "Email"]), "display_name email");
        assert_eq!(read(&["Nom", "E-mail"]), "display_name email");
        assert_eq!(
            read(&["姓", "名前", "メール"]),
            "last_name first_name email"
        );
        assert_eq!(
            read(&["First Name", "Last Name", "Name", "Email"]),
            "first_name last_name display_name email"
        );
        let said = |headings: &[&str]| understand(headings).unwrap_err()[0].to_string();
        insta::assert_snapshot!(said(&["First Name", "Name", "Email"]), @r#"people.csv: "Name" may be the whole name or, beside "First Name", the last name only; say which with --map 'Name=display_name' or --map 'Name=last_name'"#);
        insta::assert_snapshot!(said(&["Name", "Surname", "Email"]), @r#"people.csv: "Name" may be the whole name or, beside "Surname", the first name only; say which with --map 'Name=display_name' or --map 'Name=first_name'"#);
        let whole = understand_by(
            &["First Name", "Name", "Email"],
            &[flag("Name=display_name")],
        );
        assert_eq!(whole.unwrap().at(Column::DisplayName), Some(1));
        // Who is only locked needs no name.
        let header = header(&["Name", "Surname", "Full Name", "Email"]);
        let reads = |column| column == Column::Email;
        let (_, problems) = Columns::look("leavers.csv", &header, &[], &reads);
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn two_headings_for_the_email_are_never_chosen_from() {
        for headings in [
            ["Email", "Work Email"],
            ["E-Mail", "E-Mail-Adresse"],
            ["Mail", "User principal name"],
            ["Work Email", "Business Email"],
        ] {
            let problems = understand(&headings).unwrap_err();
            assert_eq!(problems[0].code, Code::AmbiguousHeading, "{headings:?}");
        }
        let map = [flag("Work Email=email")];
        let columns = understand_by(&["Email", "Work Email"], &map).unwrap();
        assert_eq!(columns.at(Column::Email), Some(1));
        let twice = understand(&["Email", "Email"]).unwrap_err();
        insta::assert_snapshot!(twice[0].to_string(), @r#"people.csv: the columns "Email", "Email" both mean email; keep one of them, or give them different names"#);
    }

    #[test]
    fn flags_go_before_profiles_and_profiles_must_agree() {
        let headings = ["Mail 2", "Team", "Email"];
        let sales = of_profile("sales", "Mail 2", "email");
        let columns = understand_by(&headings, std::slice::from_ref(&sales)).unwrap();
        assert_eq!(columns.at(Column::Email), Some(0));
        let flags = [sales.clone(), flag("Mail 2=ignore"), flag("Team=ignore")];
        let columns = understand_by(&headings, &flags).unwrap();
        assert_eq!(columns.at(Column::Email), Some(2));
        assert_eq!(columns.at(Column::Teams), None);
        assert_eq!(columns.unknown(), [""; 0]);
        // Files differ: what a profile names may be missing, and nobody disagrees about it.
        let absent = [
            of_profile("sales", "Courriel 2", "email"),
            of_profile("berlin", "Courriel 2", "id"),
        ];
        assert!(understand_by(&headings, &absent).is_ok());
        let disagree = [sales, of_profile("berlin", "mail 2", "external_id")];
        let problems = understand_by(&headings, &disagree).unwrap_err();
        insta::assert_snapshot!(problems[0].to_string(), @r#"people.csv: profile sales says that "Mail 2" stands for email, and profile berlin that it stands for external_id; say which with --map 'Mail 2=COLUMN'"#);
    }

    #[test]
    fn a_slip_is_no_suggestion_for_a_column_that_is_there() {
        let headings = ["email", "Frist Name", "Emial", "Direct Report's Name"];
        let columns = understand(&headings).unwrap();
        insta::assert_snapshot!(columns.slips(&header(&headings)).join("\n"), @r#""Frist Name" is not understood; did you mean first_name? Say --map 'Frist Name=first_name'"#);
        assert_eq!(
            super::super::mapping::flag("Employé's mail", "email"),
            "--map \"Employé's mail=email\""
        );
    }
}

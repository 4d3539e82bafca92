//! Headings as systems export them and as clerks write them.

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

/// Whose headings, the headings, and what they stand for.
const EXPORTS: &[(&str, &[&str], &str)] = &[
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
        ],
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
];

#[test]
fn exports_of_hr_systems_and_directories_are_understood() {
    for (system, headings, names) in EXPORTS {
        assert_eq!(read(headings), *names, "{system}");
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
        assert_eq!(
            problems[0].code,
            ProblemKind::AmbiguousHeading,
            "{headings:?}"
        );
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
        crate::roster::mapping::flag("Employé's mail", "email"),
        "--map \"Employé's mail=email\""
    );
}

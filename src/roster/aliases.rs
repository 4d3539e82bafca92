//! What people and their systems call the columns, by language: data, and nothing else.
//!
//! Here stands what the exports of Workday, `BambooHR`, Personio, SAP `SuccessFactors`, ADP, Google
//! Workspace, Entra, Active Directory and Outlook have in their first row, and what a clerk writes
//! there. Names are written as people write them; [`key`](super::heading::key) takes out case, accents and
//! signs. A column's own name (`first_name`) need not be repeated.
//!
//! A name belongs here only if it means the same wherever it stands: a wrong guess makes accounts with
//! wrong names. So these are left out on purpose, and stay columns that are only carried over:
//!
//! - addresses of somebody else, or private ones: *Manager email*, *Personal email*, *Recovery Email*;
//! - logins that are no addresses: *sAMAccountName*, *User ID*; ids of other systems: *Object Id*;
//! - parts of names: *Middle Name*, *Rufname*, *Preferred Name* (`BambooHR`: a first name, Workday: a whole one),
//!   *Apellido paterno*, *Geburtsname*, readings such as *フリガナ*;
//! - whether somebody works there, which is not whether an account may be used: *Status*, *在籍*;
//! - *Block sign in*, which says the contrary of `active`.

use super::column::Column;

/// Names of one column in one language.
type Names = (Column, &'static [&'static str]);

/// Each language.
pub(super) const LANGUAGES: [&[Names]; 5] = [ENGLISH, GERMAN, FRENCH, SPANISH, JAPANESE];

const ENGLISH: &[Names] = &[
    (Column::Action, &["operation", "change type"]),
    (
        Column::Email,
        &[
            "mail",
            "email address",
            "mail address",
            "work email",
            "work email address",
            "email (work)",
            "email address (work)",
            "work mail",
            "business email",
            "business email address",
            "company email",
            "company email address",
            "corporate email",
            "corporate email address",
            "office email",
            "primary email",
            "primary email address",
            "primary work email",
            // Workday
            "email - work",
            "email - primary work",
            "email address - work",
            "primary work email address",
            "public primary work email address",
            // ADP
            "work contact: work email",
            // a SCIM resource as a table
            "emails.value",
            "emails[type eq \"work\"].value",
        ],
    ),
    (Column::Id, &["SCIM id", "Keeper id", "Keeper user id"]),
    (
        Column::FirstName,
        &[
            "given name",
            "given names",
            "forename",
            "forenames",
            "first names",
            "legal first name",
            "employee first name",
            "name.givenName",
            // Workday
            "legal name - first name",
            // Entra's bulk templates
            "first name [givenName]",
        ],
    ),
    (
        Column::LastName,
        &[
            "surname",
            "surnames",
            "family name",
            "last names",
            "legal last name",
            "employee last name",
            "name.familyName",
            "legal name - last name",
            "last name [surname]",
            // Active Directory
            "sn",
        ],
    ),
    (
        Column::DisplayName,
        &[
            "full name",
            "employee name",
            "employee full name",
            "first and last name",
            "name.formatted",
            "name [displayName] required",
            "cn",
        ],
    ),
    (
        Column::ExternalId,
        &[
            "employee id",
            "employee number",
            "employee no",
            "employee no.",
            "employee #",
            "employee code",
            "personnel number",
            "personnel no",
            "staff id",
            "staff number",
            "staff no",
            "worker id",
            "worker number",
            "person id",
            "person number",
            // ADP
            "associate id",
            // Google Workspace, some tenants
            "employee external id",
        ],
    ),
    (
        Column::Active,
        &["is active", "enabled", "account enabled", "account active"],
    ),
    (Column::Teams, &["team", "groups", "group", "add teams"]),
    (
        Column::RemoveTeams,
        &["remove team", "remove groups", "remove from teams"],
    ),
    (Column::Roles, &["role", "add roles"]),
    (Column::RemoveRoles, &["remove role"]),
    (
        Column::NewEmail,
        &[
            "new mail",
            "new email address",
            "new work email",
            "new user name",
            // Google Workspace
            "new primary email",
        ],
    ),
    (
        Column::Node,
        &[
            "node id",
            "Keeper node",
            "Keeper node id",
            "headcount profile",
        ],
    ),
];

const GERMAN: &[Names] = &[
    (Column::Action, &["Aktion", "Vorgang"]),
    (
        Column::Email,
        &[
            "E-Mail-Adresse",
            "Mailadresse",
            "Geschäftliche E-Mail",
            "Geschäftliche E-Mail-Adresse",
            "E-Mail (geschäftlich)",
            "E-Mail-Adresse (geschäftlich)",
            "E-Mail Geschäft",
            "Dienstliche E-Mail",
            "Dienstliche E-Mail-Adresse",
            "E-Mail (dienstlich)",
            "E-Mail-Adresse (dienstlich)",
            "Dienst-E-Mail",
            "Berufliche E-Mail",
            "Berufliche E-Mail-Adresse",
            "E-Mail (beruflich)",
            "Firmen-E-Mail",
            "Firmen-E-Mail-Adresse",
            "Arbeits-E-Mail",
            "E-Mail (Arbeit)",
            "Primäre E-Mail",
            "Primäre E-Mail-Adresse",
        ],
    ),
    (Column::FirstName, &["Vorname", "Vornamen"]),
    (Column::LastName, &["Nachname", "Familienname", "Zuname"]),
    (
        Column::DisplayName,
        &[
            "Anzeigename",
            "Vollständiger Name",
            "Ganzer Name",
            "Vor- und Nachname",
            "Vor- und Zuname",
        ],
    ),
    (
        Column::ExternalId,
        &[
            "Personalnummer",
            "Personal-Nr.",
            "Pers.-Nr.",
            "PNr.",
            "Mitarbeiternummer",
            "Mitarbeiter-Nr.",
            "Mitarbeiter-ID",
            "Mitarbeitenden-ID",
            "Mitarbeitendennummer",
            "Externe ID",
        ],
    ),
    (
        Column::Active,
        &["Aktiv", "Ist aktiv", "Konto aktiv", "Konto aktiviert"],
    ),
    (Column::Teams, &["Gruppe", "Gruppen"]),
    (
        Column::RemoveTeams,
        &[
            "Teams entfernen",
            "Gruppen entfernen",
            "Aus Teams entfernen",
        ],
    ),
    (Column::Roles, &["Rolle", "Rollen"]),
    (Column::RemoveRoles, &["Rollen entfernen"]),
    (Column::NewEmail, &["Neue E-Mail", "Neue E-Mail-Adresse"]),
];

const FRENCH: &[Names] = &[
    (Column::Action, &["Opération"]),
    (
        Column::Email,
        &[
            "Courriel",
            "Adresse e-mail",
            "Adresse mail",
            "Adresse de messagerie",
            "Adresse électronique",
            "Adresse courriel",
            "E-mail professionnel",
            "Mail professionnel",
            "Courriel professionnel",
            "Adresse e-mail professionnelle",
            "Adresse mail professionnelle",
            "Messagerie professionnelle",
            "E-mail (travail)",
            "E-mail de travail",
            "E-mail d'entreprise",
            "Adresse e-mail principale",
            "E-mail principal",
        ],
    ),
    (Column::FirstName, &["Prénom", "Prénoms"]),
    (
        Column::LastName,
        &["Nom de famille", "Nom d'usage", "Nom usuel"],
    ),
    (
        Column::DisplayName,
        &[
            "Nom complet",
            "Nom d'affichage",
            "Nom affiché",
            "Prénom et nom",
            "Prénom Nom",
        ],
    ),
    (
        Column::ExternalId,
        &[
            "Matricule",
            "Matricule salarié",
            "Numéro d'employé",
            "N° employé",
            "N° d'employé",
            "Numéro de salarié",
            "N° salarié",
            "ID employé",
            "Identifiant employé",
            "Identifiant externe",
        ],
    ),
    (Column::Active, &["Actif", "Compte actif", "Compte activé"]),
    (Column::Teams, &["Équipe", "Équipes", "Groupe", "Groupes"]),
    (
        Column::RemoveTeams,
        &["Équipes à retirer", "Retirer des équipes"],
    ),
    (Column::RemoveRoles, &["Rôles à retirer"]),
    (
        Column::NewEmail,
        &[
            "Nouvel e-mail",
            "Nouveau courriel",
            "Nouvelle adresse e-mail",
        ],
    ),
];

const SPANISH: &[Names] = &[
    (Column::Action, &["Acción", "Operación"]),
    (
        Column::Email,
        &[
            "Correo",
            "Correo electrónico",
            "Dirección de correo electrónico",
            "Dirección de correo",
            "Dirección de email",
            "Correo electrónico corporativo",
            "Correo corporativo",
            "Correo electrónico de trabajo",
            "Correo de trabajo",
            "Correo electrónico (trabajo)",
            "Correo electrónico laboral",
            "Correo laboral",
            "Correo de la empresa",
            "Correo empresarial",
            "Correo profesional",
            "Correo electrónico principal",
            "Email corporativo",
            "Email de trabajo",
            "Email laboral",
        ],
    ),
    (
        Column::FirstName,
        &["Nombres", "Primer nombre", "Nombre de pila", "Nombre(s)"],
    ),
    (Column::LastName, &["Apellido", "Apellidos"]),
    (
        Column::DisplayName,
        &[
            "Nombre completo",
            "Nombre y apellidos",
            "Nombre para mostrar",
        ],
    ),
    (
        Column::ExternalId,
        &[
            "Número de empleado",
            "Nº de empleado",
            "N.º de empleado",
            "ID de empleado",
            "ID del empleado",
            "Código de empleado",
            "Identificador de empleado",
            "Legajo",
            "ID externo",
        ],
    ),
    (
        Column::Active,
        &["Activo", "Cuenta activa", "Cuenta habilitada", "Habilitado"],
    ),
    (Column::Teams, &["Equipo", "Equipos", "Grupo", "Grupos"]),
    (
        Column::RemoveTeams,
        &["Quitar de equipos", "Quitar equipos"],
    ),
    (Column::Roles, &["Rol"]),
    (Column::RemoveRoles, &["Quitar roles"]),
    (
        Column::NewEmail,
        &["Nuevo correo", "Nuevo correo electrónico", "Nuevo email"],
    ),
];

const JAPANESE: &[Names] = &[
    (Column::Action, &["操作", "アクション"]),
    (
        Column::Email,
        &[
            "メールアドレス",
            "メール",
            "Eメール",
            "Eメールアドレス",
            "電子メール",
            "電子メールアドレス",
            "会社メールアドレス",
            "会社メール",
            "会社のメールアドレス",
            "勤務先メールアドレス",
            "勤務先メール",
            "業務用メールアドレス",
            "仕事用メールアドレス",
            "仕事用メール",
            "社用メールアドレス",
            "社内メールアドレス",
            "プライマリメールアドレス",
        ],
    ),
    (Column::FirstName, &["名", "名（漢字）", "ファーストネーム"]),
    (
        Column::LastName,
        &["姓", "姓（漢字）", "氏", "名字", "苗字", "ラストネーム"],
    ),
    (
        Column::DisplayName,
        &[
            "氏名",
            "氏名（漢字）",
            "お名前",
            "表示名",
            "フルネーム",
            "社員名",
            "従業員名",
        ],
    ),
    (
        Column::ExternalId,
        &[
            "社員番号",
            "社員No.",
            "社員ID",
            "社員コード",
            "従業員番号",
            "従業員ID",
            "従業員コード",
            "職員番号",
        ],
    ),
    (Column::Active, &["有効", "アクティブ"]),
    (Column::Teams, &["チーム", "グループ"]),
    (Column::Roles, &["ロール"]),
    (
        Column::NewEmail,
        &["新しいメールアドレス", "新メールアドレス"],
    ),
];

/// Names of logins, which are emails in most directories: they stand for [`Column::Email`] where
/// nothing better does.
pub(super) const LOGINS: &[&str] = &[
    "user name",
    "user principal name",
    "UPN",
    "login",
    "login name",
    "user name [userPrincipalName] required",
    "Benutzername",
    "Benutzerprinzipalname",
    "Anmeldename",
    "Nom d'utilisateur",
    "Nom d'utilisateur principal",
    "Nom principal d'utilisateur",
    "Nombre de usuario",
    "Nombre principal de usuario",
    "ユーザー名",
    "ユーザ名",
    "ユーザープリンシパル名",
    "ログイン名",
];

/// Words that may be the whole name or a part of it: what stands beside them decides.
///
/// Alone, or with both a first and a last name, they are the whole name. With one of the two they are
/// the other where the language says so.
pub(super) const WHOLE_OR_PART: &[Ambiguous] = &[
    Ambiguous {
        name: "name",
        last_beside: &["Vorname", "Vornamen"],
        first_beside: &[],
    },
    Ambiguous {
        name: "nom",
        last_beside: &["Prénom", "Prénoms"],
        first_beside: &["Nom de famille", "Nom d'usage", "Nom usuel"],
    },
    Ambiguous {
        name: "nombre",
        last_beside: &[],
        first_beside: &["Apellido", "Apellidos"],
    },
    Ambiguous {
        name: "名前",
        last_beside: &[],
        first_beside: &["姓", "氏", "名字", "苗字"],
    },
];

/// A word that may be the whole name or a part of it.
pub(super) struct Ambiguous {
    /// The word.
    pub(super) name: &'static str,
    /// Headings of first names beside which it is the last name.
    pub(super) last_beside: &'static [&'static str],
    /// Headings of last names beside which it is the first name.
    pub(super) first_beside: &'static [&'static str],
}

/// What forms say beside a heading, in brackets, and what is no part of its name.
pub(super) const MARKS: &[&str] = &[
    "required",
    "mandatory",
    "optional",
    "read only",
    "upload only",
    "Pflichtfeld",
    "Pflicht",
    "erforderlich",
    "obligatoire",
    "requis",
    "facultatif",
    "obligatorio",
    "requerido",
    "opcional",
    "必須",
    "任意",
];

/// Words in headings of private addresses and of other people's: such a heading is never a slip of the pen,
/// however like a name it is.
pub(super) const OF_OTHERS: &[&str] = &[
    "privat",
    "personal",
    "personnel",
    "home",
    "manager",
    "recovery",
    "secondary",
    "alternat",
    "other",
    "emergency",
];

//! Teams and roles created and deleted, by their names.

use std::fmt;
use std::sync::Arc;

use super::{Caller, Connected, Exit, JobError, NodeRef, nowhere_to_ask};
use crate::directory::{NewName, Teams};
use crate::report::{Style, counted};
use crate::roster::{GroupKind, GroupName};
use crate::run::StopSwitch;
use crate::scim::Error;
use crate::teams::{self, Deletion, GroupEntry};
use crate::transport::FaultKind;

/// The teams, or the roles, of one node.
pub struct Groups {
    kind: GroupKind,
    node: Connected,
    node_ref: NodeRef,
    stop: Arc<StopSwitch>,
    caller: Arc<dyn Caller>,
}

impl Groups {
    /// Connects to the node.
    ///
    /// # Errors
    /// When it cannot be reached, or what its roles are called is not known.
    pub async fn open(
        kind: GroupKind,
        node_ref: NodeRef,
        caller: Arc<dyn Caller>,
    ) -> Result<Self, JobError> {
        let destination = node_ref.one()?;
        let pace = destination.pace();
        let stop = Arc::new(StopSwitch::new(Arc::clone(&pace)));
        caller.may_stop(vec![Arc::clone(&stop)]);
        let node = destination.connect(pace).await?;
        let prefix = node.role_prefix.as_ref();
        if kind == GroupKind::Role && prefix.is_none_or(String::is_empty) {
            return Err(JobError::usage(
                "what names of roles begin with on this node is not known; give its role mapping prefix, which the SCIM \
                 page of the admin console shows, with --role-prefix. Nothing was sent.",
            ));
        }
        Ok(Groups {
            kind,
            node,
            node_ref,
            stop,
            caller,
        })
    }

    /// The node in words.
    pub fn node(&self) -> &str {
        &self.node.name
    }

    /// All of them.
    ///
    /// # Errors
    /// When the node's list cannot be read.
    pub async fn list(&self) -> Result<Vec<GroupEntry>, JobError> {
        let (client, prefix) = (&self.node.client, self.node.role_prefix.clone());
        let list = async { Ok(teams::list(client, prefix, self.kind).await?) };
        self.unless_halted(list).await
    }

    /// Creates those that are not there.
    ///
    /// # Errors
    /// When a name cannot be used: then none is created.
    pub async fn create(&self, names: &[String]) -> Result<Exit, JobError> {
        self.unless_halted(self.create_all(names)).await
    }

    /// Deletes them. `is_agreed`: nobody is asked.
    ///
    /// # Errors
    /// When one of them is not there, or nobody agrees: then none is deleted.
    pub async fn delete(&self, names: &[String], is_agreed: bool) -> Result<Exit, JobError> {
        self.unless_halted(self.delete_all(names, is_agreed)).await
    }

    async fn unless_halted<T>(
        &self,
        work: impl Future<Output = Result<T, JobError>>,
    ) -> Result<T, JobError> {
        tokio::select! {
            done = work => done,
            () = self.stop.halted() => Err(JobError::new(
                Exit::Interrupted,
                "interrupted; what became of the call in flight is not known",
            )),
        }
    }

    async fn create_all(&self, names: &[String]) -> Result<Exit, JobError> {
        let Groups {
            kind, node, caller, ..
        } = self;
        let kind = *kind;
        let mut groups = Teams::list(&node.client, node.role_prefix.clone()).await?;
        let names = distinct(names, kind);
        let mut report = Report::new(kind, &**caller);
        let (mut wrong, mut taken) = (0, Vec::new());
        for name in &names {
            match groups.check_new(name) {
                // Names that follow are held against this one, too.
                Ok(NewName::Free(_)) => groups.expect(name),
                Ok(NewName::Taken { ids }) => taken.push((name, ids)),
                Err(bad) => {
                    wrong += 1;
                    caller.tell(&format_args!("{:?}: {bad}", name.name));
                }
            }
        }
        refuse_wrong(wrong, names.len(), kind)?;
        for (name, ids) in taken {
            report.well(
                &name.name,
                format_args!("is there already, id {}", ids.join(", ")),
            );
        }
        for name in groups.missing().to_vec() {
            // Every name here was found free, so its full name is known.
            let full = groups.full_name(&name).map_err(JobError::unexpected)?;
            if report.hopeless.is_some() {
                report.badly(&name.name, "not attempted");
                continue;
            }
            match teams::create(&node.client, &full).await {
                Ok(id) => {
                    report.well(&name.name, format_args!("created, id {id}"));
                    if name.name.contains([';', '|']) {
                        report.hint(
                            "In a spreadsheet ; and | stand between names: write the id there.",
                        );
                    }
                }
                Err(why) => {
                    report.badly(&name.name, format_args!("not created: {why}"));
                    report.note(why.hopeless());
                }
            }
        }
        Ok(report.exit())
    }

    async fn delete_all(&self, names: &[String], is_agreed: bool) -> Result<Exit, JobError> {
        let Groups {
            kind, node, caller, ..
        } = self;
        let kind = *kind;
        let groups = Teams::list(&node.client, node.role_prefix.clone()).await?;
        let names = distinct(names, kind);
        let mut wrong = 0;
        let mut targets: Vec<Target> = Vec::new();
        for name in &names {
            match find(&groups, name) {
                Ok(target) if targets.iter().any(|other| other.id == target.id) => {}
                Ok(target) => targets.push(target),
                Err(problem) => {
                    wrong += 1;
                    caller.tell(&format_args!("{:?}: {problem}", name.name));
                }
            }
        }
        refuse_wrong(wrong, names.len(), kind)?;
        if !is_agreed && !self.node_ref.sandbox {
            self.confirm_deletion(&targets).await?;
        }
        let mut report = Report::new(kind, &**caller);
        for Target { id, name } in targets {
            if report.hopeless.is_some() {
                report.badly(&name, "not attempted");
                continue;
            }
            match teams::delete(&node.client, &id).await {
                Ok(Deletion::Deleted) => report.well(&name, format_args!("deleted, id {id}")),
                Ok(Deletion::WasGone) => {
                    report.well(&name, format_args!("was gone already, id {id}"));
                }
                Err(error) => {
                    let doubtful = matches!(&error, Error::Fault(fault) if fault.may_have_worked);
                    let what = if doubtful {
                        "perhaps deleted"
                    } else {
                        "not deleted"
                    };
                    report.badly(&name, format_args!("{what}, id {id}: {error}"));
                    report.note(teams::hopeless(&error));
                }
            }
        }
        Ok(report.exit())
    }

    async fn confirm_deletion(&self, targets: &[Target]) -> Result<(), JobError> {
        let Groups {
            kind, node, caller, ..
        } = self;
        let what = match targets {
            [one] => format!("delete the {} {:?}", kind.word(), one.name),
            many => format!("delete {}", counted(many.len() as u64, kind.word())),
        };
        if !caller.can_ask() || self.node_ref.uses_standard_input() {
            return Err(nowhere_to_ask(&what, &node.name));
        }
        let mut in_all = Some(0);
        for target in targets {
            let group = node.client.group(&target.id).await?.value;
            let members = group
                .and_then(|group| group.members)
                .map(|members| members.len());
            in_all = in_all.zip(members).map(|(all, members)| all + members);
            if targets.len() > 1 {
                caller.tell(&format_args!("{:?} ({})", target.name, in_words(members)));
            }
        }
        let question = format!("{what} with {} on {}?", in_words(in_all), node.name);
        super::caller::confirm(caller, question).await
    }
}

/// A team or role to be deleted.
struct Target {
    id: String,
    /// Its name; that of a role without the prefix.
    name: String,
}

fn find(groups: &Teams, name: &GroupName) -> Result<Target, String> {
    let id = groups
        .resolve(name)
        .map_err(|problem| problem.to_string())?;
    let full = groups.name(id);
    let (is, own) = match groups.role_of(full) {
        Some(role) => (GroupKind::Role, role),
        None => (GroupKind::Team, full),
    };
    if is != name.kind {
        return Err(format!(
            "this is the {0} {own:?}; use headcount {0}s delete",
            is.word()
        ));
    }
    Ok(Target {
        id: id.to_owned(),
        name: own.to_owned(),
    })
}

fn in_words(members: Option<usize>) -> String {
    match members {
        Some(members) => counted(members as u64, "member"),
        None => "a number of members that the node does not tell".to_owned(),
    }
}

/// The names without blanks around them, each once.
fn distinct(names: &[String], kind: GroupKind) -> Vec<GroupName> {
    let mut distinct: Vec<GroupName> = Vec::with_capacity(names.len());
    for name in names {
        let name = GroupName {
            kind,
            name: name.trim().to_owned(),
        };
        if !distinct.contains(&name) {
            distinct.push(name);
        }
    }
    distinct
}

fn refuse_wrong(wrong: usize, names: usize, kind: GroupKind) -> Result<(), JobError> {
    let list = Style::Command.on(format_args!("headcount {}s list", kind.word()));
    match (wrong, names) {
        (0, _) => Ok(()),
        (1, 1) => Err(JobError::usage(format_args!(
            "the name cannot be used; nothing was sent. Those that there are: {list}"
        ))),
        (wrong, names) => Err(JobError::usage(format_args!(
            "{wrong} of {names} names cannot be used; nothing was sent. Those that there are: {list}"
        ))),
    }
}

/// Says what became of each, and remembers how it ends.
struct Report<'c> {
    kind: GroupKind,
    caller: &'c dyn Caller,
    failed: bool,
    /// How the command ends when nothing else can be tried.
    hopeless: Option<Exit>,
}

impl<'c> Report<'c> {
    fn new(kind: GroupKind, caller: &'c dyn Caller) -> Self {
        Report {
            kind,
            caller,
            failed: false,
            hopeless: None,
        }
    }

    fn well(&self, name: &str, what: impl fmt::Display) {
        self.caller
            .remark(&format_args!("{} {name:?}: {what}", self.kind.word()));
    }

    fn hint(&self, words: &str) {
        self.caller.remark(&words);
    }

    fn badly(&mut self, name: &str, what: impl fmt::Display) {
        self.failed = true;
        self.caller
            .tell(&format_args!("{} {name:?}: {what}", self.kind.word()));
    }

    fn note(&mut self, hopeless: Option<&Error>) {
        self.hopeless = self.hopeless.or(hopeless.map(|error| match error {
            Error::Fault(fault) if fault.kind == FaultKind::Stopped => Exit::Interrupted,
            _ => Exit::NoNode,
        }));
    }

    fn exit(self) -> Exit {
        match self.hopeless {
            Some(exit) => exit,
            None if self.failed => Exit::RowsFailed,
            None => Exit::Done,
        }
    }
}

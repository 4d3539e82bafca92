//! Teams and roles deleted: which ones are meant, whether that is agreed to, and what became of each.

use super::report::Report;
use super::{DeleteArgs, distinct, refuse_wrong};
use crate::cli::{Exit, JobError, terminal};
use crate::directory::Teams;
use crate::job::{Connected, NodeRef, nowhere_to_ask};
use crate::report::{counted, say};
use crate::roster::{GroupKind, GroupName};
use crate::scim::Error;
use crate::teams::{self, Deletion};

pub(super) async fn delete(
    args: DeleteArgs,
    kind: GroupKind,
    node: &Connected,
) -> Result<Exit, JobError> {
    let groups = Teams::list(&node.client, node.role_prefix.clone()).await?;
    let names = distinct(&args.names, kind);
    let mut wrong = 0;
    let mut targets: Vec<Target> = Vec::new();
    for name in &names {
        match find(&groups, name) {
            Ok(target) if targets.iter().any(|other| other.id == target.id) => {}
            Ok(target) => targets.push(target),
            Err(problem) => {
                wrong += 1;
                say(format_args!("{:?}: {problem}", name.name));
            }
        }
    }
    refuse_wrong(wrong, names.len(), kind)?;
    let node_ref = args.node.node_ref();
    if !args.yes && !node_ref.sandbox {
        confirm_deletion(&targets, kind, &node_ref, node).await?;
    }
    let mut report = Report::new(kind, args.quiet);
    for Target { id, name } in targets {
        if report.hopeless.is_some() {
            report.badly(&name, "not attempted");
            continue;
        }
        match teams::delete(&node.client, &id).await {
            Ok(Deletion::Deleted) => report.well(&name, format_args!("deleted, id {id}")),
            Ok(Deletion::WasGone) => report.well(&name, format_args!("was gone already, id {id}")),
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

async fn confirm_deletion(
    targets: &[Target],
    kind: GroupKind,
    node_ref: &NodeRef,
    node: &Connected,
) -> Result<(), JobError> {
    let what = match targets {
        [one] => format!("delete the {} {:?}", kind.word(), one.name),
        many => format!("delete {}", counted(many.len() as u64, kind.word())),
    };
    if !terminal::is_there() || node_ref.uses_standard_input() {
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
            say(format_args!("{:?} ({})", target.name, in_words(members)));
        }
    }
    let question = format!("{what} with {} on {}?", in_words(in_all), node.name);
    terminal::confirm(question).await
}

fn in_words(members: Option<usize>) -> String {
    match members {
        Some(members) => counted(members as u64, "member"),
        None => "a number of members that the node does not tell".to_owned(),
    }
}

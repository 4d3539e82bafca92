//! Whether the node answers with those that were asked for: a node that ignores a filter answers
//! with everyone.

use super::ask::NoAnswer;
use super::{Check, Examination, State};
use crate::directory::other_case;
use crate::scim::{Page, Raw, RequestTarget, User, equals};
use crate::wording::grouped;

/// What became of a filter that ought to find one person.
enum Filtered {
    /// Just the one.
    One,
    /// Nobody.
    Nobody,
    /// Others, too.
    Others,
}

impl Examination<'_> {
    /// Asks for somebody who is known to be there, and for those who are locked.
    pub(super) async fn filters(&mut self) {
        const ALL: [Check; 3] = [Check::FilterEmail, Check::FilterId, Check::FilterActive];
        let Some(users) = &self.facts.users else {
            return self.skip(&ALL, "no list of users");
        };
        let known = users.first.iter().find_map(|user| {
            let name = user.user_name()?;
            (other_case(name) != name).then(|| (user.id.clone(), name.to_owned()))
        });
        let locked_seen = users.first.iter().any(|user| user.active == Some(false));
        match known {
            Some((id, name)) => {
                self.by_email(&id, &name).await;
                self.by_id(&id).await;
            }
            None => self.skip(&ALL[..2], "there is nobody to ask for"),
        }
        self.locked(locked_seen).await;
    }

    async fn filtered(&mut self, filter: &str) -> Result<Page<User>, NoAnswer> {
        // Two are enough to see whether the node sends anyone else.
        let target = RequestTarget::new(&["Users"])
            .with("filter", filter)
            .at(&self.first)
            .with("count", "2");
        self.asker.get(&target, Raw::page::<User>).await
    }

    async fn one(&mut self, filter: &str, id: &str) -> Result<Filtered, NoAnswer> {
        let page = self.filtered(filter).await?;
        let total = page.total.unwrap_or(page.resources.len() as u64);
        Ok(match page.resources.as_slice() {
            [] if total == 0 => Filtered::Nobody,
            [user] if user.id == id && total == 1 => Filtered::One,
            _ => Filtered::Others,
        })
    }

    async fn by_email(&mut self, id: &str, name: &str) {
        const CHECK: Check = Check::FilterEmail;
        let found = self.one(&equals("userName", &other_case(name)), id).await;
        match found {
            Ok(Filtered::One) => {
                self.facts.finds_by_email = Some(true);
                let found = "honoured, in upper and lower case";
                self.found(CHECK, State::Ok, found);
            }
            Ok(Filtered::Others) => {
                self.facts.finds_by_email = Some(false);
                let found = "ignored: others come back, too";
                self.found(CHECK, State::Note, found);
            }
            Ok(Filtered::Nobody) => {
                self.facts.finds_by_email = Some(false);
                let found = match self.one(&equals("userName", name), id).await {
                    Ok(Filtered::One) => "only when upper and lower case are as the node has them",
                    _ => "finds nobody, not even somebody who is there",
                };
                self.found(CHECK, State::Note, found);
            }
            Err(why) => {
                if matches!(why, NoAnswer::Refused(_)) {
                    self.facts.finds_by_email = Some(false);
                }
                self.missed(CHECK, &why);
            }
        }
    }

    async fn by_id(&mut self, id: &str) {
        const CHECK: Check = Check::FilterId;
        match self.one(&equals("id", id), id).await {
            Ok(Filtered::One) => self.found(CHECK, State::Ok, "honoured"),
            Ok(Filtered::Nobody) => {
                let found = "finds nobody, not even somebody who is there";
                self.found(CHECK, State::Note, found);
            }
            Ok(Filtered::Others) => {
                self.found(CHECK, State::Note, "ignored: others come back, too");
            }
            Err(why) => self.missed(CHECK, &why),
        }
    }

    async fn locked(&mut self, seen: bool) {
        const CHECK: Check = Check::FilterActive;
        match self.filtered("active eq false").await {
            Ok(page) => {
                let honest = page.resources.iter().all(|user| user.active == Some(false));
                match page.total {
                    _ if !honest => {
                        let found = "ignored: people who are not locked come back. Before a run locks anybody, everyone \
                                     is listed to count the active";
                        self.found(CHECK, State::Note, found);
                    }
                    Some(0) | None if page.resources.is_empty() && seen => {
                        let found = "finds nobody, although somebody is locked";
                        self.found(CHECK, State::Note, found);
                    }
                    Some(total) => {
                        let found = format!("honoured: {} are locked", grouped(total));
                        self.found(CHECK, State::Ok, found);
                    }
                    None => self.found(CHECK, State::Ok, "honoured"),
                }
            }
            Err(why) => self.missed(CHECK, &why),
        }
    }
}

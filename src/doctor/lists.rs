//! Users and groups: how many, how many at once, and with how little.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::ask::NoAnswer;
use super::connection::is_token_refused;
use super::{Check, Examination, Granted, Listed, State};
use crate::scim::{Group, PAGE, Page, Raw, RequestTarget, Resource, User};
use crate::wording::{counted, grouped};

/// How many are asked for: what headcount asks for, and what it or others fall back to.
const SIZES: [u64; 5] = [PAGE, 500, 100, 50, 10];

/// A page of users, and how many were asked for.
struct Attempt {
    asked: u64,
    page: Result<Page<User>, NoAnswer>,
}

impl Examination<'_> {
    /// Reads the first pages, unless the first call has shown that there are none.
    pub(super) async fn lists(&mut self, first: Result<(), NoAnswer>) {
        match &first {
            Err(why) if is_token_refused(why) => {
                let all = [
                    Check::Users,
                    Check::Groups,
                    Check::PageSize,
                    Check::WithoutMembers,
                ];
                self.skip(&all, "the token is refused");
                return;
            }
            Err(why) => {
                self.no_users(why);
                self.skip(&[Check::PageSize], "no list of users");
            }
            Ok(()) => self.users().await,
        }
        self.groups().await;
    }

    async fn users(&mut self) {
        let attempts = self.pages().await;
        self.page_size(&attempts);
        let most = attempts
            .into_iter()
            .reduce(|most, other| match (&most.page, &other.page) {
                (Ok(one), Ok(two)) if two.resources.len() > one.resources.len() => other,
                (Err(_), Ok(_)) => other,
                _ => most,
            });
        match most {
            Some(Attempt { page: Ok(page), .. }) => self.people(page),
            Some(Attempt { page: Err(why), .. }) => self.no_users(&why),
            None => {}
        }
    }

    /// Asks for large pages, and for smaller ones only as long as they may bring more.
    async fn pages(&mut self) -> Vec<Attempt> {
        let mut attempts: Vec<Attempt> = Vec::new();
        let mut most = 0;
        for asked in SIZES {
            if most >= asked {
                break;
            }
            let page = self.page::<User>(asked, None).await;
            let enough = match &page {
                Ok(page) => {
                    let came = page.resources.len() as u64;
                    most = most.max(came);
                    came >= asked || came >= page.total.unwrap_or(u64::MAX)
                }
                Err(NoAnswer::Refused(refusal)) => !matches!(refusal.status, 400 | 413 | 422),
                // A smaller one may come in time.
                Err(why) => !matches!(why, NoAnswer::Silence(_)),
            };
            attempts.push(Attempt { asked, page });
            if enough {
                break;
            }
        }
        attempts
    }

    async fn page<R: Resource>(
        &mut self,
        count: u64,
        excluded: Option<&str>,
    ) -> Result<Page<R>, NoAnswer> {
        let mut target = RequestTarget::new(&[R::ENDPOINT])
            .at(&self.first)
            .with("count", &count.to_string());
        if let Some(excluded) = excluded {
            target = target.with("excludedAttributes", excluded);
        }
        self.asker.get(&target, Raw::page::<R>).await
    }

    fn page_size(&mut self, attempts: &[Attempt]) {
        let pages = attempts
            .iter()
            .filter_map(|attempt| Some((attempt.asked, attempt.page.as_ref().ok()?)));
        let total = pages.clone().find_map(|(_, page)| page.total);
        let came: Vec<(u64, u64)> = pages
            .map(|(asked, page)| (asked, page.resources.len() as u64))
            .collect();
        if let ([first, ..], [(_, came), ..]) = (attempts, came.as_slice())
            && matches!(first.page, Err(NoAnswer::Silence(_)))
        {
            let found = format!(
                "a page of {} did not come in time, one of {} did",
                grouped(first.asked),
                grouped(*came)
            );
            let mend = "Let calls of runs take longer, such as with --timeout 180: the node is slow with long pages.";
            return self.mend(Check::PageSize, State::Note, found, mend);
        }
        let Some((state, granted, mut found)) = granted(&came, total) else {
            return self.skip(&[Check::PageSize], "no page of users came");
        };
        let says = self.facts.config.as_ref();
        let says = says.and_then(|config| config.filter.as_ref()?.max_results);
        if let (Granted::Everyone(_), Some(most)) = (granted, says) {
            let _ = write!(found, "; the node says {} at the most", grouped(most));
        }
        self.facts.page = Some(granted);
        self.facts.by_cursor = attempts
            .iter()
            .any(|attempt| attempt.page.as_ref().is_ok_and(|page| page.next.is_some()));
        self.found(Check::PageSize, state, found);
    }

    fn people(&mut self, page: Page<User>) {
        let locked = page
            .resources
            .iter()
            .filter(|user| user.active == Some(false))
            .count();
        let listed = Listed {
            total: page.total,
            first: page.resources,
        };
        let read = listed.first.len() as u64;
        let unsaid = if listed.total.is_none() {
            " (the node does not say how many there are in all)"
        } else {
            ""
        };
        let found = match listed.count() {
            0 => "none yet".to_owned(),
            count if read < count => format!(
                "{}; of the first {}, {locked} are locked",
                grouped(count),
                grouped(read)
            ),
            count => format!("{}{unsaid}; {locked} are locked", grouped(count)),
        };
        self.found(Check::Users, State::Ok, found);
        self.facts.users = Some(listed);
    }

    async fn groups(&mut self) {
        let lean = self.page::<Group>(PAGE, Some("members")).await;
        let (page, refused) = match lean {
            Err(NoAnswer::Refused(refusal)) if matches!(refusal.status, 400 | 413 | 422) => {
                (self.page::<Group>(SIZES[3], None).await, Some(refusal))
            }
            page => (page, None),
        };
        match page {
            Ok(page) => {
                self.teams(&page);
                match refused {
                    Some(refusal) => {
                        self.facts.lean_groups = Some(false);
                        let found = format!("refused: {refusal}");
                        self.found(Check::WithoutMembers, State::Note, found);
                    }
                    None => self.without_members(&page).await,
                }
            }
            Err(why) => {
                if is_token_refused(&why) {
                    let mend = "See in the admin console what the node's provisioning method may do with teams.";
                    let found = why.to_string();
                    self.mend(Check::Groups, State::Problem, found, mend);
                } else {
                    self.missed(Check::Groups, &why);
                }
                self.skip(&[Check::WithoutMembers], "no list of groups");
            }
        }
    }

    fn teams(&mut self, page: &Page<Group>) {
        let read = page.resources.len();
        let total = page.total.unwrap_or(read as u64);
        let of = if (read as u64) < total {
            format!(
                "{} in all, of the first {}: ",
                grouped(total),
                grouped(read as u64)
            )
        } else {
            String::new()
        };
        let prefix = self.setup.role_prefix.as_deref();
        let names = || {
            page.resources
                .iter()
                .filter_map(|group| group.display_name.as_deref())
        };
        let found = match prefix.filter(|prefix| !prefix.is_empty()) {
            _ if total == 0 => "no teams yet".to_owned(),
            Some(prefix) => {
                let roles = names().filter(|name| name.starts_with(prefix)).count();
                format!(
                    "{of}{} and {} (names that begin with {prefix:?})",
                    counted((read - roles) as u64, "team"),
                    counted(roles as u64, "role")
                )
            }
            None => {
                format!("{of}{read} teams and roles, not told apart: no --role-prefix is given")
            }
        };
        let mut times = BTreeMap::<&str, u32>::new();
        for name in names() {
            *times.entry(name).or_default() += 1;
        }
        let twice: Vec<_> = times
            .into_iter()
            .filter(|(_, times)| *times > 1)
            .map(|(name, _)| format!("{name:?}"))
            .collect();
        if twice.is_empty() {
            return self.found(Check::Groups, State::Ok, found);
        }
        let found = format!("{found}. More than one is called {}", twice.join(", "));
        let mend = "Rename teams that share a name with another, or write their ids in the spreadsheet: a name that means \
                    two teams is an error.";
        self.mend(Check::Groups, State::Note, found, mend);
    }

    /// Whether a list that was asked for without members came without them, although there are some.
    async fn without_members(&mut self, page: &Page<Group>) {
        let has_members = |group: &Group| {
            group
                .members
                .as_ref()
                .is_some_and(|members| !members.is_empty())
        };
        if page.resources.iter().any(has_members) {
            self.facts.lean_groups = Some(false);
            let found =
                "ignored: groups come with all their members, which makes their list longer";
            return self.found(Check::WithoutMembers, State::Note, found);
        }
        // Somebody's group has a member.
        let inhabited = self.facts.users.as_ref().and_then(|users| {
            let groups = users.first.iter().filter_map(|user| user.groups.as_ref());
            let mut ids = groups.flatten().map(|group| group.value.clone());
            ids.next()
        });
        let first = page.resources.first().map(|group| group.id.clone());
        let Some(id) = inhabited.or(first) else {
            return self.skip(&[Check::WithoutMembers], "there are no groups");
        };
        let target = RequestTarget::new(&["Groups", &id]);
        match self.asker.get(&target, Raw::resource::<Group>).await {
            Ok(group) if has_members(&group) => {
                self.facts.lean_groups = Some(true);
                let found = "honoured: groups can be listed without their members";
                self.found(Check::WithoutMembers, State::Ok, found);
            }
            Ok(_) => {
                let why = "the group that was looked at shows no members either way";
                self.skip(&[Check::WithoutMembers], why);
            }
            Err(why) => self.missed(Check::WithoutMembers, &why),
        }
    }
}

/// What follows from pages: how many users came where so many were asked for, and how many there
/// are in all.
fn granted(came: &[(u64, u64)], total: Option<u64>) -> Option<(State, Granted, String)> {
    let &(asked, first) = came.first()?;
    let larger = |best: (u64, u64), other: (u64, u64)| if other.1 > best.1 { other } else { best };
    let (best_asked, best) = came.iter().copied().reduce(larger)?;
    let (usual, smallest) = (grouped(PAGE), SIZES[2]);
    Some(if asked < PAGE {
        let found = format!(
            "pages of {usual} are refused, {} are granted; headcount goes down to {}",
            grouped(best),
            smallest.min(asked)
        );
        (State::Note, Granted::Limit(first.min(smallest)), found)
    } else if best >= PAGE {
        let found = format!("{usual} at once, as many as headcount asks for");
        (State::Ok, Granted::Limit(PAGE), found)
    } else if total == Some(best) {
        let found = match best {
            0 => "there is nobody to make a page of".to_owned(),
            best => format!(
                "all {} users came at once, so the limit does not show",
                grouped(best)
            ),
        };
        (State::Ok, Granted::Everyone(best), found)
    } else if best > first {
        let found = format!(
            "{} where {usual} were asked for, but {} where {} were: headcount asks for {usual}",
            grouped(first),
            grouped(best),
            grouped(best_asked)
        );
        (State::Note, Granted::Limit(first), found)
    } else {
        let found = format!("{} at once, although {usual} were asked for", grouped(best));
        (State::Ok, Granted::Limit(best), found)
    })
}

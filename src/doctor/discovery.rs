//! What the node says of itself. Nothing here keeps a node from being used: headcount finds out by
//! doing.

use super::ask::NoAnswer;
use super::connection::is_token_refused;
use super::{Check, Examination, State};
use crate::attribute::Attribute;
use crate::scim::{Page, Raw, RequestTarget, ResourceType, Schema, ServiceProviderConfig};
use crate::wording::grouped;

const USER_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// The attributes that headcount sends. `externalId` is not among them: it belongs to every
/// resource and need not be in a schema (RFC 7643, section 3.1).
fn sent() -> impl Iterator<Item = &'static str> {
    let texts = Attribute::all().filter(|attribute| *attribute != Attribute::ExternalId);
    let others = ["emails.value", "active", "groups.value"];
    texts.map(Attribute::path).chain(others)
}

impl Examination<'_> {
    /// Asks everything that the node tells of itself. Where the token is refused, this may still be
    /// open to all (RFC 7644, section 4): that is tried once.
    pub(super) async fn discovery(&mut self, first: &Result<(), NoAnswer>) {
        let config = self.ask_config().await;
        if first.as_ref().is_err_and(is_token_refused)
            && config.as_ref().is_err_and(is_token_refused)
        {
            let all = [
                Check::Config,
                Check::UserType,
                Check::GroupType,
                Check::Schemas,
                Check::UserSchema,
            ];
            self.skip(&all, "the token is refused");
            return;
        }
        match config {
            Ok(config) => self.config(config),
            Err(why) => self.missed(Check::Config, &why),
        }
        self.resource_type(Check::UserType, "User", "/Users").await;
        self.resource_type(Check::GroupType, "Group", "/Groups")
            .await;
        self.schemas().await;
        self.user_schema().await;
    }

    async fn ask_config(&mut self) -> Result<ServiceProviderConfig, NoAnswer> {
        let target = RequestTarget::new(&["ServiceProviderConfig"]);
        self.asker
            .get(&target, |raw| ServiceProviderConfig::read(&raw.body))
            .await
    }

    fn config(&mut self, config: ServiceProviderConfig) {
        let found = in_words(&config);
        if config.patch == Some(false) {
            let found =
                format!("{found}. Without PATCH, whole accounts and teams are read and put back");
            self.found(Check::Config, State::Note, found);
        } else {
            self.found(Check::Config, State::Ok, found);
        }
        self.facts.config = Some(config);
    }

    async fn resource_type(&mut self, check: Check, name: &str, usual: &str) {
        let target = RequestTarget::new(&["ResourceTypes", name]);
        let read = self
            .asker
            .get(&target, |raw| ResourceType::read(&raw.body))
            .await;
        match read {
            Ok(kind) => {
                let endpoint = kind.endpoint.as_deref().unwrap_or(usual);
                let schema = kind
                    .schema
                    .as_deref()
                    .unwrap_or("a schema it does not name");
                let found = format!("at {endpoint}, by {schema}");
                // Some nodes give a whole address here.
                if endpoint
                    .trim_end_matches('/')
                    .ends_with(usual.trim_start_matches('/'))
                {
                    self.found(check, State::Ok, found);
                } else {
                    let found = format!("{found}; headcount uses {usual}");
                    self.found(check, State::Note, found);
                }
            }
            Err(why) => self.missed(check, &why),
        }
    }

    async fn schemas(&mut self) {
        let read = self
            .asker
            .get(&RequestTarget::new(&["Schemas"]), Raw::page::<Schema>)
            .await;
        match read {
            Ok(Page { resources, .. }) => {
                let names: Vec<_> = resources
                    .iter()
                    .map(|schema| schema.name.as_deref().unwrap_or(&schema.id))
                    .collect();
                let found = format!("{}: {}", names.len(), names.join(", "));
                self.found(Check::Schemas, State::Ok, found);
            }
            Err(why) => self.missed(Check::Schemas, &why),
        }
    }

    async fn user_schema(&mut self) {
        let target = RequestTarget::new(&["Schemas", USER_SCHEMA]);
        let read = self.asker.get(&target, Raw::resource::<Schema>).await;
        let schema = match read {
            Ok(schema) => schema,
            Err(why) => return self.missed(Check::UserSchema, &why),
        };
        let (mut missing, mut read_only) = (Vec::new(), Vec::new());
        for path in sent() {
            match schema.attribute(path) {
                None => missing.push(path),
                Some(attribute) => {
                    let top = path.split('.').next().unwrap_or(path);
                    let whole = schema.attribute(top).unwrap_or(attribute);
                    if whole.is_read_only() {
                        read_only.push(top);
                    }
                }
            }
        }
        self.facts.groups_read_only = read_only.contains(&"groups");
        let mut found = format!("{} attributes", schema.attributes.len());
        if missing.is_empty() && read_only.is_empty() {
            found.push_str(", all that headcount sends among them");
            return self.found(Check::UserSchema, State::Ok, found);
        }
        if !missing.is_empty() {
            found = format!(
                "{found}; not among them: {}, which the node may ignore",
                missing.join(", ")
            );
        }
        if !read_only.is_empty() {
            found = format!("{found}; only to be read: {}", read_only.join(", "));
        }
        self.found(Check::UserSchema, State::Note, found);
    }
}

fn in_words(config: &ServiceProviderConfig) -> String {
    let yes = |flag: Option<bool>| match flag {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not said",
    };
    let bulk = match &config.bulk {
        Some(bulk) if bulk.supported => {
            let operations = bulk
                .max_operations
                .map(|most| format!(", {} operations", grouped(most)));
            let bytes = bulk
                .max_payload
                .map(|most| format!(", {} bytes", grouped(most)));
            format!(
                "yes{}{}",
                operations.unwrap_or_default(),
                bytes.unwrap_or_default()
            )
        }
        bulk => yes(bulk.as_ref().map(|bulk| bulk.supported)).to_owned(),
    };
    let filter = match &config.filter {
        Some(filter) if filter.supported => match filter.max_results {
            Some(most) => format!("yes, at most {} results", grouped(most)),
            None => "yes".to_owned(),
        },
        filter => yes(filter.as_ref().map(|filter| filter.supported)).to_owned(),
    };
    let mut words = format!(
        "patch: {}; bulk: {bulk}; filter: {filter}; sort: {}; etag: {}; change password: {}",
        yes(config.patch),
        yes(config.sort),
        yes(config.etag),
        yes(config.change_password),
    );
    if let Some(pagination) = &config.pagination {
        let ways = match (pagination.index, pagination.cursor) {
            (_, false) => "by index",
            (true, true) => "by index or by cursor",
            (false, true) => "by cursor",
        };
        words = format!("{words}; pages: {ways}");
    }
    if !config.authentication.is_empty() {
        words = format!("{words}; sign-in by {}", config.authentication.join(", "));
    }
    words
}

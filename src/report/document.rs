//! What documents for programs have in common.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::run::Verdict;

/// All outcomes with their counts, by the words of the results file, those that do not occur as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Outcomes(Map<String, Value>);

impl Outcomes {
    /// With the counts that `count` tells.
    pub fn of(count: impl Fn(Verdict) -> u64) -> Self {
        let counts = Verdict::ALL.into_iter();
        let counts = counts.map(|verdict| (verdict.as_str().to_owned(), count(verdict).into()));
        Outcomes(counts.collect())
    }
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeName {
    /// In words.
    pub name: String,
    /// Its address.
    pub address: String,
}

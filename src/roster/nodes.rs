//! Rows for several nodes in one file: each goes to the node that its column `node` names.

use std::sync::Arc;

use super::column::plain;
use crate::wording::nearest;

/// What a node may be called in a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeNames {
    /// The name that is shown: the profile's, or the node's id.
    pub name: String,
    /// What else it is known by.
    pub others: Vec<String>,
}

/// The nodes of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Nodes {
    /// Their names.
    pub names: Vec<NodeNames>,
    /// Whether there is just one, so that a row need not name it.
    pub is_one: bool,
}

impl Nodes {
    /// The node that a cell names.
    #[must_use]
    pub fn named(&self, cell: &str) -> Option<usize> {
        let cell = plain(cell);
        let by_name = |names: &NodeNames| plain(&names.name) == cell;
        let by_other = |names: &NodeNames| names.others.iter().any(|other| plain(other) == cell);
        let mut also = self
            .names
            .iter()
            .enumerate()
            .filter(|(_, names)| by_other(names));
        self.names.iter().position(by_name).or_else(|| {
            // An id that two nodes of different regions have names neither.
            also.next()
                .filter(|_| also.next().is_none())
                .map(|(at, _)| at)
        })
    }

    /// What is wrong with a cell that names none.
    fn problem(&self, cell: &str) -> Option<String> {
        if cell.is_empty() {
            let what = "this row names no node, and the run is for several";
            return (!self.is_one).then(|| format!("{what}: {}", self.listed()));
        }
        if self.named(cell).is_some() {
            return None;
        }
        let names = self.names.iter().map(|names| names.name.as_str());
        let near = nearest(cell, names.clone());
        Some(match (self.is_one, near) {
            (true, _) => format!("is not the node of this run, which is {}", self.listed()),
            (false, Some(near)) => format!("is no node of this run; did you mean {near:?}?"),
            (false, None) => format!("is no node of this run: {}", self.listed()),
        })
    }

    fn listed(&self) -> String {
        let names: Vec<&str> = self.names.iter().map(|names| &*names.name).collect();
        names.join(", ")
    }
}

/// The rows of one node.
#[derive(Debug, Clone)]
pub(super) struct Share {
    nodes: Arc<Nodes>,
    at: usize,
}

impl Share {
    pub(super) fn new(nodes: Arc<Nodes>, at: usize) -> Self {
        Share { nodes, at }
    }

    /// Whether rows that are for none stand with these.
    pub(super) fn is_first(&self) -> bool {
        self.at == 0
    }

    /// Whether a row with this cell is among them.
    pub(super) fn has(&self, cell: &str) -> bool {
        let named = (!cell.is_empty()).then(|| self.nodes.named(cell)).flatten();
        named.map_or(self.is_first(), |at| at == self.at)
    }

    /// Why a row with this cell is for none.
    pub(super) fn problem(&self, cell: &str) -> Option<String> {
        self.nodes.problem(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(names: &[(&str, &[&str])]) -> Nodes {
        let names = names.iter().map(|(name, others)| NodeNames {
            name: (*name).to_owned(),
            others: others.iter().map(|other| (*other).to_owned()).collect(),
        });
        Nodes {
            is_one: names.len() == 1,
            names: names.collect(),
        }
    }

    #[test]
    fn a_cell_names_a_node_by_its_profile_or_id() {
        let nodes = nodes(&[
            ("Sales EU", &["111"]),
            ("sales-us", &["222"]),
            ("lab", &["222"]),
        ]);
        assert_eq!(nodes.named("sales_eu"), Some(0));
        assert_eq!(nodes.named("111"), Some(0));
        assert_eq!(nodes.named("LAB"), Some(2));
        assert_eq!(nodes.named("222"), None, "two have this id");
        let share = Share::new(Arc::new(nodes.clone()), 1);
        assert!(share.has("Sales US") && !share.has("lab") && !share.has(""));
        assert_eq!(
            nodes.problem("sales-uk").unwrap(),
            "is no node of this run; did you mean \"sales-us\"?"
        );
        assert!(
            nodes
                .problem("")
                .unwrap()
                .ends_with("Sales EU, sales-us, lab")
        );
    }

    #[test]
    fn the_only_node_need_not_be_named_but_no_other_may() {
        let nodes = nodes(&[("111", &["sales"])]);
        assert_eq!(nodes.problem(""), None);
        assert_eq!(nodes.problem("Sales"), None);
        assert!(
            nodes
                .problem("222")
                .unwrap()
                .contains("not the node of this run")
        );
    }
}

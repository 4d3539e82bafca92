//! What a filter matches.

use super::attribute::{Attr, Top, Type};
use super::filter::{Filter, Op, Test};

/// One value of an attribute.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scalar<'a> {
    Text(&'a str),
    Bool(bool),
    /// Milliseconds since 1970.
    Time(i64),
}

/// Something a filter can look at: a user, a group, or an element of one of their lists.
pub(super) trait Resource {
    /// Shows `visit` the values of `attr` until it answers true; whether it did.
    fn any(&self, attr: Attr, visit: &mut dyn FnMut(Scalar<'_>) -> bool) -> bool;

    /// The same with the elements of a list.
    fn any_element(&self, _list: Top, _visit: &mut dyn FnMut(&dyn Resource) -> bool) -> bool {
        false
    }

    /// Whether `attr` has the value `text`, where that is known without looking at every value.
    fn holds(&self, _attr: Attr, _text: &str) -> Option<bool> {
        None
    }
}

impl Filter {
    pub(super) fn matches(&self, resource: &dyn Resource) -> bool {
        match self {
            Filter::And(parts) => parts.iter().all(|part| part.matches(resource)),
            Filter::Or(parts) => parts.iter().any(|part| part.matches(resource)),
            Filter::Not(inner) => !inner.matches(resource),
            Filter::Element(list, inner) => {
                resource.any_element(*list, &mut |element| inner.matches(element))
            }
            Filter::Present(attr) | Filter::Compare(attr, Op::Ne, Test::Null) => {
                present(*attr, resource)
            }
            Filter::Compare(attr, Op::Eq, Test::Null) => !present(*attr, resource),
            Filter::Compare(attr, Op::Ne, test) => !compare(*attr, Op::Eq, test, resource),
            Filter::Compare(attr, op, test) => compare(*attr, *op, test, resource),
        }
    }
}

/// `pr`: there is a value that is not empty, or for a complex attribute one of its parts has one.
fn present(attr: Attr, resource: &dyn Resource) -> bool {
    let mut filled = |value: Scalar<'_>| !matches!(value, Scalar::Text(""));
    if attr.data_type() == Type::Complex {
        let mut parts = attr.top.subs().iter();
        return parts.any(|sub| resource.any(Attr::part(attr.top, *sub), &mut filled));
    }
    resource.any(attr, &mut filled)
}

fn compare(attr: Attr, op: Op, test: &Test, resource: &dyn Resource) -> bool {
    if let (Op::Eq, Test::Text { want, .. }) = (op, test)
        && let Some(known) = resource.holds(attr, want)
    {
        return known;
    }
    resource.any(attr, &mut |value| match (value, test) {
        (Scalar::Text(have), Test::Text { want, exact: true }) => text(have, op, want),
        (Scalar::Text(have), Test::Text { want, exact: false }) => folded(have, op, want),
        (Scalar::Bool(have), Test::Bool(want)) => have == *want,
        (Scalar::Time(have), Test::Time(want)) => order(&have, op, want),
        _ => false,
    })
}

fn text(have: &str, op: Op, want: &str) -> bool {
    match op {
        Op::Co => have.contains(want),
        Op::Sw => have.starts_with(want),
        Op::Ew => have.ends_with(want),
        _ => order(have, op, want),
    }
}

fn folded(have: &str, op: Op, want: &str) -> bool {
    if op == Op::Eq && have.is_ascii() {
        return have.eq_ignore_ascii_case(want);
    }
    text(&have.to_lowercase(), op, want)
}

fn order<T: Ord + ?Sized>(have: &T, op: Op, want: &T) -> bool {
    match op {
        Op::Gt => have > want,
        Op::Ge => have >= want,
        Op::Lt => have < want,
        Op::Le => have <= want,
        _ => have == want,
    }
}

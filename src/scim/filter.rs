//! Filters as they are sent (RFC 7644, section 3.4.2.2).

/// `attribute eq "value"`, the value written as a JSON string so that nothing in it can end it.
#[must_use]
pub fn equals(attribute: &str, value: &str) -> String {
    format!("{attribute} eq {}", serde_json::Value::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_break_out_of_its_quotes() {
        assert_eq!(
            equals("userName", "ann@example.com"),
            r#"userName eq "ann@example.com""#
        );
        assert_eq!(
            equals("userName", "a\" or active eq \"true\\\n"),
            r#"userName eq "a\" or active eq \"true\\\n""#
        );
    }
}

//! What a row means: column names and aliases, cell rules, validation; `Row` to `Change` or rejection.

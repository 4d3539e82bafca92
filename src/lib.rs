//! `headcount` takes a spreadsheet of people and makes a Keeper node match it over SCIM 2.0.
pub mod roster;
pub mod sandbox;
pub mod sheet;

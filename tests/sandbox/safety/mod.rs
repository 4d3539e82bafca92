//! What must never happen: the wrong job continued, a row carried out twice, an own account called somebody else's, people
//! locked whom nobody meant, a record that is trusted although it is not there.
#![cfg(unix)]

mod continuing;
mod guards;
mod listings;
mod ownership;
mod records;

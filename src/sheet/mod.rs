//! Spreadsheets in and out: encoding, dialect, header, formula-safe writing.

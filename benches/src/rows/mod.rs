//! The rows of the table: a question in each file.

pub(crate) mod cycle;
pub(crate) mod run;

//! What every bus promises, and what one of them promises besides.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod embedded_log;
#[cfg(test)]
mod spool;

//! What a spool promises: what it has accepted arrives in order and once, whatever happens to the
//! bus, the process or the disk.

mod alone;
mod aside;
mod bounds;
mod kill;
mod outage;
mod property;
mod restart;
mod sharing;
mod support;
mod takeover;

//! What a spool promises: what it has accepted arrives in order and once, whatever happens to the
//! bus, the process or the disk.

#[cfg(test)]
#[path = "spool/alone.rs"]
mod alone;
#[cfg(test)]
#[path = "spool/aside.rs"]
mod aside;
#[cfg(test)]
#[path = "spool/bounds.rs"]
mod bounds;
#[cfg(test)]
#[path = "spool/kill.rs"]
mod kill;
#[cfg(test)]
#[path = "spool/outage.rs"]
mod outage;
#[cfg(test)]
#[path = "spool/property.rs"]
mod property;
#[cfg(test)]
#[path = "spool/restart.rs"]
mod restart;
#[cfg(test)]
#[path = "spool/support.rs"]
mod support;
#[cfg(test)]
#[path = "spool/takeover.rs"]
mod takeover;

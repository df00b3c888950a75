//! What only the embedded log promises: its directory survives kills, full disks and damaged files.

#[cfg(test)]
#[path = "embedded_log/damage.rs"]
mod damage;
#[cfg(test)]
#[path = "embedded_log/deletion.rs"]
mod deletion;
#[cfg(test)]
#[path = "embedded_log/full_disk.rs"]
mod full_disk;
#[cfg(test)]
#[path = "embedded_log/kill.rs"]
mod kill;
#[cfg(test)]
#[path = "embedded_log/lifecycle.rs"]
mod lifecycle;
#[cfg(test)]
#[path = "embedded_log/retention.rs"]
mod retention;
#[cfg(test)]
#[path = "embedded_log/support.rs"]
mod support;

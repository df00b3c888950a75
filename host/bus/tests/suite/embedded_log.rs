//! What only the embedded log promises: its directory survives kills, full disks and damaged files.

mod damage;
mod deletion;
mod full_disk;
mod kill;
mod lifecycle;
mod retention;
mod support;

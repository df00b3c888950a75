//! In a process of its own, whose memory is looked at.

#[cfg(test)]
#[cfg(target_os = "linux")]
mod flat;

//! Reads the memory and processor time of this process from `/proc`.

use std::fs;

use super::snapshot::Process;

/// Ticks of `/proc/*/stat` in a second: fixed by the kernel for programs, whatever its own clock.
const TICKS_PER_SECOND: f64 = 100.0;

/// `None` where there is no `/proc`.
pub(super) fn read() -> Option<Process> {
    let resident_memory_bytes = resident(&fs::read_to_string("/proc/self/status").ok()?)?;
    let cpu_seconds = cpu(&fs::read_to_string("/proc/self/stat").ok()?)?;
    Some(Process {
        resident_memory_bytes,
        cpu_seconds,
    })
}

/// From a line such as `VmRSS:     5120 kB`.
fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// From fields 14 and 15, user and system time; field 2 is a name in brackets that may hold
/// anything.
fn cpu(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_time_are_read_from_the_right_places() {
        assert_eq!(
            resident("VmPeak:\t 900 kB\nVmRSS:\t     512 kB\nThreads:\t3\n"),
            Some(524_288)
        );
        let stat = "7 (a) b) c) S 1 7 7 0 -1 4194560 1 2 3 4 250 150 0 0 20 0 3 0 99 1 2";
        assert_eq!(cpu(stat), Some(4.0));
        assert_eq!((resident("no such line"), cpu("7 (a) S 1")), (None, None));
    }

    #[test]
    fn this_process_has_memory_and_takes_time() {
        let process = read().expect("Linux has /proc");
        assert!(
            process.resident_memory_bytes > 1 << 20 && process.cpu_seconds >= 0.0,
            "{process:?}"
        );
    }
}

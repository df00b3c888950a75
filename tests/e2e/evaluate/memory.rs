//! A large file is judged in bounded memory.
//!
//! `EVALUATE_MIB` sets how large it is; `make big-evaluation` takes 5 GiB.

use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Duration;

use fedhost_e2e::{Scene, plugins};

use super::noise;

const MIB: u64 = 1 << 20;
/// Small enough for every run of the tests. All of its rows would take half as much memory.
const FILE_MIB: u64 = 300;
/// As much as is promised for any file; this one takes less, whatever is not bounded shows sooner.
const MEMORY_MIB: u64 = 300;
const MEMORY_MIB_OF_OURS: u64 = 150;
const COLUMNS: u32 = 60;

/// Writes rows until the file is that large. They come from a store of some, so that writing takes
/// no longer than reading.
fn write_rows(file: &Path, bytes: u64) -> u64 {
    const STORE: u32 = 4_096;
    let cells =
        |row| (0..COLUMNS).map(move |column| format!("{:.5},", noise(COLUMNS * row + column)));
    let store: Vec<String> = (0..STORE).map(|row| cells(row).collect()).collect();
    let mut out = BufWriter::with_capacity(1 << 20, std::fs::File::create(file).unwrap());
    let head = (0..COLUMNS)
        .map(|column| format!("c{column},"))
        .collect::<String>();
    writeln!(out, "{head}anomaly").unwrap();
    let (mut written, mut rows) = (0, 0_u64);
    while written < bytes {
        let cells = &store[usize::try_from(rows * 2_654_435_761 % u64::from(STORE)).unwrap()];
        let label = u8::from(rows % 1_000 >= 990);
        writeln!(out, "{cells}{label}").unwrap();
        written += cells.len() as u64 + 2;
        rows += 1;
    }
    out.flush().unwrap();
    rows
}

/// The most memory that a process has held so far, in MiB; `None` when it has ended.
fn peak_mib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.split_whitespace()
        .next()?
        .parse::<u64>()
        .ok()
        .map(|kib| kib / 1024)
}

#[test]
fn a_file_larger_than_memory_is_judged_in_bounded_memory() {
    let wanted = std::env::var_os("EVALUATE_MIB")
        .map_or(FILE_MIB, |text| text.to_str().unwrap().parse().unwrap());
    let scene = Scene::new();
    let rows = write_rows(&scene.path("big.csv"), wanted * MIB);
    let plugins = plugins().display().to_string();
    let both = [
        "--plugin",
        "misbehaving",
        "--plugin",
        "logistic-regression",
        "--label",
        "anomaly",
        "--epochs",
        "1",
    ];
    let files = [
        "--plugins-dir",
        &plugins,
        "--data",
        "big.csv",
        "--scores",
        "scores.csv",
        "--json",
        "-q",
    ];
    let run = scene.start(&[&["evaluate", "--protocol", "split:0.5"], &both[..], &files].concat());
    let mut peak = 0;
    while let Some(mib) = peak_mib(run.id()) {
        peak = mib;
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(run.wait_in_silence(), Some(0));
    let scored = std::fs::read(scene.path("scores.csv"))
        .unwrap()
        .iter()
        .filter(|byte| **byte == b'\n')
        .count();
    assert_eq!(scored as u64, 1 + rows / 2);
    let bound = if wanted == FILE_MIB {
        MEMORY_MIB_OF_OURS
    } else {
        MEMORY_MIB
    };
    assert!(
        (50..bound).contains(&peak),
        "{peak} MiB of memory for {wanted} MiB of {rows} rows"
    );
    println!("{peak} MiB of memory for {wanted} MiB of {rows} rows");
}

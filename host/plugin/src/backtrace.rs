//! Shortens the engine's backtrace to the functions of the plug-in's author.
//!
//! The names are an untrusted file's. Demangling can take time and memory that grow without bound
//! with the length of a name, so names are cut first, and what comes out is cut as it is written.

use std::fmt::{self, Write};

use wasmtime::WasmBacktrace;

use super::text::plain;

/// The most functions that are named, innermost first.
const FRAMES_MAX: usize = 4;
/// Bytes of a mangled name that are looked at.
const MANGLED_MAX_BYTES: usize = 512;
/// Bytes of one name as shown; those of generic Rust functions can be very long.
const NAME_MAX_BYTES: usize = 120;

/// The innermost functions of the guest's own code, for example `` `pca::fit` < `pca::train` ``.
pub(super) fn innermost(backtrace: &WasmBacktrace) -> Option<String> {
    shortened(
        backtrace
            .frames()
            .iter()
            .filter_map(|frame| frame.func_name()),
    )
}

fn shortened<'a>(functions: impl Iterator<Item = &'a str>) -> Option<String> {
    let names: Vec<String> = functions
        .map(|name| without_hashes(&demangled(name)))
        .filter(|name| !is_panic_machinery(name))
        .take(FRAMES_MAX)
        .map(|name| format!("`{}`", plain(&name, NAME_MAX_BYTES)))
        .collect();
    if names.is_empty() {
        return None;
    }
    Some(names.join(" < "))
}

/// A Rust name as it stands in the source; other names as they are.
fn demangled(name: &str) -> String {
    let name = &name[..name.floor_char_boundary(MANGLED_MAX_BYTES)];
    let Ok(parsed) = rustc_demangle::try_demangle(name) else {
        return name.to_owned();
    };
    let mut bounded = Bounded(String::new());
    // A full buffer ends the writing; what was written so far is enough to recognise a function.
    let _ = write!(bounded, "{parsed:#}");
    bounded.0
}

/// Takes text up to a bound, then fails.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MANGLED_MAX_BYTES - self.0.len();
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        if text.len() > room {
            return Err(fmt::Error);
        }
        Ok(())
    }
}

/// Drops what the compiler of Rust guests adds: `::h0123456789abcdef` at the end,
/// `[0123456789abcdef]` after a crate.
fn without_hashes(name: &str) -> String {
    let is_hash =
        |text: &str| text.len() >= 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let path = match name.rsplit_once("::h") {
        Some((path, hash)) if is_hash(hash) => path,
        _ => name,
    };
    let mut pieces = path.split('[');
    let mut clean = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once(']') {
            Some((hash, rest)) if is_hash(hash) => clean.push_str(rest),
            _ => clean.extend(["[", piece]),
        }
    }
    clean
}

fn is_panic_machinery(name: &str) -> bool {
    const PREFIXES: [&str; 6] = [
        "core::panicking",
        "std::panicking",
        "std::sys",
        "std::process",
        "__rust",
        "rust_",
    ];
    name.is_empty() || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_guests_own_functions_are_named() {
        let functions = [
            "std[a543996e6e7dbf1e]::panicking::panic_with_hook",
            "rust_begin_unwind",
            "pca[c5930c85a12de822]::fit::<[f32; 4]>",
            "_ZN3pca5train17h0123456789abcdefE",
            "<wasm function 17>",
        ];
        assert_eq!(
            shortened(functions.into_iter()).unwrap(),
            "`pca::fit::<[f32; 4]>` < `pca::train` < `<wasm function 17>`"
        );
    }

    #[test]
    fn without_functions_there_is_no_text() {
        assert_eq!(shortened([].into_iter()), None);
    }

    #[test]
    fn a_name_of_any_length_costs_little() {
        let nested_templates = format!("_Z1f{}{}", "1AI".repeat(3_000), "E".repeat(3_000));
        let back_references = format!("_RMC0{}B2_{}", "TB2_".repeat(2_000), "E".repeat(2_000));
        let doubling = format!("_RIC1a{}pE", "TB0_B0_".repeat(40));
        for name in [
            nested_templates,
            back_references,
            doubling,
            "é".repeat(5_000),
        ] {
            let shown = shortened([name.as_str()].into_iter()).unwrap();
            assert!(shown.len() <= NAME_MAX_BYTES + 8, "{shown}");
        }
    }
}

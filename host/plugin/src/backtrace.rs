//! Shortens the engine's backtrace to the functions of the plug-in's author.

use super::text::plain;

/// The most functions that are named, innermost first.
const FRAMES_MAX: usize = 4;
/// Bytes of one name; those of generic Rust functions can be very long.
const NAME_MAX_BYTES: usize = 120;

/// The innermost functions of the guest's own code, for example `` `pca::fit` < `pca::train` ``.
///
/// `trace` has lines such as `  0:   0x1e0 - pca.wasm!pca::fit::h0123456789abcdef`.
pub(super) fn innermost(trace: &str) -> Option<String> {
    let names: Vec<String> = trace
        .lines()
        .filter_map(|line| line.split_once('!'))
        .map(|(_, name)| without_hashes(name.trim()))
        .filter(|name| !is_panic_machinery(name))
        .take(FRAMES_MAX)
        .map(|name| format!("`{}`", plain(&name, NAME_MAX_BYTES)))
        .collect();
    (!names.is_empty()).then(|| names.join(" < "))
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
        let trace = "error while executing at wasm backtrace:\n    \
             0:   0x1b2c - pca.wasm!std[a543996e6e7dbf1e]::panicking::panic_with_hook\n    \
             1:    0x9f1 - pca.wasm!rust_begin_unwind\n    \
             2:    0x9f1 - pca.wasm!pca[c5930c85a12de822]::fit::<[f32; 4]>\n    \
             3:    0x9f1 - pca.wasm!pca::train::h0123456789abcdef\n    \
             4:    0x9f1 - pca.wasm!<wasm function 17>";
        assert_eq!(
            innermost(trace).unwrap(),
            "`pca::fit::<[f32; 4]>` < `pca::train` < `<wasm function 17>`"
        );
    }

    #[test]
    fn an_empty_trace_names_no_function() {
        assert_eq!(innermost(""), None);
    }
}

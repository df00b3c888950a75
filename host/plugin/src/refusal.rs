//! Why a file is not run, in words its author and its operator can act on.

use std::path::PathBuf;

use super::conversion::NAME_MAX_BYTES;
use super::descriptor::DescriptorError;
use super::engine::EngineError;
use super::failure::CallError;
use super::text::plain;

/// Names that one refusal lists.
const NAMES_MAX: usize = 50;

/// A file that this host does not run.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
#[error("{} is refused: {reason}", file.display())]
pub struct Refused {
    /// Which.
    pub file: PathBuf,
    /// Why.
    pub reason: Reason,
}

/// Why a file is not run.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum Reason {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// It is larger than it may be.
    #[error(
        "it has more than the {max} bytes that are compiled\nhint: raise limits.component_bytes"
    )]
    TooLarge {
        /// The limit.
        max: u64,
    },
    /// It is no WebAssembly at all.
    #[error("it is no WebAssembly file")]
    NotWasm,
    /// It is the module from which a component is made.
    #[error(
        "it is a core module, not a component\nhint: make it one with `fedhost plugin build` or `wasm-tools component new`"
    )]
    CoreModule,
    /// It cannot be parsed to its end.
    #[error("it is damaged: {0}\nhint: copy or build it again")]
    Damaged(String),
    /// The compiler does not take it.
    #[error(
        "it is not valid: {0}\nhint: it is damaged, or was built with a WebAssembly proposal that is off in this host"
    )]
    Invalid(String),
    /// The compiler did not come to an end.
    #[error("{0}")]
    Compiler(String),
    /// Nobody who is trusted vouches for it.
    #[error("{0}")]
    Signature(String),
    /// It has nothing to do with this host.
    #[error(
        "it is a component, but no plug-in for this host: it imports {}; it exports {}\n\
         hint: start from `fedhost plugin new`",
        list(imports),
        list(exports)
    )]
    NotAPlugin {
        /// Everything it imports.
        imports: Vec<String>,
        /// Everything it exports.
        exports: Vec<String>,
    },
    /// It was built for another version of our interface.
    #[error("it speaks {}, this host speaks fedhost:plugin 0.1\nhint: build it again with this host's wit folder", list(.0))]
    OtherVersion(Vec<String>),
    /// It asks for more than this host offers.
    #[error("it asks for {}, and this host offers fedhost:plugin/host alone{}", list(.0), wasi_hint(.0))]
    Imports(Vec<String>),
    /// An interface is missing, incomplete or has other types.
    #[error("{0}\nhint: build it again with this host's wit folder")]
    Interface(String),
    /// It says what it is, and offers nothing to call.
    #[error(
        "it exports none of preprocessing, training and detection\nhint: start from `fedhost plugin new`"
    )]
    Idle,
    /// No engine can be made that suits its limits.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Engine(#[from] EngineError),
    /// It could not say what it is.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Describe(#[from] CallError),
    /// What it says of itself does not hold together.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Descriptor(#[from] DescriptorError),
}

/// A stranger's names: few enough to read, and nothing in them but what can be read.
fn list(names: &[String]) -> String {
    let mut listed: Vec<String> = names
        .iter()
        .take(NAMES_MAX)
        .map(|name| plain(name, NAME_MAX_BYTES))
        .collect();
    match names.len() {
        0 => return "nothing".to_owned(),
        count if count > NAMES_MAX => listed.push(format!("and {} more", count - NAMES_MAX)),
        _ => {}
    }
    listed.join(", ")
}

fn wasi_hint(names: &[String]) -> &'static str {
    if names.iter().any(|name| name.starts_with("wasi:")) {
        "\nhint: there is no WASI here; build Rust for wasm32-unknown-unknown, Python with --stub-wasi, JavaScript with \
         all features disabled"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_names_are_few_and_hide_nothing() {
        let forged = Reason::Imports(vec!["a\u{1b}[2J\nERROR".to_owned(), "x".repeat(10_000)]);
        let told = forged.to_string();
        assert!(
            told.contains("a[2J ERROR, xxx") && told.len() < 500,
            "{told}"
        );
        let many = Reason::OtherVersion(vec!["n".to_owned(); 1_000]).to_string();
        assert!(many.contains("n, n, and 950 more"), "{many}");
    }
}

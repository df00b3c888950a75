//! Explains why a file is refused, and what its author or an operator can do.

use std::path::PathBuf;

use super::conversion::NAME_MAX_BYTES;
use super::descriptor::DescriptorError;
use super::engine::EngineError;
use super::failure::CallError;
use super::text::plain;

/// The most names that one refusal lists.
const NAMES_MAX: usize = 50;

/// A refused file.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
#[error("{} is refused: {reason}", file.display())]
pub struct Refused {
    /// Which.
    pub file: PathBuf,
    /// Why.
    #[diagnostic_source]
    pub reason: Reason,
}

/// Why a file is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum Reason {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    #[diagnostic(help("put a regular file there that this user may read"))]
    Unreadable(String),
    /// It is too large.
    #[error("it is larger than the limit of {max} bytes")]
    #[diagnostic(help("raise limits.component_bytes"))]
    TooLarge {
        /// The limit.
        max: u64,
    },
    /// It is no WebAssembly.
    #[error("it is no WebAssembly file")]
    #[diagnostic(help("`fedhost plugin build` makes components; move other files away"))]
    NotWasm,
    /// It is the module from which a component is made.
    #[error("it is a core module, not a component")]
    #[diagnostic(help("make it one with `fedhost plugin build` or `wasm-tools component new`"))]
    CoreModule,
    /// It cannot be parsed to its end.
    #[error("it is damaged: {0}")]
    #[diagnostic(help("copy or build it again"))]
    Damaged(String),
    /// The compiler refuses it.
    #[error("it is not valid: {0}")]
    #[diagnostic(help(
        "it is damaged, or was built with a WebAssembly proposal that is off in this host"
    ))]
    Invalid(String),
    /// The compiler failed.
    #[error("{reason}")]
    Compiler {
        /// How it failed.
        reason: String,
        /// What to do about it.
        #[help]
        hint: Option<&'static str>,
    },
    /// It has no trusted signature.
    #[error("{reason}")]
    Signature {
        /// What is wrong with the signature.
        reason: String,
        /// What to do about it.
        #[help]
        hint: Option<&'static str>,
    },
    /// It is no plug-in.
    #[error(
        "it is a component, but no plug-in for this host: it imports {}; it exports {}",
        list(imports),
        list(exports)
    )]
    #[diagnostic(help("`fedhost plugin new` creates a plug-in"))]
    NotAPlugin {
        /// Everything it imports.
        imports: Vec<String>,
        /// Everything it exports.
        exports: Vec<String>,
    },
    /// It has more imports and exports than any plug-in, and more than can be listed.
    #[error(
        "it imports and exports more than {max} names, or names of more than {max_bytes} bytes together"
    )]
    #[diagnostic(help("a plug-in has at most seven; build it with this host's wit folder"))]
    TooManyNames {
        /// The most names.
        max: usize,
        /// The most bytes of all names.
        max_bytes: usize,
    },
    /// It was built for another version of the interface.
    #[error("it uses {}, this host supports fedhost:plugin 0.1", list(.0))]
    #[diagnostic(help("build it again with this host's wit folder"))]
    OtherVersion(Vec<String>),
    /// It imports more than this host offers.
    #[error("it imports {}, but this host offers only fedhost:plugin/host", list(.0))]
    #[diagnostic(help("{}", imports_hint(.0)))]
    Imports(Vec<String>),
    /// An interface is missing, incomplete or has other types.
    #[error("{0}")]
    #[diagnostic(help("build it again with this host's wit folder"))]
    Interface(String),
    /// It exports only its description.
    #[error("it exports none of preprocessing, training and detection")]
    #[diagnostic(help("`fedhost plugin new` creates a plug-in that does"))]
    Idle,
    /// No engine can be created for its limits.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Engine(#[from] EngineError),
    /// Its `describe` failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Describe(#[from] CallError),
    /// Its description is invalid.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Descriptor(#[from] DescriptorError),
}

/// Lists untrusted names: bounded in number and length, without control characters.
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

fn imports_hint(names: &[String]) -> &'static str {
    if names.iter().any(|name| name.starts_with("wasi:")) {
        "there is no WASI here; build Rust for wasm32-unknown-unknown, Python with --stub-wasi, JavaScript with \
         all features disabled"
    } else {
        "build it again with this host's wit folder"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untrusted_names_are_bounded_and_printable() {
        let forged = Reason::Imports(vec!["a\u{1b}[2J\nERROR".to_owned(), "x".repeat(10_000)]);
        let message = forged.to_string();
        assert!(
            message.contains("a[2J ERROR, xxx") && message.len() < 500,
            "{message}"
        );
        let many = Reason::OtherVersion(vec!["n".to_owned(); 1_000]).to_string();
        assert!(many.contains("n, n, and 950 more"), "{many}");
    }
}

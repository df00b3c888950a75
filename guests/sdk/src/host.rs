//! The functions of the host that a plug-in may call. In native tests, a log line is written to
//! standard error.

/// Severity of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For the plug-in's author.
    Debug,
    /// Worth knowing.
    Info,
    /// Something to look into.
    Warning,
    /// Something failed.
    Error,
}

/// Hands one line to the host, which stamps it, cuts it to its limit and limits how many there may
/// be in a call.
pub fn log(level: Level, message: &str) {
    #[cfg(target_family = "wasm")]
    crate::export::log(level, message);
    #[cfg(not(target_family = "wasm"))]
    #[expect(
        clippy::print_stderr,
        reason = "natively there is no host, and tests capture this"
    )]
    {
        eprintln!("{level:?}: {message}");
    }
}

/// Logs at a [`Level`]: `log!(Warning, "{missing} values are missing")`.
#[macro_export]
macro_rules! log {
    ($level:ident, $($format:tt)+) => {
        $crate::host::log($crate::host::Level::$level, &::std::format!($($format)+))
    };
}

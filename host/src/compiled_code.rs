//! Where compiled plug-ins are cached: one directory of this user for all commands, so that what
//! one command has compiled no other one compiles again.

use std::env;
use std::path::{Path, PathBuf};

/// Returns the directory; `None` if this user has no home directory, as some services do.
#[must_use]
pub(crate) fn directory() -> Option<PathBuf> {
    in_environment(env::var_os("XDG_CACHE_HOME"), env::var_os("HOME"))
}

fn in_environment(
    cache: Option<std::ffi::OsString>,
    home: Option<std::ffi::OsString>,
) -> Option<PathBuf> {
    // The specification of XDG says to ignore relative paths.
    let absolute = |path: &Option<std::ffi::OsString>| {
        let path = Path::new(path.as_ref()?);
        path.is_absolute().then(|| path.to_owned())
    };
    let cache = absolute(&cache).or_else(|| Some(absolute(&home)?.join(".cache")))?;
    Some(cache.join("fedhost/compiled-plugins"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_lies_where_the_user_keeps_caches() {
        let found = |cache: &str, home: &str| in_environment(Some(cache.into()), Some(home.into()));
        let expected = |path: &str| Some(PathBuf::from(path));
        assert_eq!(found("/c", "/h"), expected("/c/fedhost/compiled-plugins"));
        for ignored in ["", "relative"] {
            assert_eq!(
                found(ignored, "/h"),
                expected("/h/.cache/fedhost/compiled-plugins")
            );
        }
        assert_eq!(found("", ""), None);
        assert_eq!(in_environment(None, None), None);
    }
}

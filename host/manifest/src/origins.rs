//! Where each value of the effective manifest came from.

use std::collections::BTreeMap;

use super::problem::Origin;
use super::tree::Node;

/// Where each value of the effective manifest came from, by key path.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origins(BTreeMap<String, Origin>);

impl Origins {
    pub(super) fn collect(root: &mut Node) -> Self {
        let mut origins = BTreeMap::new();
        root.walk("", &mut |path, node| {
            drop(origins.insert(path.to_owned(), node.origin.clone()))
        });
        Self(origins)
    }

    /// Where the value at `key_path` came from.
    #[must_use]
    pub fn of(&self, key_path: &str) -> Origin {
        self.0.get(key_path).cloned().unwrap_or(Origin::Default)
    }

    /// Every value, table and list, in the order of the key paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Origin)> {
        self.0.iter().map(|(path, origin)| (path.as_str(), origin))
    }

    /// Where the value was written, or else the table that lacks it.
    #[must_use]
    pub fn nearest(&self, key_path: &str) -> Origin {
        let mut path = key_path;
        loop {
            if let Some(origin) = self.0.get(path) {
                return origin.clone();
            }
            let Some((above, _)) = path.rsplit_once(['.', '[']) else {
                return Origin::Default;
            };
            path = above;
        }
    }
}

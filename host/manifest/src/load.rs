//! Merges the layers, checks the whole, and reads it into types.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::origins::Origins;
use super::problem::{Origin, Problem, Problems};
use super::tree::Node;
use super::{
    Manifest, check, consistency, expand, file, kafka, layers, overrides, plugins, print, schema,
    topics,
};

const DEFAULT: &str = include_str!("../../../config/default.toml");

/// A manifest without problems, and where its values came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// What the run consists of.
    pub manifest: Manifest,
    /// Where each value came from.
    pub origins: Origins,
    /// The effective manifest as TOML, the same for the same values: its digest identifies the
    /// run's settings.
    pub canonical: String,
}

impl Loaded {
    /// The effective manifest as TOML, a manifest again, with each value's origin behind it and
    /// secrets hidden; on Kafka, what each client is given follows as comments.
    #[must_use]
    pub fn to_toml_with_origins(&self) -> String {
        print::annotate(&self.canonical, &self.origins)
            + &kafka::listing(&self.manifest, &self.origins)
    }
}

/// Reads the manifest at `path`, lays `environment` and `sets` (`key.path=value`) over it, and
/// checks it.
///
/// # Errors
/// Everything that is wrong with it; a fault of reading or of TOML syntax hides the rest.
pub fn load(
    path: &Path,
    environment: impl IntoIterator<Item = (String, String)>,
    sets: &[String],
) -> Result<Loaded, Problems> {
    let name: Arc<str> = Arc::from(path.to_string_lossy().as_ref());
    let environment: BTreeMap<String, String> = environment.into_iter().collect();
    let mut problems = Problems::default();

    let mut root = Node::new(toml::Value::Table(built_in()), &Origin::Default);
    layers::add(
        &mut root,
        read(path, &name).map_err(Problems::of)?,
        &mut problems,
    );
    overrides::add_environment(&mut root, &environment, &mut problems);
    overrides::add_sets(&mut root, sets, &mut problems);
    topics::settle(&mut root);
    expand::expand(&mut root, &environment, &mut problems);
    kafka::settle_values(&mut root);
    check::check(schema(), &mut root, &mut problems);
    plugins::inherit_limits(&mut root);

    let origins = Origins::collect(&mut root);
    let manifest = root
        .to_value()
        .try_into()
        .map_err(|error| whole(&name, &error))
        .and_then(|mut manifest| {
            consistency::complete(&mut manifest, path, &origins, &mut problems);
            let canonical = toml::to_string(&manifest).map_err(|error| whole(&name, &error))?;
            Ok(Loaded {
                manifest,
                origins,
                canonical,
            })
        });
    problems.into_result(&name)?;
    manifest.map_err(Problems::of)
}

/// The bottom layer; a test reads it.
pub(super) fn built_in() -> toml::Table {
    toml::from_str(DEFAULT).unwrap_or_default()
}

fn read(path: &Path, name: &Arc<str>) -> Result<Node, Problem> {
    let text = std::fs::read_to_string(path).map_err(|error| Problem {
        hint: Some("give the path of a TOML file, for example config/demo.toml".into()),
        ..whole(name, &format!("it cannot be read: {error}"))
    })?;
    file::parse(name, &text)
}

fn whole(name: &Arc<str>, message: &dyn std::fmt::Display) -> Problem {
    let origin = Origin::File {
        path: Arc::clone(name),
        line: None,
    };
    Problem {
        key_path: String::new(),
        origin,
        message: message.to_string(),
        hint: None,
    }
}

//! Finds the plug-ins of a command line, and what they are opened with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::{bail, miette};

use super::Evaluate;
use crate::cli::plugin::parameters;
use fedhost_domain::model::PluginSelector;
use fedhost_evaluate::{self as evaluate, Candidate, Subject};
use fedhost_plugin::{Limits, Loader, Parameters, Plugin, Value, nearest};

/// More work than any call does: work is counted, not limited.
const COUNTED_FUEL: i64 = i64::MAX;
/// Nothing waits for a call here, and a training may go over many rows.
const CALL_DEADLINE_MS: u64 = 60_000;

/// All plug-ins to evaluate, and the preprocessor before them.
pub(super) struct Candidates {
    pub(super) all: Vec<Candidate>,
    pub(super) preprocess: Option<Subject>,
    /// What each may use.
    pub(super) limits: Limits,
}

impl Candidates {
    /// Loads them. A component that is refused is a candidate too: its refusal is the result.
    pub(super) fn load(args: &Evaluate) -> Result<Self, miette::Report> {
        let mut limits = vec![format!("call_deadline_ms={CALL_DEADLINE_MS}")];
        if args.fuel {
            limits.push(format!("fuel_per_call={COUNTED_FUEL}"));
        }
        // Later ones count.
        limits.extend(args.limits.iter().cloned());
        let loader = parameters::loader(&limits)?;
        let limits = parameters::limits(&limits)?;
        let mut given = by_plugin(&args.parameters)?;
        let preprocess = args
            .preprocess
            .as_deref()
            .map(|wanted| preprocessor(args, wanted, &loader, &mut given));
        let preprocess = preprocess.transpose()?;
        let mut all = Vec::with_capacity(args.plugins.len());
        for wanted in &args.plugins {
            all.push(candidate(args, wanted, &loader, &given)?);
        }
        let known = all.iter().map(name).chain(
            preprocess
                .iter()
                .map(|subject| subject.plugin.id().name.clone()),
        );
        let known: BTreeSet<String> = known.collect();
        if let Some(stray) = given.keys().find(|name| !known.contains(*name)) {
            let known: Vec<String> = known.into_iter().collect();
            bail!(
                help = format!("there are {}", known.join(", ")),
                "--parameters {stray}.… is for no plug-in of this evaluation"
            );
        }
        Ok(Self {
            all,
            preprocess,
            limits,
        })
    }
}

fn name(candidate: &Candidate) -> String {
    match &candidate.subject {
        Ok(subject) => subject.plugin.id().name.clone(),
        Err(refused) => refused
            .file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
    }
}

fn candidate(
    args: &Evaluate,
    wanted: &str,
    loader: &Loader,
    given: &BTreeMap<String, Parameters>,
) -> Result<Candidate, miette::Report> {
    let file = find(args, wanted)?;
    let inspection = loader.inspect(&file).ok();
    let subject = match loader.load(&file) {
        Err(refused) => Err(refused),
        Ok(plugin) => {
            check_version(wanted, &plugin)?;
            if evaluate::is_reserved_name(&plugin.id().name) {
                bail!(
                    help = "give the plug-in another name in its `describe`",
                    "{}: the name {:?} is that of a baseline or of a column of --scores",
                    file.display(),
                    plugin.id().name
                );
            }
            if !plugin.abilities().detection {
                bail!(
                    help = "a preprocessor goes to --preprocess",
                    "{} scores no rows, it is a {}",
                    plugin.id(),
                    plugin.abilities()
                );
            }
            Ok(subject(plugin, given)?)
        }
    };
    Ok(Candidate {
        file,
        inspection,
        subject,
    })
}

fn preprocessor(
    args: &Evaluate,
    wanted: &str,
    loader: &Loader,
    given: &mut BTreeMap<String, Parameters>,
) -> Result<Subject, miette::Report> {
    let plugin = loader.load(&find(args, wanted)?)?;
    check_version(wanted, &plugin)?;
    if !plugin.abilities().preprocessing {
        bail!(
            help = "a model goes to --plugin",
            "{} prepares no rows, it is a {}",
            plugin.id(),
            plugin.abilities()
        );
    }
    subject(plugin, given)
}

fn subject(
    plugin: Plugin,
    given: &BTreeMap<String, Parameters>,
) -> Result<Subject, miette::Report> {
    let none = Parameters::new();
    let given = given.get(&plugin.id().name).unwrap_or(&none);
    let parameters = parameters::complete(&plugin, given)?;
    Ok(Subject {
        plugin: Arc::new(plugin),
        parameters,
    })
}

/// A name is looked up in the folder; anything with a slash or `.wasm` at its end is a file.
fn find(args: &Evaluate, wanted: &str) -> Result<PathBuf, miette::Report> {
    let file = Path::new(wanted);
    if file
        .extension()
        .is_some_and(|extension| extension == "wasm")
        || wanted.contains('/')
    {
        file.metadata().map_err(|error| {
            miette!(
                help = there(args),
                "cannot read the component {wanted}: {error}"
            )
        })?;
        return Ok(file.to_owned());
    }
    let selector: PluginSelector = wanted.parse()?;
    let file = args.plugins_dir.join(format!("{}.wasm", selector.name));
    if !file.is_file() {
        bail!(
            help = meant(args, &selector.name),
            "there is no plug-in {:?} in {}",
            selector.name,
            args.plugins_dir.display()
        );
    }
    Ok(file)
}

/// The nearest name, and all others.
fn meant(args: &Evaluate, name: &str) -> String {
    let names = names(args);
    let nearest = nearest(name, names.iter().map(String::as_str));
    nearest.map_or_else(
        || there(args),
        |nearest| format!("did you mean {nearest}? {}", there(args)),
    )
}

fn there(args: &Evaluate) -> String {
    let names = Vec::from_iter(names(args));
    match names.len() {
        0 => "`make plugins` builds those that come with the source".to_owned(),
        _ => format!(
            "there are {}; --plugins-dir names another folder",
            names.join(", ")
        ),
    }
}

/// What lies in the folder.
fn names(args: &Evaluate) -> BTreeSet<String> {
    let entries = std::fs::read_dir(&args.plugins_dir)
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    let components = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|it| it == "wasm"));
    components
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect()
}

fn check_version(wanted: &str, plugin: &Plugin) -> Result<(), miette::Report> {
    let Ok(PluginSelector {
        version: Some(version),
        ..
    }) = wanted.parse()
    else {
        return Ok(());
    };
    if !version.matches(&plugin.descriptor().version) {
        bail!(
            help = "install that one, or ask for the one that is there",
            "{} is not version {version}",
            plugin.id()
        );
    }
    Ok(())
}

/// From `NAME.KEY=VALUE` each.
fn by_plugin(given: &[String]) -> Result<BTreeMap<String, Parameters>, miette::Report> {
    let mut all: BTreeMap<String, Parameters> = BTreeMap::new();
    for text in given {
        let parsed: Option<(String, (String, Value))> =
            text.split_once('.').and_then(|(name, rest)| {
                let (key, value) = parameters::parse(&[rest.to_owned()])
                    .ok()?
                    .into_iter()
                    .next()?;
                Some((name.to_owned(), (key, value)))
            });
        let (name, (key, value)) = parsed
            .ok_or_else(|| miette!(help = "write NAME.KEY=VALUE", "{text:?} sets no parameter"))?;
        all.entry(name).or_default().insert(key, value);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fedhost_base::hint::explain_report;

    #[test]
    fn parameters_are_told_apart_by_plugin() {
        let given = [
            "pca-t2q.components=3",
            "pca-t2q.share=0.9",
            "ewma.mode=cusum",
        ]
        .map(str::to_owned);
        let parsed = by_plugin(&given).unwrap();
        assert_eq!(parsed.keys().collect::<Vec<_>>(), ["ewma", "pca-t2q"]);
        assert_eq!(parsed["pca-t2q"]["share"], Value::Number(0.9));
        for bad in ["components=3", "pca-t2q.components"] {
            let error = explain_report(&by_plugin(&[bad.to_owned()]).unwrap_err());
            assert!(error.contains("hint: write NAME.KEY=VALUE"), "{error}");
        }
    }
}

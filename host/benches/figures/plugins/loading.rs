//! From a file to a plug-in: compiled, in a process of its own or in this one, and found compiled.

use std::time::Duration;

use fedhost_plugin::Engine;

use super::{built, loader};
use crate::measure::{Figure, median_of};

pub(crate) fn figures(engine: &Engine) -> Vec<Figure> {
    let file = built("logistic-regression");
    let home = tempfile::tempdir().unwrap();
    let cached = loader(engine).with_cache(&home.path().join("compiled"));
    cached.load(&file).expect("run `make plugins` first");
    let compiled = median_of(|| drop(loader(engine).load(&file).unwrap()));
    let found = median_of(|| assert!(cached.load(&file).unwrap().was_cached()));
    let ms = |seconds: f64| Duration::from_secs_f64(seconds).as_secs_f64() * 1e3;
    vec![Figure::beside(
        "plugin_load_from_cache",
        ms(found),
        "ms",
        "compiling it",
        ms(compiled),
    )]
}

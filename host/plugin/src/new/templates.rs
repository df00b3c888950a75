//! The template files of each kind in each language, from `host/plugin/templates`.

use super::{Language, PluginKind};

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/", $path))
    };
}

/// The path of a file, and its template.
type File = (&'static str, &'static str);

const SHARED: [File; 3] = [
    ("README.md", template!("README.md.in")),
    (".gitignore", template!("gitignore")),
    ("sample.csv", template!("sample.csv")),
];

const CARGO: File = ("Cargo.toml", template!("rust/Cargo.toml.in"));
const CARD: File = ("plugin.toml", template!("plugin.toml.in"));
const CONVERSION_PY: File = ("conversion.py", template!("python/conversion.py"));
const CONVERSION_JS: File = ("conversion.js", template!("javascript/conversion.js"));
const PACKAGE: File = ("package.json", template!("javascript/package.json.in"));

pub(super) fn files(kind: PluginKind, language: Language) -> Vec<File> {
    let own: &[File] = match (language, kind) {
        (Language::Rust, PluginKind::Preprocessor) => {
            &[CARGO, ("src/lib.rs", template!("rust/preprocessor/lib.rs"))]
        }
        (Language::Rust, PluginKind::Model) => {
            &[CARGO, ("src/lib.rs", template!("rust/model/lib.rs"))]
        }
        (Language::Rust, PluginKind::Detector) => {
            &[CARGO, ("src/lib.rs", template!("rust/detector/lib.rs"))]
        }
        (Language::Python, PluginKind::Preprocessor) => &[
            CARD,
            CONVERSION_PY,
            ("card.py", template!("python/preprocessor/card.py")),
            ("app.py", template!("python/preprocessor/app.py")),
            (
                "preprocessing.py",
                template!("python/preprocessor/preprocessing.py"),
            ),
            (
                "algorithm.py",
                template!("python/preprocessor/algorithm.py"),
            ),
            (
                "test_algorithm.py",
                template!("python/preprocessor/test_algorithm.py"),
            ),
        ],
        (Language::Python, PluginKind::Model) => &[
            CARD,
            CONVERSION_PY,
            ("card.py", template!("python/model/card.py")),
            ("app.py", template!("python/model/app.py")),
            ("training.py", template!("python/model/training.py")),
            ("detection.py", template!("python/model/detection.py")),
            ("algorithm.py", template!("python/model/algorithm.py")),
            (
                "test_algorithm.py",
                template!("python/model/test_algorithm.py"),
            ),
        ],
        (Language::Python, PluginKind::Detector) => &[
            CARD,
            CONVERSION_PY,
            ("card.py", template!("python/detector/card.py")),
            ("app.py", template!("python/detector/app.py")),
            ("detection.py", template!("python/detector/detection.py")),
            ("algorithm.py", template!("python/detector/algorithm.py")),
            (
                "test_algorithm.py",
                template!("python/detector/test_algorithm.py"),
            ),
        ],
        (Language::Javascript, PluginKind::Preprocessor) => &[
            CARD,
            ("app.js", template!("javascript/preprocessor/app.js")),
            (
                "algorithm.js",
                template!("javascript/preprocessor/algorithm.js"),
            ),
            ("test.mjs", template!("javascript/preprocessor/test.mjs")),
            CONVERSION_JS,
            PACKAGE,
        ],
        (Language::Javascript, PluginKind::Model) => &[
            CARD,
            ("app.js", template!("javascript/model/app.js")),
            ("algorithm.js", template!("javascript/model/algorithm.js")),
            ("test.mjs", template!("javascript/model/test.mjs")),
            CONVERSION_JS,
            PACKAGE,
        ],
        (Language::Javascript, PluginKind::Detector) => &[
            CARD,
            ("app.js", template!("javascript/detector/app.js")),
            (
                "algorithm.js",
                template!("javascript/detector/algorithm.js"),
            ),
            ("test.mjs", template!("javascript/detector/test.mjs")),
            CONVERSION_JS,
            PACKAGE,
        ],
    };
    SHARED.iter().chain(own).copied().collect()
}

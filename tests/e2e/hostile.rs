//! Malicious and malformed plug-ins: each is contained, the run continues, and the failure is
//! reported.
//!
//! One run of the binary meets many of them one after the other, so none of them may change the
//! state of the process.

mod calls;
mod files;
mod floods;
mod names;
mod rows;
mod scores;
mod trainings;

use fedhost_e2e::{Scene, plugins};
use serde_json::Value;

/// A folder with components of its own: the good ones of these names, and the others.
fn scene(good: &[&str], others: &[(&str, Vec<u8>)]) -> Scene {
    let scene = Scene::new();
    for name in good {
        let component = std::fs::read(plugins().join(format!("{name}.wasm"))).unwrap();
        scene.write(&format!("components/{name}.wasm"), component);
    }
    for (name, bytes) in others {
        scene.write(&format!("components/{name}.wasm"), bytes);
    }
    scene
}

/// A reported failure: its kind and its detail, one line of text.
#[derive(Clone, Debug)]
struct Failure {
    plugin: String,
    call: String,
    kind: String,
    detail: String,
}

impl Failure {
    fn of(event: &Value) -> Self {
        let text = |name: &str| event[name].as_str().unwrap().to_owned();
        Self {
            plugin: text("plugin"),
            call: text("call"),
            kind: text("kind"),
            detail: text("detail"),
        }
    }

    /// Fails unless it is of this kind, says so in these words, and in nothing that a terminal
    /// could take for a command.
    fn expect(&self, kind: &str, words: &str) {
        assert_eq!(self.kind, kind, "{self:?}");
        assert!(self.detail.contains(words), "{words:?} is not in {self:?}");
        assert!(
            self.detail
                .chars()
                .all(|character| character == '\n' || !character.is_control()),
            "{self:?}"
        );
        assert!(self.detail.len() < 6_000, "{} bytes", self.detail.len());
    }
}

fn failures(scene: &Scene) -> Vec<Failure> {
    scene
        .events_named("plugin_failed")
        .iter()
        .map(Failure::of)
        .collect()
}

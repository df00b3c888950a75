//! Encodes each world of `wit/plugin.wit` as the custom section that makes a core module a
//! component.
//!
//! `wit-bindgen` would emit it itself, but its exported macros allow for one world in a crate, and
//! the SDK serves three: the bindings are generated once for all interfaces, and an export macro
//! adds the section of its own world.

use std::error::Error;
use std::path::{Path, PathBuf};

use wit_component::StringEncoding;
use wit_parser::Resolve;

const WIT: &str = "../../wit";
const WORLDS: [&str; 3] = ["preprocessor-plugin", "model-plugin", "detector-plugin"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={WIT}");
    #[expect(
        clippy::disallowed_methods,
        reason = "cargo passes values to a build script in the environment"
    )]
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(Path::new(WIT))?;
    for name in WORLDS {
        let world = resolve.select_world(&[package], Some(name))?;
        let section = wit_component::metadata::encode(&resolve, world, StringEncoding::UTF8, None)?;
        std::fs::write(out.join(name), section)?;
    }
    Ok(())
}

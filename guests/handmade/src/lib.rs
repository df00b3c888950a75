//! Hand-written components for tests of hosts, which a compiler does not generate from a correct
//! program.
//!
//! Each begins as [`Handmade::passing`], a preprocessor without effect from `passing.wat`. A test
//! inserts code at the marked places.

#![expect(
    clippy::panic,
    reason = "a test whose component cannot be made cannot continue"
)]

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const PASSING: &str = include_str!("passing.wat");
const WIT: &str = include_str!("../../../wit/plugin.wit");

/// A component under construction.
#[derive(Clone, Debug)]
pub struct Handmade {
    module: String,
    interface: String,
}

impl Handmade {
    /// A preprocessor of that name that returns its rows unchanged.
    #[must_use]
    pub fn passing(name: &str) -> Self {
        let module = PASSING
            .replace("{name-length}", &name.len().to_string())
            .replace("{name}", name);
        Self {
            module,
            interface: WIT.to_owned(),
        }
    }

    /// Inserts code at the comment `(; place ;)` of the module.
    ///
    /// # Panics
    /// There is no such comment.
    #[must_use]
    pub fn at(self, place: &str, code: &str) -> Self {
        let mark = format!("(; {place} ;)");
        self.with(&mark, &format!("{mark} {code}"))
    }

    /// Replaces a text everywhere in the module.
    ///
    /// # Panics
    /// The module does not contain the text.
    #[must_use]
    pub fn with(mut self, text: &str, other: &str) -> Self {
        assert!(
            self.module.contains(text),
            "there is no {text:?} in the module"
        );
        self.module = self.module.replace(text, other);
        self
    }

    /// Replaces a text in the declared interface and in the module.
    #[must_use]
    pub fn speaking(mut self, text: &str, other: &str) -> Self {
        assert!(
            self.interface.contains(text),
            "there is no {text:?} in the interface"
        );
        self.interface = self.interface.replace(text, other);
        self.module = self.module.replace(text, other);
        self
    }

    /// The component in binary form.
    ///
    /// # Panics
    /// It is not valid.
    #[must_use]
    pub fn component(&self) -> Vec<u8> {
        let mut module = self.module();
        let mut resolve = Resolve::default();
        let package = resolve
            .push_str(Path::new("plugin.wit"), &self.interface)
            .unwrap_or_else(|why| panic!("{why:#}"));
        let world = resolve
            .select_world(&[package], Some("preprocessor-plugin"))
            .unwrap_or_else(|why| panic!("{why:#}"));
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
            .and_then(|()| {
                ComponentEncoder::default()
                    .validate(true)
                    .module(&module)?
                    .encode()
            })
            .unwrap_or_else(|why| panic!("{why:#}"))
    }

    /// The core module of the component.
    ///
    /// # Panics
    /// It cannot be parsed.
    #[must_use]
    pub fn module(&self) -> Vec<u8> {
        binary(&self.module)
    }
}

/// A module or component, from its text.
///
/// # Panics
/// It cannot be parsed.
#[must_use]
pub fn binary(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|why| panic!("{why}"))
}

/// Adds `instances` instances of an empty module to the component.
#[must_use]
pub fn crowded(component: &[u8], instances: u32) -> Vec<u8> {
    const MODULE: u8 = 1;
    const INSTANCES: u8 = 2;
    let modules = sections(component)
        .filter(|section| *section == MODULE)
        .count();
    let instance = [vec![0], number(modules as u32), vec![0]].concat();
    let instances = [number(instances), instance.repeat(instances as usize)].concat();
    [
        component.to_vec(),
        section(MODULE, b"\0asm\x01\0\0\0"),
        section(INSTANCES, &instances),
    ]
    .concat()
}

fn section(kind: u8, content: &[u8]) -> Vec<u8> {
    [vec![kind], number(content.len() as u32), content.to_vec()].concat()
}

/// The kinds of a component's sections, in order.
fn sections(component: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = component.get(8..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (kind, mut behind) = rest.split_first()?;
        let (mut length, mut shift) = (0_usize, 0);
        while let Some((byte, tail)) = behind.split_first() {
            behind = tail;
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        rest = behind.get(length..).unwrap_or_default();
        Some(*kind)
    })
}

/// Encodes a number as LEB128.
fn number(mut value: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inserted_code_is_part_of_the_component() {
        let plain = Handmade::passing("plain");
        assert_ne!(
            plain.component(),
            plain.clone().at("transform", "unreachable").component()
        );
        assert!(plain.component().starts_with(b"\0asm\x0d"));
        assert!(plain.module().starts_with(b"\0asm\x01"));
    }

    #[test]
    #[should_panic(expected = "nowhere")]
    fn an_unknown_place_is_refused() {
        let _ = Handmade::passing("plain").at("nowhere", "nop");
    }
}

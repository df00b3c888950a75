//! Components written by hand, for tests of hosts: what no compiler would make of an honest
//! program.
//!
//! Each begins as [`Handmade::passing`], a preprocessor that does nothing and is spelt out in
//! `passing.wat`; a test puts what it wants into the places that are marked there.

#![expect(
    clippy::panic,
    reason = "a test whose component cannot be made cannot go on"
)]

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const PASSING: &str = include_str!("passing.wat");
const WIT: &str = include_str!("../../../wit/plugin.wit");

/// A component that is being written.
#[derive(Clone, Debug)]
pub struct Handmade {
    module: String,
    interface: String,
}

impl Handmade {
    /// A preprocessor of that name that passes rows on as they came.
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

    /// The same with more code where the module says `(; place ;)`.
    ///
    /// # Panics
    /// There is no such place.
    #[must_use]
    pub fn at(self, place: &str, code: &str) -> Self {
        let mark = format!("(; {place} ;)");
        self.with(&mark, &format!("{mark} {code}"))
    }

    /// The same with another text in the module, wherever one stands.
    ///
    /// # Panics
    /// It stands nowhere.
    #[must_use]
    pub fn with(mut self, text: &str, other: &str) -> Self {
        assert!(
            self.module.contains(text),
            "there is no {text:?} in the module"
        );
        self.module = self.module.replace(text, other);
        self
    }

    /// The same with another text in the interface that it claims to speak, and in the module.
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

    /// The component, valid as such.
    ///
    /// # Panics
    /// It is not.
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

    /// The core module inside.
    ///
    /// # Panics
    /// It cannot be parsed.
    #[must_use]
    pub fn module(&self) -> Vec<u8> {
        binary(&self.module)
    }
}

/// Any module or component, from its text.
///
/// # Panics
/// It cannot be parsed.
#[must_use]
pub fn binary(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|why| panic!("{why}"))
}

/// The component with so many instances of an empty module beside its own.
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

/// In the variable length that the format has for numbers.
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
    fn what_is_put_in_is_part_of_the_component() {
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
    fn a_place_that_is_not_there_is_no_place_to_put_anything() {
        let _ = Handmade::passing("plain").at("nowhere", "nop");
    }
}

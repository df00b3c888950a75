//! The header of an array: a Python dictionary as text.

use crate::fault::Fault;

/// What an array is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Header {
    pub(super) element: Element,
    /// Column after column, rather than row after row.
    pub(super) is_fortran: bool,
    pub(super) shape: Vec<u64>,
}

/// A number as it is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Element {
    pub(super) kind: Kind,
    pub(super) is_big_endian: bool,
}

/// What a number is, and its length in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F32,
    F64,
}

impl Header {
    /// Reads what stands between the length of a header and the values.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let text = text.replace('"', "'");
        let value = |key: &str| {
            after(&text, key).ok_or_else(|| damaged(format!("its header has no {key}")))
        };
        let descr = value("'descr'")?;
        if descr.starts_with('[') {
            return Err(Fault::Structured);
        }
        let name = descr
            .strip_prefix('\'')
            .and_then(|rest| rest.split_once('\''))
            .map_or(descr, |(name, _)| name);
        let element = Element::parse(name)?;
        let is_fortran = value("'fortran_order'")?.starts_with("True");
        let shape = value("'shape'")?;
        let inside = shape
            .strip_prefix('(')
            .and_then(|rest| rest.split_once(')'))
            .map(|(inside, _)| inside);
        let length = |part: &str| part.trim_end_matches('L').parse::<u64>();
        let parts = inside
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let shape = parts
            .map(length)
            .collect::<Result<_, _>>()
            .map_err(|_| damaged(format!("its shape is {shape}")))?;
        Ok(Self {
            element,
            is_fortran,
            shape,
        })
    }
}

impl Element {
    fn parse(name: &str) -> Result<Self, Fault> {
        let (order, kind) = name.split_at_checked(1).unwrap_or_default();
        let kind = match kind {
            "b1" => Kind::Bool,
            "i1" => Kind::I8,
            "i2" => Kind::I16,
            "i4" => Kind::I32,
            "i8" => Kind::I64,
            "u1" => Kind::U8,
            "u2" => Kind::U16,
            "u4" => Kind::U32,
            "u8" => Kind::U64,
            "f4" => Kind::F32,
            "f8" => Kind::F64,
            _ => {
                return Err(Fault::ElementType {
                    name: name.to_owned(),
                });
            }
        };
        match order {
            "<" | "|" | "=" => Ok(Self {
                kind,
                is_big_endian: false,
            }),
            ">" => Ok(Self {
                kind,
                is_big_endian: true,
            }),
            _ => Err(Fault::ElementType {
                name: name.to_owned(),
            }),
        }
    }

    /// Bytes of one.
    pub(super) fn bytes(self) -> usize {
        match self.kind {
            Kind::Bool | Kind::I8 | Kind::U8 => 1,
            Kind::I16 | Kind::U16 => 2,
            Kind::I32 | Kind::U32 | Kind::F32 => 4,
            Kind::I64 | Kind::U64 | Kind::F64 => 8,
        }
    }
}

/// What stands after a key and its colon.
fn after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.split_once(key)?
        .1
        .trim_start()
        .strip_prefix(':')
        .map(str::trim_start)
}

pub(super) fn damaged(reason: String) -> Fault {
    Fault::Damaged {
        what: "the array",
        reason,
    }
}

#[cfg(test)]
mod tests {
    use fedhost_base::hint::with_hint;

    use super::*;
    use crate::options::OptionStyle;

    #[test]
    fn a_header_is_read_as_numpy_and_others_write_it() {
        let text = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }          \n";
        let header = Header::parse(text).unwrap();
        assert_eq!(
            header.element,
            Element {
                kind: Kind::F64,
                is_big_endian: false
            }
        );
        assert_eq!((header.is_fortran, header.shape), (false, vec![3, 4]));
        let header =
            Header::parse("{\"shape\":(7L,),\"fortran_order\":True,\"descr\":\">i2\"}").unwrap();
        assert_eq!(
            header.element,
            Element {
                kind: Kind::I16,
                is_big_endian: true
            }
        );
        assert_eq!((header.is_fortran, header.shape), (true, vec![7]));
    }

    #[test]
    fn what_is_no_array_of_numbers_is_refused() {
        let with =
            |descr: &str| format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (3,)}}");
        let refused = |text: &str| {
            let fault = Header::parse(text).unwrap_err();
            with_hint(&fault, fault.help(OptionStyle::Flags).as_deref())
        };
        for name in ["|O", "<U3", "<c16", "<f2", "<M8[s]", "|S4", "f8", ""] {
            let expected = format!(
                "{name:?} is no type of numbers that is read\nhint: in numpy: a.astype(\"float32\")"
            );
            assert_eq!(refused(&with(&format!("'{name}'"))), expected);
        }
        let structured = refused(&with("[('x', '<f8'), ('y', '<f8')]"));
        assert_eq!(
            structured,
            "the array is one of records, not of rows and columns\n\
             hint: in numpy: numpy.lib.recfunctions.structured_to_unstructured(a)"
        );
        assert!(
            refused("{'descr': '<f8'}")
                .starts_with("the array is damaged: its header has no 'fortran_order'\n")
        );
        let text = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, -1)}";
        assert!(
            refused(text).starts_with("the array is damaged: its shape is (3, -1)"),
            "{}",
            refused(text)
        );
    }
}

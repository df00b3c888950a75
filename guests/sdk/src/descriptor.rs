//! The description of a plug-in and its parameters: declared once, used for `describe` and for
//! reading.

use std::marker::PhantomData;

use crate::Value;

/// A plug-in's answer to `describe`.
#[derive(Clone, Debug, PartialEq)]
pub struct Descriptor {
    /// Lower case, words joined by dashes; the component's file is called so too.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// One sentence for a person who chooses between plug-ins.
    pub summary: String,
    /// Every parameter it takes.
    pub parameters: Vec<ParameterSpec>,
}

impl Descriptor {
    /// A plug-in without parameters; usually `Descriptor::new(env!("CARGO_PKG_NAME"),
    /// env!("CARGO_PKG_VERSION"), ..)`.
    #[must_use]
    pub fn new(name: &str, version: &str, summary: &str) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            summary: summary.into(),
            parameters: Vec::new(),
        }
    }

    /// The same with one more parameter.
    #[must_use]
    pub fn with<T: Kind>(mut self, setting: &Setting<T>) -> Self {
        self.parameters.push(setting.spec());
        self
    }
}

/// One parameter as the host and its users see it.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterSpec {
    /// Lower case, words joined by underscores, the unit last.
    pub name: String,
    /// One sentence, with the unit.
    pub summary: String,
    /// Used when it is not given; its type is the parameter's type.
    pub default: Value,
    /// Smallest legal number.
    pub minimum: Option<f64>,
    /// Largest legal number.
    pub maximum: Option<f64>,
    /// The legal texts; none for any text.
    pub choices: Vec<String>,
}

/// The declaration of a parameter, as a constant.
///
/// ```
/// use fedhost_guest::{Parameters, Setting};
///
/// const WINDOW: Setting<i64> = Setting::integer("window_rows", "rows to learn from", 200, 2..=1_000_000);
/// const MODE: Setting<&str> = Setting::choice("mode", "which side counts", "both", &["both", "above", "below"]);
///
/// let parameters = Parameters::default();
/// assert_eq!((parameters.get(&WINDOW), parameters.get(&MODE)), (200, "both"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Setting<T> {
    pub(crate) name: &'static str,
    summary: &'static str,
    pub(crate) default: T,
    minimum: Option<f64>,
    maximum: Option<f64>,
    choices: &'static [&'static str],
    kind: PhantomData<T>,
}

impl<T: Copy> Setting<T> {
    const fn new(name: &'static str, summary: &'static str, default: T) -> Self {
        Self {
            name,
            summary,
            default,
            minimum: None,
            maximum: None,
            choices: &[],
            kind: PhantomData,
        }
    }
}

impl Setting<f64> {
    /// A number within a range.
    #[must_use]
    pub const fn number(
        name: &'static str,
        summary: &'static str,
        default: f64,
        range: std::ops::RangeInclusive<f64>,
    ) -> Self {
        Self {
            minimum: Some(*range.start()),
            maximum: Some(*range.end()),
            ..Self::new(name, summary, default)
        }
    }
}

impl Setting<i64> {
    /// A whole number within a range; numbers above 2^53 are not distinguished.
    #[must_use]
    pub const fn integer(
        name: &'static str,
        summary: &'static str,
        default: i64,
        range: std::ops::RangeInclusive<i64>,
    ) -> Self {
        let (minimum, maximum) = (*range.start() as f64, *range.end() as f64);
        Self {
            minimum: Some(minimum),
            maximum: Some(maximum),
            ..Self::new(name, summary, default)
        }
    }
}

impl Setting<bool> {
    /// A switch.
    #[must_use]
    pub const fn flag(name: &'static str, summary: &'static str, default: bool) -> Self {
        Self::new(name, summary, default)
    }
}

impl Setting<&'static str> {
    /// One of several texts.
    #[must_use]
    pub const fn choice(
        name: &'static str,
        summary: &'static str,
        default: &'static str,
        choices: &'static [&'static str],
    ) -> Self {
        Self {
            choices,
            ..Self::new(name, summary, default)
        }
    }

    /// Any text.
    #[must_use]
    pub const fn text(name: &'static str, summary: &'static str, default: &'static str) -> Self {
        Self::new(name, summary, default)
    }
}

impl<T: Kind> Setting<T> {
    fn spec(&self) -> ParameterSpec {
        ParameterSpec {
            name: self.name.into(),
            summary: self.summary.into(),
            default: self.default.into_value(),
            minimum: self.minimum,
            maximum: self.maximum,
            choices: self.choices.iter().map(|&choice| choice.into()).collect(),
        }
    }
}

/// The four types a parameter can have: `bool`, `i64`, `f64` and `&str`.
pub trait Kind: Copy + sealed::Sealed {
    /// What reading gives.
    type Read<'a>;
    #[doc(hidden)]
    fn into_value(self) -> Value;
    #[doc(hidden)]
    fn read(value: &Value) -> Option<Self::Read<'_>>;
    #[doc(hidden)]
    fn into_read<'a>(self) -> Self::Read<'a>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for bool {}
    impl Sealed for i64 {}
    impl Sealed for f64 {}
    impl Sealed for &'static str {}
}

macro_rules! kind {
    ($type:ty, $read:ty, $variant:ident) => {
        impl Kind for $type {
            type Read<'a> = $read;
            fn into_value(self) -> Value {
                Value::$variant(self.into())
            }
            fn read(value: &Value) -> Option<Self::Read<'_>> {
                match value {
                    Value::$variant(value) => Some(kind!(@borrow $variant value)),
                    _ => None,
                }
            }
            fn into_read<'a>(self) -> Self::Read<'a> {
                self
            }
        }
    };
    (@borrow Text $value:ident) => { $value.as_str() };
    (@borrow $variant:ident $value:ident) => { *$value };
}
kind!(bool, bool, Boolean);
kind!(i64, i64, Integer);
kind!(f64, f64, Number);
kind!(&'static str, &'a str, Text);

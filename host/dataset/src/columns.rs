//! Which column of a file means what, and what is wrong with its columns.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::cells::{Cell, CellRules, Defect};
use super::fault::Fault;
use super::options::ReadOptions;

/// What a file's columns have to be.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) options: &'a ReadOptions,
    pub(super) labels: LabelNeed,
    /// The features of the first file, when there is one.
    pub(super) like: Option<Like<'a>>,
    /// Where files may be unpacked.
    pub(super) scratch: &'a Path,
}

/// What is wanted of the label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LabelNeed {
    /// Every row has one.
    Required,
    /// A row may have none.
    Optional,
    /// Nothing else is wanted: every other column is ignored, and the label may be the only one.
    Only,
    /// Its text is wanted in place of a row's time, and nothing else.
    AsText,
}

/// Features that other files have to have too, in this order.
#[derive(Clone, Copy)]
pub(super) struct Like<'a> {
    pub(super) file: &'a Path,
    pub(super) columns: &'a [String],
}

/// What a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Which of a row's values.
    Feature(usize),
    Label,
    Time,
    Ignored,
}

/// The columns of one file, and how their cells are read.
pub(super) struct Columns {
    names: Vec<String>,
    roles: Vec<Role>,
    features: Vec<String>,
    rules: CellRules,
    needs_label: bool,
}

impl Columns {
    /// Gives each column of a file its meaning, by its name. A column without a name is called by
    /// its number, from 1.
    pub(super) fn new(names: Vec<String>, wanted: &Wanted<'_>) -> Result<Self, Fault> {
        let options = wanted.options;
        let label = options.label.as_deref();
        let is_ignored = ignored(&names, options)?;
        let is_unnamed: Vec<bool> = names.iter().map(String::is_empty).collect();
        let names = numbered(names);
        if let Some(label) = label {
            if !names.iter().any(|name| name == label) {
                return Err(Fault::NoLabel {
                    label: label.to_owned(),
                    nearest: nearest(label, &names),
                    columns: names,
                });
            }
            if names
                .iter()
                .zip(&is_ignored)
                .any(|(name, is_ignored)| name == label && *is_ignored)
            {
                return Err(Fault::LabelIgnored {
                    label: label.to_owned(),
                });
            }
        }
        if let Some(time) = options.time.as_ref().filter(|time| !names.contains(time)) {
            return Err(Fault::NoTime {
                column: time.clone(),
                nearest: nearest(time, &names),
                columns: names,
            });
        }
        let only_label = matches!(wanted.labels, LabelNeed::Only | LabelNeed::AsText);
        let role = |(name, is_ignored): (&String, &bool)| {
            if label == Some(name) {
                if wanted.labels == LabelNeed::AsText {
                    Role::Time
                } else {
                    Role::Label
                }
            } else if *is_ignored || only_label {
                Role::Ignored
            } else if options.time.as_ref() == Some(name) {
                Role::Time
            } else {
                Role::Feature(0)
            }
        };
        let roles: Vec<Role> = names.iter().zip(&is_ignored).map(role).collect();
        check_names(&names, &is_unnamed, &roles)?;
        let found: Vec<String> = names
            .iter()
            .zip(&roles)
            .filter(|(_, role)| matches!(role, Role::Feature(_)))
            .map(|(name, _)| name.clone())
            .collect();
        if found.is_empty() && !only_label {
            return Err(Fault::NoFeatures { columns: names });
        }
        let features = match wanted.like {
            Some(like) => like.check(&found)?.to_vec(),
            None => found,
        };
        let places = features
            .iter()
            .enumerate()
            .map(|(place, name)| (name.as_str(), place));
        let places: HashMap<&str, usize> = places.collect();
        let placed = |(name, role): (&String, Role)| match (role, places.get(name.as_str())) {
            (Role::Feature(_), Some(place)) => Role::Feature(*place),
            (role, _) => role,
        };
        let roles = names.iter().zip(roles).map(placed).collect();
        Ok(Self {
            names,
            roles,
            features,
            rules: CellRules::new(options),
            needs_label: wanted.labels == LabelNeed::Required && label.is_some(),
        })
    }

    /// Names of all columns, in the file's order.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// What each column is, in the file's order.
    pub(super) fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// What one of them is.
    pub(super) fn role(&self, column: usize) -> Role {
        self.roles.get(column).copied().unwrap_or(Role::Ignored)
    }

    /// Names of the features, in the order of a row's values.
    pub(super) fn features(&self) -> &[String] {
        &self.features
    }

    /// Values of a row.
    pub(super) fn width(&self) -> usize {
        self.features.len()
    }

    /// Whether a row's time is kept.
    pub(super) fn keep_time(&self) -> bool {
        self.roles.contains(&Role::Time)
    }

    /// Whether a row without a label cannot be used.
    pub(super) fn need_label(&self) -> bool {
        self.needs_label
    }

    /// How cells are read.
    pub(super) fn rules(&self) -> &CellRules {
        &self.rules
    }

    /// Puts what the cell of `column` (in the file's order) holds where it belongs; an ignored cell
    /// is not looked at.
    pub(super) fn put(
        &self,
        column: usize,
        cell: Cell<'_>,
        row: &mut Row<'_>,
    ) -> Result<(), Defect> {
        match self.role(column) {
            Role::Ignored => {}
            Role::Feature(place) => {
                let value = self.rules.feature(cell)?;
                if let Some(kept) = row.values.get_mut(place) {
                    *kept = value;
                }
            }
            Role::Label => row.label = self.rules.label(cell)?,
            Role::Time => row.time = Some(text_of(cell)),
        }
        Ok(())
    }

    /// Finds out whether a row that is complete can be used.
    pub(super) fn check(&self, row: &Row<'_>) -> Result<(), Fault> {
        if self.needs_label && row.label.is_none() {
            return Err(self.no_label());
        }
        Ok(())
    }

    /// What is wrong with a row without its label.
    pub(super) fn no_label(&self) -> Fault {
        let column = self.roles.iter().position(|role| *role == Role::Label);
        self.fault(column.unwrap_or_default(), Defect::NoLabel, String::new())
    }

    /// What is wrong with the cell of `column` (in the file's order) that holds `text`.
    pub(super) fn fault(&self, column: usize, defect: Defect, text: String) -> Fault {
        let column = self.names.get(column).cloned().unwrap_or_default();
        match defect {
            Defect::NotANumber => Fault::NotANumber { column, text },
            Defect::Infinite => Fault::Infinite { column, text },
            Defect::BeyondRange => Fault::BeyondRange { column, text },
            Defect::BadLabel => Fault::BadLabel {
                column,
                text,
                is_listed: self.rules.have_label_values(),
                seen: Vec::new(),
            },
            Defect::NoLabel => Fault::NoLabelValue { column },
        }
    }
}

/// A row that is being read.
pub(super) struct Row<'a> {
    /// A value for each feature.
    pub(super) values: &'a mut [f64],
    pub(super) label: Option<bool>,
    pub(super) time: Option<String>,
}

impl<'a> Row<'a> {
    pub(super) fn new(values: &'a mut [f64]) -> Self {
        Self {
            values,
            label: None,
            time: None,
        }
    }
}

impl<'a> Like<'a> {
    /// The same names in any order are the same columns.
    fn check(&self, found: &[String]) -> Result<&'a [String], Fault> {
        let without = |left: &[String], right: &[String]| -> Vec<String> {
            let right: HashSet<&String> = right.iter().collect();
            left.iter()
                .filter(|name| !right.contains(name))
                .cloned()
                .collect()
        };
        let (lacks, adds) = (without(self.columns, found), without(found, self.columns));
        if lacks.is_empty() && adds.is_empty() {
            return Ok(self.columns);
        }
        Err(Fault::OtherColumns {
            first: self.file.to_owned(),
            lacks,
            adds,
        })
    }
}

fn text_of(cell: Cell<'_>) -> String {
    match cell {
        Cell::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Cell::Quoted(text) => text.to_owned(),
        Cell::Number(value) => value.to_string(),
    }
}

/// Which columns are ignored. A text of the list is a column's name, or the number of a column
/// without one, or several of these between commas.
fn ignored(names: &[String], options: &ReadOptions) -> Result<Vec<bool>, Fault> {
    let mut is_ignored = vec![false; names.len()];
    let mut ignore = |text: &str| {
        let mut is_there = false;
        for ((index, name), is_ignored) in names.iter().enumerate().zip(&mut is_ignored) {
            if name == text || name.is_empty() && is_number_of(index, text) {
                (*is_ignored, is_there) = (true, true);
            }
        }
        is_there
    };
    for text in &options.ignore {
        if ignore(text) {
            continue;
        }
        for part in text.split(',').map(str::trim) {
            if !ignore(part) && !options.may_lack_ignored {
                return Err(Fault::NoIgnored {
                    column: part.to_owned(),
                    columns: numbered(names.to_vec()),
                    nearest: nearest(part, names),
                });
            }
        }
    }
    Ok(is_ignored)
}

/// Whether a text says which column without a name is meant: `1` is the first, which pandas calls
/// `Unnamed: 0`.
fn is_number_of(index: usize, text: &str) -> bool {
    let after_pandas = text.strip_prefix("Unnamed: ");
    text.parse() == Ok(index + 1) || after_pandas.is_some_and(|number| number.parse() == Ok(index))
}

fn numbered(names: Vec<String>) -> Vec<String> {
    let number = |(index, name): (usize, String)| {
        if name.is_empty() {
            (index + 1).to_string()
        } else {
            name
        }
    };
    names.into_iter().enumerate().map(number).collect()
}

/// Refuses names of columns that are used and cannot be. Ignored columns may be called anything.
fn check_names(names: &[String], is_unnamed: &[bool], roles: &[Role]) -> Result<(), Fault> {
    /// How pandas calls an index in a Parquet file.
    const INDEX: &str = "__index_level_";
    let mut known = HashSet::new();
    for ((name, role), is_unnamed) in names.iter().zip(roles).zip(is_unnamed) {
        if *role == Role::Ignored {
            continue;
        }
        if *is_unnamed {
            return Err(Fault::Unnamed {
                number: name.clone(),
            });
        }
        if name.starts_with(INDEX) {
            return Err(Fault::Index {
                column: name.clone(),
            });
        }
        if !known.insert(name) {
            return Err(Fault::Duplicate {
                column: name.clone(),
            });
        }
    }
    Ok(())
}

/// The name that was probably meant.
pub(super) fn nearest(name: &str, known: &[String]) -> Option<String> {
    const SIMILAR: f64 = 0.75;
    let name = name.to_lowercase();
    let likeness = |known: &String| strsim::jaro_winkler(&name, &known.to_lowercase());
    let best = known
        .iter()
        .map(|known| (likeness(known), known))
        .max_by(|left, right| left.0.total_cmp(&right.0))?;
    (best.0 >= SIMILAR).then(|| best.1.clone())
}

#[cfg(test)]
mod tests;

//! Which column of a file means what, and what is wrong with its columns.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::Layout;
use super::fault::Fault;
use super::number::{Defect, feature, label};

/// What a file's columns have to be.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) layout: &'a Layout,
    /// The features of the first file, when there is one.
    pub(super) like: Option<Like<'a>>,
    /// Where files may be unpacked.
    pub(super) scratch: &'a Path,
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
    Ignored,
}

/// The columns of one file. There is one label, and at least one feature.
pub(super) struct Columns {
    names: Vec<String>,
    roles: Vec<Role>,
    features: Vec<String>,
}

impl Columns {
    /// Gives each column of a file, by its name, what it means.
    pub(super) fn new(names: Vec<String>, wanted: &Wanted<'_>) -> Result<Self, Fault> {
        let Layout { label, ignore, .. } = wanted.layout;
        if ignore.contains(label) {
            return Err(Fault::LabelIgnored {
                label: label.clone(),
            });
        }
        let is_ignored = |name: &String| ignore.contains(name);
        check_names(&names, is_ignored)?;
        if !names.contains(label) {
            let nearest = nearest(label, &names);
            return Err(Fault::NoLabel {
                label: label.clone(),
                columns: names,
                nearest,
            });
        }
        if let Some(column) = ignore.iter().find(|column| !names.contains(column)) {
            let (column, nearest) = (column.clone(), nearest(column, &names));
            return Err(Fault::NoIgnored {
                column,
                columns: names,
                nearest,
            });
        }
        let found: Vec<String> = names
            .iter()
            .filter(|name| *name != label && !is_ignored(name))
            .cloned()
            .collect();
        if found.is_empty() {
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
        let role = |name: &String| match places.get(name.as_str()) {
            Some(place) => Role::Feature(*place),
            None if name == label => Role::Label,
            None => Role::Ignored,
        };
        let roles = names.iter().map(role).collect();
        Ok(Self {
            names,
            roles,
            features,
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

    /// Puts what the cell of `column` (in the file's order) holds where it belongs; an ignored cell
    /// is not looked at.
    pub(super) fn put(
        &self,
        column: usize,
        cell: impl FnOnce() -> Result<f64, Defect>,
        row: &mut Row<'_>,
    ) -> Result<(), Defect> {
        match self.role(column) {
            Role::Ignored => {}
            Role::Feature(place) => {
                let value = cell().and_then(feature)?;
                if let Some(kept) = row.values.get_mut(place) {
                    *kept = value;
                }
            }
            // Whatever is no number is no label either.
            Role::Label => row.label = Some(cell().map_err(|_| Defect::BadLabel).and_then(label)?),
        }
        Ok(())
    }

    /// What is wrong with a row without its label.
    pub(super) fn no_label(&self) -> Fault {
        let column = self
            .roles
            .iter()
            .position(|role| *role == Role::Label)
            .unwrap_or_default();
        self.fault(column, Defect::NoLabel, String::new())
    }

    /// What is wrong with the cell of `column` (in the file's order) that holds `text`.
    pub(super) fn fault(&self, column: usize, defect: Defect, text: String) -> Fault {
        let column = self.names.get(column).cloned().unwrap_or_default();
        match defect {
            Defect::NotANumber => Fault::NotANumber { column, text },
            Defect::Infinite => Fault::Infinite { column, text },
            Defect::BeyondRange => Fault::BeyondRange { column, text },
            Defect::BadLabel => Fault::BadLabel { column, text },
            Defect::NoLabel => Fault::NoLabelValue { column },
        }
    }
}

/// A row that is being read.
pub(super) struct Row<'a> {
    /// A value for each feature.
    pub(super) values: &'a mut [f32],
    pub(super) label: Option<bool>,
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

fn check_names(names: &[String], is_ignored: impl Fn(&String) -> bool) -> Result<(), Fault> {
    /// How pandas calls an index in a Parquet file.
    const INDEX: &str = "__index_level_";
    let mut known = HashSet::new();
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(Fault::Unnamed {
                position: index + 1,
            });
        }
        if name.starts_with(INDEX) && !is_ignored(name) {
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
fn nearest(name: &str, known: &[String]) -> Option<String> {
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
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn wanted<'a>(layout: &'a Layout, like: Option<Like<'a>>) -> Wanted<'a> {
        Wanted {
            layout,
            like,
            scratch: Path::new(""),
        }
    }

    fn layout(ignore: &[&str]) -> Layout {
        Layout {
            delimiter: None,
            label: "anomaly".into(),
            ignore: ignore.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    fn refused(header: &str, layout: &Layout, like: Option<Like<'_>>) -> String {
        Columns::new(names(header), &wanted(layout, like))
            .err()
            .map(|fault| fault.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn columns_are_told_apart_by_name() {
        let layout = layout(&["at"]);
        let columns = Columns::new(names("at x anomaly y"), &wanted(&layout, None)).unwrap();
        assert_eq!(
            columns.roles(),
            [
                Role::Ignored,
                Role::Feature(0),
                Role::Label,
                Role::Feature(1)
            ]
        );
        assert_eq!(columns.features(), ["x", "y"]);
    }

    #[test]
    fn columns_of_a_later_file_are_put_in_the_order_of_the_first() {
        let (layout, first) = (layout(&[]), names("x y"));
        let like = Some(Like {
            file: Path::new("a.csv"),
            columns: &first,
        });
        let columns = Columns::new(names("y anomaly x"), &wanted(&layout, like)).unwrap();
        assert_eq!(
            columns.roles(),
            [Role::Feature(1), Role::Label, Role::Feature(0)]
        );
        assert_eq!(columns.features(), ["x", "y"]);
    }

    #[test]
    fn what_is_wrong_with_columns_is_said_with_the_remedy() {
        let cases = [
            (
                "x y",
                &[][..],
                "there is no label \"anomaly\"; the columns are x, y\nhint: --label takes one of these",
            ),
            (
                "x Anomali",
                &[],
                "there is no label \"anomaly\"; the columns are x, Anomali\nhint: did you mean --label Anomali?",
            ),
            (
                "date x anomaly",
                &["data"],
                "there is no column \"data\" to ignore; the columns are date, x, anomaly\nhint: did you mean --ignore date?",
            ),
            (
                "x anomaly",
                &["x"],
                "no column is left as a feature; the columns are x, anomaly\nhint: ignore fewer",
            ),
            (
                "x anomaly",
                &["anomaly"],
                "the label \"anomaly\" cannot be ignored\nhint: leave it out of --ignore",
            ),
            (
                "x x anomaly",
                &[],
                "two columns are called \"x\"\nhint: rename one",
            ),
            (
                " x anomaly",
                &[],
                "column 1 (from 1) has no name\nhint: name it; if a tool wrote row numbers there, leave them out",
            ),
            (
                "x anomaly __index_level_0__",
                &[],
                "\"__index_level_0__\" is an index that pandas wrote: row numbers are no feature\nhint: --ignore __index_level_0__",
            ),
        ];
        for (header, ignore, expected) in cases {
            assert_eq!(refused(header, &layout(ignore), None), expected);
        }
        assert_eq!(
            refused(
                "x anomaly __index_level_0__",
                &layout(&["__index_level_0__"]),
                None
            ),
            ""
        );
    }

    #[test]
    fn files_of_other_columns_are_refused_with_what_differs() {
        let first = names("x y");
        let like = Like {
            file: Path::new("a.csv"),
            columns: &first,
        };
        assert_eq!(
            refused("x z anomaly", &layout(&[]), Some(like)),
            "its columns are not those of a.csv: it lacks y and it adds z\n\
             hint: evaluate files of other columns apart, or --ignore what they do not share"
        );
    }

    #[test]
    fn a_list_of_many_columns_is_cut() {
        let many: Vec<String> = (0..100).map(|index| format!("f{index}")).collect();
        let error = refused(&many.join(" "), &layout(&[]), None);
        assert!(error.contains("f28, f29 and 70 more\n"), "{error}");
    }
}

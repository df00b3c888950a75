use crate::testing::arrays::{npy, npy_of, npz};
use crate::testing::{Folder, options, refusal, rows};
use crate::{DatasetError, ReadOptions};

fn label(name: &str) -> ReadOptions {
    ReadOptions {
        label: Some(name.into()),
        ..options(&[])
    }
}

fn features() -> Vec<u8> {
    npy_of(
        &[
            vec![1.0, f64::NAN],
            vec![3.0, 4.0],
            vec![5.0, 6.0],
            vec![7.0, 8.0],
        ],
        true,
        false,
    )
}

fn labels() -> Vec<u8> {
    npy(
        "<i8",
        false,
        "(4,)",
        &[0_i64, 1, 0, 1].map(i64::to_le_bytes).concat(),
    )
}

#[test]
fn features_and_labels_are_arrays_of_their_own() {
    let column = npy("|b1", false, "(4, 1)", &[0, 1, 0, 1]);
    for labels in [labels(), column] {
        for packed in [false, true] {
            let folder = Folder::new();
            let content = npz(
                &[
                    ("X", features()),
                    ("y", labels.clone()),
                    ("note", b"no array".to_vec()),
                ],
                packed,
            );
            let file = folder.write("a.npz", content);
            let options = ReadOptions {
                ignore: vec!["note".into()],
                ..label("y")
            };
            let found = rows(&file, &options).unwrap();
            assert_eq!(
                found,
                [
                    "f0 f1",
                    "[1.0, NaN] 0",
                    "[3.0, 4.0] 1",
                    "[5.0, 6.0] 0",
                    "[7.0, 8.0] 1"
                ],
                "{packed}"
            );
        }
    }
}

#[test]
fn labels_may_be_a_column_of_the_features() {
    let folder = Folder::new();
    let file = folder.write(
        "a.npz",
        npz(
            &[("table", npy("|u1", false, "(2, 2)", &[7, 0, 8, 1]))],
            true,
        ),
    );
    assert_eq!(
        rows(&file, &label("f1")).unwrap(),
        ["f0", "[7.0] 0", "[8.0] 1"]
    );
}

#[test]
fn what_is_wrong_is_said() {
    let cases: [(Vec<u8>, &str); 6] = [
        (
            npz(
                &[("X", features()), ("Z", features()), ("y", labels())],
                false,
            ),
            "a.npz: beside the label \"y\" there has to be one array, of features; there are X, Z\n\
             hint: --label names the array of labels; --ignore others",
        ),
        (
            npz(&[("y", labels())], false),
            "a.npz: beside the label \"y\" there has to be one array, of features; there are none\n\
             hint: --label names the array of labels; --ignore others",
        ),
        (
            npz(&[("X", features())], false),
            "a.npz: there is no label \"y\"; the columns are f0, f1\nhint: --label takes one of these",
        ),
        (
            npz(
                &[("X", features()), ("y", npy("|u1", false, "(3,)", &[0; 3]))],
                false,
            ),
            "a.npz: the labels \"y\" are not one for each of the 4 rows\nhint: --label names an array with one number a row",
        ),
        (
            npz(
                &[
                    ("X", features()),
                    ("y", npy("|u1", false, "(4,)", &[0, 3, 0, 0])),
                ],
                true,
            ),
            "a.npz, row 1 (from 0): label \"y\" holds 3, which is neither 0 nor 1\n\
             hint: say which values are anomalous or which are normal, such as --anomalous 3 or --normal 3",
        ),
        (
            npz(
                &[
                    ("X", npy("<U3", false, "(4, 1)", &[0; 48])),
                    ("y", labels()),
                ],
                false,
            ),
            "a.npz: array \"X\": \"<U3\" is no type of numbers that is read\nhint: in numpy: a.astype(\"float32\")",
        ),
    ];
    for (content, expected) in cases {
        assert_eq!(refusal("a.npz", content, &label("y")), expected);
    }
}

#[test]
fn a_damaged_file_is_told() {
    let sound = npz(&[("X", features()), ("y", labels())], true);
    let mut changed = sound.clone();
    let in_the_packed_values = 120;
    changed[in_the_packed_values] ^= 0x55;
    for content in [&sound[..sound.len() / 2], &changed[..]] {
        let error = refusal("a.npz", content, &label("y"));
        assert!(
            error.starts_with("a.npz: the NPZ file is damaged: "),
            "{error}"
        );
    }
}

#[test]
fn a_lack_of_room_to_unpack_is_told() {
    use crate::{Corpus, Sources, Storage};
    let folder = Folder::new();
    let file = folder.write("a.npz", npz(&[("X", features()), ("y", labels())], true));
    let storage = Storage {
        directory: "/nowhere".into(),
        ..Storage::default()
    };
    let watch = |_: crate::Progress<'_>| std::ops::ControlFlow::Continue(());
    let sources = Sources::labelled(&[file.display().to_string()]);
    let opened = Corpus::open(&storage, &sources, &label("y"), watch);
    let error = folder.text(&opened.err().unwrap_or(DatasetError::CalledOff));
    assert!(
        error.starts_with("a.npz: there is no room to unpack it in /nowhere: No such file"),
        "{error}"
    );
}

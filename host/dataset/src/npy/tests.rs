use crate::testing::arrays::{npy, npy_of};
use crate::testing::{Folder, options, refusal, rows};
use crate::{Block, InputFile, ReadOptions, open};

fn label(name: &str) -> ReadOptions {
    ReadOptions {
        label: Some(name.into()),
        ..options(&[])
    }
}

const TABLE: [[f64; 3]; 5] = [
    [1.5, f64::NAN, 0.0],
    [2.5, -3.0, 1.0],
    [1e-30, 3e38, 1.0],
    [0.0, -0.0, 0.0],
    [7.0, 8.0, 0.0],
];

#[test]
fn an_array_is_read_in_either_order_of_rows_and_of_bytes() {
    let table: Vec<Vec<f64>> = TABLE.iter().map(|row| row.to_vec()).collect();
    for (fortran, big_endian) in [(false, false), (false, true), (true, false), (true, true)] {
        let folder = Folder::new();
        let file = folder.write("a.npy", npy_of(&table, fortran, big_endian));
        let found = rows(&file, &label("f2")).unwrap();
        let expected = [
            "f0 f1",
            "[1.5, NaN] 0",
            "[2.5, -3.0] 1",
            "[1e-30, 3e38] 1",
            "[0.0, -0.0] 0",
            "[7.0, 8.0] 0",
        ];
        assert_eq!(
            found, expected,
            "fortran {fortran}, big-endian {big_endian}"
        );
    }
}

#[test]
fn every_type_of_number_is_read() {
    let cases: [(&str, Vec<u8>, &str); 13] = [
        ("|b1", vec![1, 0], "1.0"),
        ("|i1", vec![0xff, 0], "-1.0"),
        ("|u1", vec![0xff, 0], "255.0"),
        ("<i2", [-2_i16, 0].map(i16::to_le_bytes).concat(), "-2.0"),
        (">i2", [-2_i16, 0].map(i16::to_be_bytes).concat(), "-2.0"),
        (
            "<u2",
            [65_535_u16, 0].map(u16::to_le_bytes).concat(),
            "65535.0",
        ),
        (
            ">i4",
            [-70_000_i32, 0].map(i32::to_be_bytes).concat(),
            "-70000.0",
        ),
        (
            "<u4",
            [4_294_967_295_u32, 0].map(u32::to_le_bytes).concat(),
            "4294967300.0",
        ),
        (
            "<i8",
            [-(1_i64 << 40), 0].map(i64::to_le_bytes).concat(),
            "-1099511600000.0",
        ),
        (
            ">u8",
            [u64::MAX, 0].map(u64::to_be_bytes).concat(),
            "1.8446744e19",
        ),
        ("<f4", [0.1_f32, 0.0].map(f32::to_le_bytes).concat(), "0.1"),
        (">f4", [0.1_f32, 0.0].map(f32::to_be_bytes).concat(), "0.1"),
        ("<f8", [0.1_f64, 0.0].map(f64::to_le_bytes).concat(), "0.1"),
    ];
    for (descr, values, expected) in cases {
        let folder = Folder::new();
        let file = folder.write("a.npy", npy(descr, false, "(1, 2)", &values));
        assert_eq!(
            rows(&file, &label("f1")).unwrap(),
            ["f0", &format!("[{expected}] 0")],
            "{descr}"
        );
    }
}

#[test]
fn columns_may_be_ignored() {
    let folder = Folder::new();
    let file = folder.write(
        "a.npy",
        npy("|u1", false, "(2, 4)", &[1, 2, 3, 0, 4, 5, 6, 1]),
    );
    let options = ReadOptions {
        ignore: vec!["f0".into(), "f2".into()],
        ..label("f3")
    };
    assert_eq!(rows(&file, &options).unwrap(), ["f1", "[2.0] 0", "[5.0] 1"]);
}

#[test]
fn what_is_wrong_is_said_with_row_and_column() {
    let again = "hint: fetch or write the file again";
    let cases: [(Vec<u8>, String); 9] = [
        (
            npy_of(&[vec![1.0, 0.0], vec![f64::INFINITY, 0.0]], false, false),
            "a.npy, row 1 (from 0): column \"f0\" holds inf, which is infinite\n\
             hint: leave the cell empty if its value is missing, or --ignore f0"
                .into(),
        ),
        (
            npy_of(&[vec![1.0, 0.0], vec![-1e39, 0.0]], true, false),
            "a.npy, row 1 (from 0): column \"f0\" holds -1000000000000000000000000000000000000000, which is beyond \
             3.4e38, the range of 32 bits\nhint: scale it, or --ignore f0"
                .into(),
        ),
        (
            npy_of(&[vec![1.0, 2.0]], false, false),
            "a.npy, row 0 (from 0): label \"f1\" holds 2, which is neither 0 nor 1\n\
             hint: say which values are anomalous or which are normal, such as --anomalous 2 or --normal 2"
                .into(),
        ),
        (
            npy_of(&[vec![1.0, f64::NAN]], false, false),
            "a.npy, row 0 (from 0): label \"f1\" is missing\nhint: every row needs one, 0 or 1".into(),
        ),
        (
            npy("|u1", false, "(2,)", &[0, 1]),
            "a.npy: the array has 1 dimensions instead of rows and columns\nhint: in numpy: a.reshape(len(a), -1)"
                .into(),
        ),
        (
            npy("|u1", false, "(1, 1, 2)", &[0, 1]),
            "a.npy: the array has 3 dimensions instead of rows and columns\nhint: in numpy: a.reshape(len(a), -1)"
                .into(),
        ),
        (
            npy("<f8", false, "(2, 2)", &[0; 31]),
            format!("a.npy: the array is damaged: its values have 31 bytes instead of 32\n{again}"),
        ),
        (
            npy("<f8", false, "(99999999999, 99999999999)", &[0; 8]),
            format!("a.npy: the array is damaged: its values have 8 bytes instead of too many\n{again}"),
        ),
        (b"\x93NUMPY\x01\x00\xff".to_vec(), format!("a.npy: the array is damaged: it ends too early\n{again}")),
    ];
    for (content, expected) in cases {
        assert_eq!(refusal("a.npy", content, &label("f1")), expected);
    }
    let wide = npy("|u1", false, "(0, 2000000)", &[]);
    assert_eq!(
        refusal("a.npy", wide, &label("f1")),
        "a.npy: there are 2000000 columns\nhint: up to 1048576 are read; is the array the right way round?"
    );
}

#[test]
fn the_position_follows_the_rows() {
    let folder = Folder::new();
    let content = npy("|u1", false, "(4, 2)", &[0; 8]);
    let file = folder.write("a.npy", &content);
    let source = InputFile { file, labels: None };
    let (mut rows, mut block) = (open(&source, &label("f1")).unwrap(), Block::default());
    for (rows_max, rows_read, position) in [(1, 1, content.len() / 4), (9, 3, content.len())] {
        assert!(rows.read(rows_max, &mut block).unwrap());
        assert_eq!(
            (block.labels.len(), rows.position()),
            (rows_read, position as u64)
        );
    }
}

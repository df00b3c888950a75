//! Writes NPY and NPZ files as numpy would.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use rawzip::{CompressionMethod, ZipArchiveWriter};

/// An NPY file of values that are bytes already.
pub(crate) fn npy(descr: &str, fortran: bool, shape: &str, values: &[u8]) -> Vec<u8> {
    let fortran = if fortran { "True" } else { "False" };
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [
        &b"\x93NUMPY\x01\x00"[..],
        &length,
        header.as_bytes(),
        values,
    ]
    .concat()
}

/// Rows of one length as an NPY file of 64-bit floats.
pub(crate) fn npy_of(rows: &[Vec<f64>], fortran: bool, big_endian: bool) -> Vec<u8> {
    let width = rows.first().map_or(0, Vec::len);
    let by_row = rows.iter().flatten().copied();
    let by_column = (0..width).flat_map(|column| rows.iter().map(move |row| row[column]));
    let values: Vec<f64> = if fortran {
        by_column.collect()
    } else {
        by_row.collect()
    };
    let bytes = |value: &f64| {
        if big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    };
    let values: Vec<u8> = values.iter().flat_map(bytes).collect();
    npy(
        if big_endian { ">f8" } else { "<f8" },
        fortran,
        &format!("({}, {width})", rows.len()),
        &values,
    )
}

/// A zip file of these arrays, packed or not.
pub(crate) fn npz(arrays: &[(&str, Vec<u8>)], packed: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut archive = ZipArchiveWriter::new(&mut bytes);
    for (name, content) in arrays {
        let method = if packed {
            CompressionMethod::DEFLATE
        } else {
            CompressionMethod::STORE
        };
        let builder = archive
            .new_file(format!("{name}.npy"))
            .compression_method(method);
        let (mut entry, config) = builder.start().unwrap();
        let descriptor = if packed {
            let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::default()));
            writer.write_all(content).unwrap();
            let (encoder, descriptor) = writer.finish().unwrap();
            encoder.finish().unwrap();
            descriptor
        } else {
            let mut writer = config.wrap(&mut entry);
            writer.write_all(content).unwrap();
            writer.finish().unwrap().1
        };
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap();
    bytes
}

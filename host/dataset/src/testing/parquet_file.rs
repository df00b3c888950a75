//! Writes Parquet files.

use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{
    BoolType, ByteArrayType, DataType, DoubleType, FloatType, Int32Type, Int64Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

/// A column's values; `None` only where the schema says `optional`.
pub(crate) enum Values {
    Bool(Vec<Option<bool>>),
    I32(Vec<Option<i32>>),
    I64(Vec<Option<i64>>),
    F32(Vec<Option<f32>>),
    F64(Vec<Option<f64>>),
    Text(Vec<Option<&'static str>>),
}

/// A file of one row group for each `group_rows` rows.
pub(crate) fn parquet(
    fields: &str,
    compression: Compression,
    group_rows: usize,
    columns: &[Values],
) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message rows {{ {fields} }}")).unwrap());
    // Small pages, so that a batch spans several.
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_data_page_row_count_limit(7)
        .build();
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties)).unwrap();
    let rows = columns.first().map_or(0, Values::len);
    for first in (0..rows).step_by(group_rows) {
        let range = first..rows.min(first + group_rows);
        let mut group = file.next_row_group().unwrap();
        for column in columns {
            match column {
                Values::Bool(values) => write::<BoolType>(&mut group, &values[range.clone()]),
                Values::I32(values) => write::<Int32Type>(&mut group, &values[range.clone()]),
                Values::I64(values) => write::<Int64Type>(&mut group, &values[range.clone()]),
                Values::F32(values) => write::<FloatType>(&mut group, &values[range.clone()]),
                Values::F64(values) => write::<DoubleType>(&mut group, &values[range.clone()]),
                Values::Text(values) => {
                    let values: Vec<_> = values[range.clone()]
                        .iter()
                        .map(|text| text.map(Into::into))
                        .collect();
                    write::<ByteArrayType>(&mut group, &values);
                }
            }
        }
        group.close().unwrap();
    }
    file.close().unwrap();
    bytes
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Bool(values) => values.len(),
            Self::I32(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }
}

fn write<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    values: &[Option<T::T>],
) {
    let mut column = group.next_column().unwrap().unwrap();
    let there: Vec<T::T> = values.iter().flatten().cloned().collect();
    let levels: Vec<i16> = values
        .iter()
        .map(|value| i16::from(value.is_some()))
        .collect();
    column
        .typed::<T>()
        .write_batch(&there, Some(&levels), None)
        .unwrap();
    column.close().unwrap();
}

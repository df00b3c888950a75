//! The score of one reading, as it is published: the content of a `PREDICTION_RESULT` message.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::PluginId;

/// A reading's score. Fields are written in alphabetical order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction<'a> {
    /// 1 if the reading is labelled as an anomaly, 0 if it is labelled as normal.
    pub label: Option<u8>,
    /// The round of the global model that gave the score, 0 before the first one.
    pub model_version: u64,
    /// The fog node's number.
    pub node: u32,
    /// Higher is more anomalous; `None` before the first global model.
    pub score: Option<f64>,
    /// The source of the reading.
    pub sensor: Cow<'a, str>,
    /// As the sensor wrote it: a number of seconds, a text or null.
    pub timestamp: Cow<'a, Value>,
}

/// What a prediction was made from, and with which component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictionMetadata<'a> {
    /// The record of the reading.
    pub input: InputPosition<'a>,
    /// The component that gave the score.
    pub plugin: Cow<'a, PluginId>,
}

/// The position of a reading's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputPosition<'a> {
    /// The record's offset.
    pub offset: u64,
    /// The partition.
    pub partition: u32,
    /// The topic.
    pub topic: Cow<'a, str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_prediction_is_read_back() {
        let written = r#"{"label":1,"model_version":3,"node":1,"score":0.25,"sensor":"pump","timestamp":1.5}"#;
        let prediction: Prediction<'_> = serde_json::from_str(written).unwrap();
        assert_eq!(prediction.score, Some(0.25));
        assert_eq!(prediction.sensor, "pump");
        assert_eq!(serde_json::to_string(&prediction).unwrap(), written);
    }

    #[test]
    fn a_prediction_before_the_first_model_has_no_score() {
        let prediction = Prediction {
            label: None,
            model_version: 0,
            node: 2,
            score: None,
            sensor: "pump".into(),
            timestamp: Cow::Owned(Value::Null),
        };
        let written = serde_json::to_string(&prediction).unwrap();
        assert_eq!(
            written,
            r#"{"label":null,"model_version":0,"node":2,"score":null,"sensor":"pump","timestamp":null}"#
        );
        let read: Prediction<'_> = serde_json::from_str(&written).unwrap();
        assert_eq!(read, prediction);
    }
}

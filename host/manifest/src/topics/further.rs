//! Topics that exist only when the manifest names them: those of the stages, tasks and feeds around
//! a federation.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::Topic;

/// The key, and what the topic carries for whom.
pub(super) const KEYS: [(&str, &str); 14] = [
    (
        "raw_data",
        "Rows as they come in; the pipeline's processing stage reads them.",
    ),
    (
        "processed_data",
        "Rows after processing; the pipeline's training stage reads them.",
    ),
    (
        "model_training",
        "What becomes of training runs; the pipeline's training stage writes it.",
    ),
    (
        "prediction_requests",
        "Rows to be scored; the pipeline's prediction stage reads them.",
    ),
    (
        "prediction_results",
        "Scores that were asked for; the pipeline's prediction stage writes them.",
    ),
    (
        "monitoring",
        "How the pipeline's stages are; each of them writes it.",
    ),
    (
        "alerts",
        "What an operator should look at; the pipeline's stages write it.",
    ),
    (
        "tasks",
        "Work for workers; clients that submit tasks write it.",
    ),
    ("task_results", "What came of tasks; workers write it."),
    (
        "training_log",
        "How training continues, epoch by epoch; workers write it.",
    ),
    ("events", "Events for analysis; streaming stages read them."),
    (
        "metrics",
        "Figures over windows of events; streaming stages write them.",
    ),
    (
        "streaming_alerts",
        "Windows whose figures are out of bounds; streaming stages write them.",
    ),
    (
        "ml_predictions",
        "Scores of events; streaming stages write them.",
    ),
];

/// A table of these keys.
pub(super) fn schema(generator: &mut SchemaGenerator) -> Schema {
    let topic = Topic::json_schema(generator);
    let described = |&(key, description): &(&str, &str)| {
        let mut topic = topic.clone();
        topic.insert("description".to_owned(), json!(description));
        (key.to_owned(), topic.to_value())
    };
    let properties: Map<String, Value> = KEYS.iter().map(described).collect();
    let mut schema = Map::new();
    schema.insert("type".into(), json!("object"));
    schema.insert("properties".into(), Value::Object(properties));
    schema.into()
}

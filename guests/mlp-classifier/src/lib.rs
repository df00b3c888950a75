//! The plug-in `mlp-classifier`: a small neural network that separates labelled anomalies from
//! normal rows.
//!
//! The output is a linear term of the columns plus a hidden layer of hyperbolic tangents. The linear
//! term alone is logistic regression. The hidden units add nonlinear effects, such as anomalies on
//! both sides of the normal range, or two columns that matter only together.
//!
//! Use it for rows with labels. It measures the columns' scales in its first training, so columns
//! may have any units. It federates by plain averaging: all nodes start from the same hidden
//! weights. One local epoch per round keeps a federation close to central training. Scores are
//! log-odds: a row above 0 is more likely anomalous than normal.
//!
//! | parameter | default | legal | |
//! |---|---|---|---|
//! | `hidden` | 8 | 1 to 1024 | units of the hidden layer |
//! | `learning_rate` | 0.004 | 1e-6 to 1 | about how far one step of Adam moves a weight |
//! | `batch_size` | 32 | 1 to 65536 | rows of a mini-batch |
//! | `l2` | 0.001 | 0 to 10 | pull of the weights towards 0 |
//!
//! Missing and infinite values count as their column's mean. Ten to a hundred epochs are usual. More
//! hidden units need more rows; with few anomalies they make the model worse.
//!
//! Papers: Rumelhart, Hinton, Williams, "Learning representations by back-propagating errors",
//! Nature 1986; Kingma, Ba, "Adam: a method for stochastic optimization", ICLR 2015.
//!
//! The algorithm is in [`perceptron`]; this file only exports the component.

pub mod network;
pub mod perceptron;

pub use perceptron::MlpClassifier;

#[cfg(target_family = "wasm")]
fedhost_guest::export_model!(MlpClassifier);

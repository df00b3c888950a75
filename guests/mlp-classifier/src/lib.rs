//! The plug-in `mlp-classifier`: tells labelled anomalies from the rest by a small neural network.
//!
//! A hidden layer of tangents stands beside a straight line from the columns to the output. The
//! line alone is logistic regression, so the network has nothing to lose against it; the hidden
//! units add bends, such as anomalies on both sides of normal, or two columns that matter only
//! together.
//!
//! Use it where rows have labels. It measures the columns' scales in its first training, so any
//! units will do; it federates by plain averaging, from hidden weights that are the same at the
//! start on every node. One local epoch a round keeps a federation close to central training.
//! Scores are log-odds: above 0 is more likely anomalous than not.
//!
//! | parameter | default | legal | |
//! |---|---|---|---|
//! | `hidden` | 8 | 1 to 1024 | units of the hidden layer |
//! | `learning_rate` | 0.004 | 1e-6 to 1 | about how far a step of Adam's moves a weight |
//! | `batch_size` | 32 | 1 to 65536 | rows of a mini-batch |
//! | `l2` | 0.001 | 0 to 10 | pull of the weights towards 0 |
//!
//! Missing and infinite values count as their column's mean. Ten to a hundred epochs are usual;
//! more units need more rows, and with few anomalies to learn from they soon do worse.
//!
//! Papers: Rumelhart, Hinton, Williams, "Learning representations by back-propagating errors",
//! Nature 1986; Kingma, Ba, "Adam: a method for stochastic optimization", ICLR 2015.
//!
//! The algorithm is in [`perceptron`]; this file only makes a component of it.

pub mod network;
pub mod perceptron;
pub mod rows;

pub use perceptron::MlpClassifier;

#[cfg(target_family = "wasm")]
fedhost_guest::export_model!(MlpClassifier);

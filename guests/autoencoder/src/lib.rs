//! The plug-in `autoencoder`: finds rows that a network trained on normal rows cannot reconstruct.
//!
//! The network encodes a row in a hidden layer that is narrower than the row, and decodes it again.
//! It learns how normal rows vary and cannot reconstruct other rows. A row's score is the mean
//! squared error over the columns, in squared standard deviations. A score of 1 is as bad as
//! predicting the columns' means.
//!
//! Use it like `pca-t2q`, without labels, when columns depend on each other nonlinearly and there
//! are thousands of rows; `pca-t2q` is faster, exact and often as good. It measures the columns'
//! scales in its first training, so columns may have any units. It federates by plain averaging: all
//! nodes start from the same weights.
//!
//! | parameter | default | legal | |
//! |---|---|---|---|
//! | `hidden` | 0 | 0 to 1024 | units of the hidden layer; 0: half as many as columns |
//! | `learning_rate` | 0.005 | 1e-6 to 1 | about how far one step of Adam moves a weight |
//! | `batch_size` | 32 | 1 to 65536 | rows of a mini-batch |
//! | `normal_only` | true | | rows labelled anomalous are left out of training |
//!
//! Missing and infinite values count as their column's mean. A column that did not vary in the first
//! training has no effect. Derive a threshold from the scores of normal rows.
//!
//! Papers: Hinton, Salakhutdinov, "Reducing the dimensionality of data with neural networks",
//! Science 2006; Sakurada, Yairi, "Anomaly detection using autoencoders with nonlinear
//! dimensionality reduction", MLSDA 2014; Kingma, Ba, "Adam: a method for stochastic optimization",
//! ICLR 2015.
//!
//! The algorithm is in [`autoencoder`]; this file only exports the component.

pub mod autoencoder;
pub mod network;

pub use autoencoder::Autoencoder;

#[cfg(target_family = "wasm")]
fedhost_guest::export_model!(Autoencoder);
